/** Reads certificates and keys, ours and others', with Node's X.509. What is given by others is hostile until it has been read here. */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { fail } from '../contract/errors';
import type { CertificateFacts, ReadCertificate } from '../core/issuer';

/** Certificates a chain may have; real ones have two to four. */
const longestChain = 10;
const block = /-----BEGIN CERTIFICATE-----[\sA-Za-z0-9+/=]+-----END CERTIFICATE-----/g;

export function isAddress(name: string): boolean {
  return isIP(name) !== 0;
}

/** The facts of one certificate. Throws what Node throws. */
export function factsOf(pem: string): CertificateFacts {
  return describe(new X509Certificate(pem));
}

/** See `Issuer.read`. */
export function readPem(certificates: string, keyText: string): { list: ReadCertificate[]; key: string } {
  const blocks = certificates.match(block) ?? [];
  if (blocks.length === 0)
    throw fail('bad-input', 'There is no certificate in it.', 'It begins with -----BEGIN CERTIFICATE-----.');
  if (blocks.length > longestChain) throw fail('too-many', `A chain has at most ${longestChain} certificates.`);
  const parsed = blocks.map((text) => {
    try {
      return new X509Certificate(text);
    } catch {
      throw fail('bad-input', 'A certificate in it cannot be read: it is damaged.');
    }
  });
  const key = readKey(keyText);
  const list = parsed.map((one): ReadCertificate => ({
    pem: pemOf('CERTIFICATE', one.raw),
    facts: describe(one),
    authority: one.ca,
    signedBy: parsed.flatMap((other, index) => (hasSigned(other, one) ? [index] : [])),
    ownsKey: one.checkPrivateKey(key),
  }));
  return { list, key: key.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** PEM of these bytes, lines of 64 characters (RFC 7468). */
export function pemOf(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

function readKey(text: string): KeyObject {
  if (/-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(text))
    throw fail('bad-input', 'The key has a passphrase.', 'Take it away first: openssl pkey -in key.pem -out plain.pem');
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch {
    // Why it failed could quote a piece of it.
    throw fail('bad-input', 'There is no private key in it.', 'It begins with -----BEGIN PRIVATE KEY-----.');
  }
  if (!['ec', 'rsa'].includes(key.asymmetricKeyType ?? ''))
    throw fail('bad-input', 'The key is neither EC nor RSA: browsers do not take it.');
  return key;
}

function hasSigned(parent: X509Certificate, child: X509Certificate): boolean {
  try {
    return child.checkIssued(parent) && child.verify(parent.publicKey);
  } catch {
    return false;
  }
}

function describe(certificate: X509Certificate): CertificateFacts {
  const hex = (text: string): string => text.replaceAll(':', '').toUpperCase();
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    serial: hex(certificate.serialNumber).replace(/^0+(?=.)/, ''),
    sha1: hex(certificate.fingerprint),
    sha256: hex(certificate.fingerprint256),
    keyType: keyType(certificate.publicKey),
    names: namesOf(certificate.subjectAltName ?? ''),
    notBefore: Date.parse(certificate.validFrom),
    notAfter: Date.parse(certificate.validTo),
  };
}

/** Node gives a name as lines, the most general first. */
function oneLine(name: string): string {
  return (name ?? '').split('\n').reverse().join(', ').slice(0, 500);
}

function keyType({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  const details = asymmetricKeyDetails ?? {};
  const curves: Record<string, string> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };
  if (asymmetricKeyType === 'rsa') return `RSA ${details.modulusLength ?? ''}`.trim();
  if (asymmetricKeyType === 'ec') return `EC ${curves[details.namedCurve ?? ''] ?? details.namedCurve ?? ''}`.trim();
  return (asymmetricKeyType ?? 'unknown').toUpperCase();
}

/** Names of `DNS:a.example, IP Address:10.0.0.1`; quoted ones hold what no host name holds, and are left out. */
function namesOf(text: string): string[] {
  return text.split(', ').flatMap((part) => {
    const [, kind, value = ''] = /^(DNS|IP Address):([A-Za-z0-9.*:_-]+)$/.exec(part) ?? [];
    return kind === undefined ? [] : [value.toLowerCase()];
  });
}
