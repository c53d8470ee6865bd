/**
 * Makes certificates. Keys are ECDSA P-256, signatures SHA-256 (what every browser takes); serial numbers are 127 random bits
 * (CA/Browser Forum, 7.1: at least 64). The library is loaded at the first use: most starts need none of it.
 */
import { randomBytes, webcrypto } from 'node:crypto';
import type * as AsnSchema from '@peculiar/asn1-schema';
import type * as AsnX509 from '@peculiar/asn1-x509';
import type * as X509 from '@peculiar/x509';
import type { Issued, Issuer, Permitted } from '../core/issuer';
import { factsOf, isAddress, pemOf, readPem } from './read';

type Library = typeof X509;
type Asn = typeof AsnX509 & typeof AsnSchema;

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export function openIssuer(): Issuer {
  let loading: Promise<{ x509: Library; asn: Asn }> | undefined;
  const load = (): NonNullable<typeof loading> => (loading ??= loadLibrary());
  return {
    authority: async (wish) => {
      const { x509, asn } = await load();
      const keys = await newKeys();
      const certificate = await x509.X509CertificateGenerator.createSelfSigned({
        serialNumber: newSerial(),
        name: [{ CN: [wish.name] }, { O: ['Pilothouse'] }],
        notBefore: new Date(wish.notBefore),
        notAfter: new Date(wish.notAfter),
        signingAlgorithm: algorithm,
        keys,
        extensions: [
          new x509.BasicConstraintsExtension(true, 0, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
          await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
          new x509.Extension(asn.id_ce_nameConstraints, true, constraints(asn, wish.permitted)),
        ],
      });
      return issued(certificate.toString('pem'), keys.privateKey);
    },
    issue: async (by, wish) => {
      const { x509 } = await load();
      const parent = new x509.X509Certificate(by.certificate);
      const signingKey = await webcrypto.subtle.importKey('pkcs8', derOf(by.key), algorithm, false, ['sign']);
      const keys = await newKeys();
      const [first = ''] = wish.names;
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: newSerial(),
        // A common name has at most 64 characters (RFC 5280, upper bound); clients look at the other names only.
        subject: [{ CN: [first.length <= 64 ? first : 'pilothouse'] }],
        issuer: parent.subjectName.toJSON(),
        notBefore: new Date(wish.notBefore),
        notAfter: new Date(wish.notAfter),
        signingAlgorithm: algorithm,
        publicKey: keys.publicKey,
        signingKey,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
          new x509.SubjectAlternativeNameExtension(
            wish.names.map((value) => ({ type: isAddress(value) ? ('ip' as const) : ('dns' as const), value })),
          ),
          await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
          await x509.AuthorityKeyIdentifierExtension.create(parent),
        ],
      });
      return issued(certificate.toString('pem'), keys.privateKey);
    },
    placeholder: async ({ notBefore, notAfter }) => {
      const { x509 } = await load();
      const keys = await newKeys();
      const certificate = await x509.X509CertificateGenerator.createSelfSigned({
        serialNumber: newSerial(),
        name: [{ CN: ['not ready yet'] }],
        notBefore: new Date(notBefore),
        notAfter: new Date(notAfter),
        signingAlgorithm: algorithm,
        keys,
        extensions: [new x509.BasicConstraintsExtension(false, undefined, true)],
      });
      return `${certificate.toString('pem')}\n${await exportKey(keys.privateKey)}`;
    },
    read: (certificates, key) => Promise.resolve().then(() => readPem(certificates, key)),
  };
}

async function loadLibrary(): Promise<{ x509: Library; asn: Asn }> {
  // Its registry of algorithms keeps what it knows in metadata of classes.
  await import('reflect-metadata');
  const [x509, schema, asn] = await Promise.all([
    import('@peculiar/x509'),
    import('@peculiar/asn1-schema'),
    import('@peculiar/asn1-x509'),
  ]);
  // Node's type of the same thing: the library speaks of the browser's.
  const provider: { set(crypto: unknown): void } = x509.cryptoProvider;
  provider.set(webcrypto);
  return { x509, asn: { ...schema, ...asn } };
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

function newSerial(): string {
  const bytes = randomBytes(16);
  // Positive, and of full length.
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return pemOf('PRIVATE KEY', Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)));
}

async function issued(pem: string, key: webcrypto.CryptoKey): Promise<Issued> {
  const certificate = `${pem.trim()}\n`;
  return { certificate, key: await exportKey(key), facts: factsOf(certificate) };
}

/** The bytes of a PEM with one block. */
function derOf(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
}

function constraints(asn: Asn, permitted: Permitted): ArrayBuffer {
  const bases = [
    ...permitted.domains.map((dNSName) => new asn.GeneralName({ dNSName })),
    ...permitted.networks.map((iPAddress) => new asn.GeneralName({ iPAddress })),
  ];
  const subtrees = new asn.GeneralSubtrees(bases.map((base) => new asn.GeneralSubtree({ base })));
  return asn.AsnConvert.serialize(new asn.NameConstraints({ permittedSubtrees: subtrees }));
}
