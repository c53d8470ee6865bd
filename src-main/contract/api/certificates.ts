/** Certificates: a local authority that issues them, others' that were imported, and who serves with them. Keys never leave the core. */
import { z } from 'zod';
import type { Health } from '../nouns';
import type { Sentence } from '../sentence';
import { act, read, state } from './define';

/** Characters an imported chain or key may have; the longest chains of public authorities have about 10 kB. */
export const longestPem = 100_000;
/** Names one certificate may carry. */
export const mostNames = 50;
/** Days an issued certificate may live; browsers refuse more than 398. */
export const shortestLife = 30;
export const longestLife = 397;

const name = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, 'Letters, digits, dot, dash and underscore, beginning with a letter or digit');
/** One that was made for a service by itself is called like the service, `<stack>/<service>`. */
const anyName = z
  .string()
  .min(1)
  .max(190)
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*(?:\/[A-Za-z0-9][A-Za-z0-9_.-]*)?$/);

/** A service that has a certificate as files in its containers. */
export interface CertificateHolder {
  service: string;
  /** Their names in the folder of secrets. */
  files: string[];
  /** Running containers, and how many of them have the newest version. */
  containers: number;
  current: number;
}

export interface CertificateView {
  name: string;
  source: 'issued' | 'imported';
  /** The service it was made for by itself; it goes with it. */
  service?: string;
  /** DNS names and addresses. */
  names: string[];
  subject: string;
  issuer: string;
  /** Upper-case hexadecimal, as are the fingerprints. */
  serial: string;
  sha256: string;
  keyType: string;
  notBefore: number;
  notAfter: number;
  /** When the next one is made by itself; absent for imported ones. */
  renewAt?: number;
  health: Health;
  words: Sentence;
  /** Keys of the services that serve with it. */
  users: string[];
  holders: CertificateHolder[];
  /** Grows by one with each renewal or import. */
  version: number;
  createdAt: number;
  updatedAt: number;
}

export interface AuthorityView {
  subject: string;
  serial: string;
  sha256: string;
  notBefore: number;
  notAfter: number;
  /** What it can vouch for, and nothing else. */
  permitted: string[];
  /** Its certificate, PEM: what is given to those who are to trust it. */
  certificate: string;
  health: Health;
  words: Sentence;
}

export interface CertificatesView {
  /** Absent until the first certificate is issued. */
  authority?: AuthorityView;
  certificates: CertificateView[];
}

export const certificateCalls = {
  'certificates.list': read<CertificatesView>()(z.strictObject({})),
  /** Issues a certificate, or issues it anew when its names change; makes the authority when there is none. */
  'certificates.issue': act<CertificateView>()(
    z.strictObject({
      name,
      names: z.array(z.string().min(1).max(253)).min(1).max(mostNames),
      days: z.number().int().min(shortestLife).max(longestLife).optional(),
    }),
  ),
  /** Keeps somebody else's certificate: the chain in any order, and its key without a passphrase, both PEM. */
  'certificates.import': act<CertificateView>()(
    z.strictObject({ name, chain: z.string().min(1).max(longestPem), key: z.string().min(1).max(longestPem) }),
  ),
  /** Issues the next one now, with a new key. Not for imported ones. */
  'certificates.renew': act<CertificateView>()(z.strictObject({ name: anyName })),
  /** Refused while somebody serves with it. */
  'certificates.remove': act<null>()(z.strictObject({ name: anyName })),
  /** The certificate and its chain, PEM; never the key. */
  'certificates.export': read<{ pem: string }>()(z.strictObject({ name: anyName })),
  /** Makes the authority. With `replace` another one takes its place, and all that it issued are issued anew. */
  'certificates.authority': act<AuthorityView>()(z.strictObject({ replace: z.boolean().default(false) })),
};

export const certificateStreams = {
  'certificates.watch': state<CertificatesView>()(z.strictObject({})),
};
