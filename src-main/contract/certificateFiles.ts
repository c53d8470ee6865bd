/**
 * Certificates that a service has as files inside its containers (`x-pilothouse.certificates`). They lie in memory, in the folder of
 * secrets. Pure: reconcile (before the start), the authority (while it runs) and the screens must agree on it.
 */
import type { CertificateBinding, ServiceSpec } from './spec';

/** What a file holds: the certificate with its chain, its key, who vouches for it, or chain and key in one. */
export type CertificatePart = 'cert' | 'key' | 'ca' | 'pem';

export interface CertificateFiles {
  /** The certificate's name; a service's own is called like the service. */
  certificate: string;
  files: { part: CertificatePart; file: string; mode: number; uid?: string; gid?: string }[];
  signal?: string;
  exec?: string[];
}

const parts: readonly CertificatePart[] = ['cert', 'key', 'ca', 'pem'];
const usual: Readonly<Record<Exclude<CertificatePart, 'pem'>, string>> = {
  cert: 'tls.crt',
  key: 'tls.key',
  ca: 'ca.crt',
};
/** Of files with a key: only their owner reads them. */
const keyMode = 0o400;

/** Each certificate of a service (`<stack>/<service>`) with its files, each file by its name in the folder. */
export function certificateFiles(service: string, spec: Pick<ServiceSpec, 'pilothouse'>): CertificateFiles[] {
  return (spec.pilothouse.certificates ?? []).map((binding) => {
    const { uid, gid, signal, exec } = binding;
    const named = parts.some((part) => binding[part] !== undefined) ? binding : usual;
    return {
      certificate: binding.name ?? service,
      files: parts.flatMap((part) => {
        const file = (named as CertificateBinding)[part];
        if (file === undefined) return [];
        const mode = part === 'cert' || part === 'ca' ? 0o444 : (binding.mode ?? keyMode);
        return { part, file, mode, ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
      }),
      ...(signal === undefined ? {} : { signal }),
      ...(exec === undefined ? {} : { exec }),
    };
  });
}

/** The service has files that lie in memory: secrets, or certificates. */
export function hasMemoryFiles(spec: Pick<ServiceSpec, 'pilothouse' | 'secrets'>): boolean {
  return spec.secrets.length > 0 || (spec.pilothouse.certificates ?? []).length > 0;
}
