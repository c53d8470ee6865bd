/** The files of a service's certificates, with keys: opened for one container at a time, and kept nowhere. */
import { utf8 } from '../../base/utf8';
import { certificateFiles, type CertificatePart } from '../../contract/certificateFiles';
import { sentence, type Sentence } from '../../contract/sentence';
import type { ServiceSpec } from '../../contract/spec';
import type { CertificateRow } from '../store';

/** A file as the engine takes it; `path` is its name in the folder. */
export interface CertificateFile {
  path: string;
  content: Uint8Array;
  mode: number;
  uid: number;
  gid: number;
}

/** What of the authority is needed here. */
export interface Opener {
  find(name: string): CertificateRow | undefined;
  /** The key, PEM. Throws while the vault is locked. */
  key(row: CertificateRow): string;
  /** Who vouches for it, PEM. */
  vouching(row: CertificateRow): string;
}

/** With `only`, of that certificate alone. */
export function filesFor(
  opener: Opener,
  service: string,
  options: { spec: Pick<ServiceSpec, 'pilothouse'>; only?: string },
): { files: CertificateFile[]; versions: Record<string, number> } | { missing: Sentence } {
  const files: CertificateFile[] = [];
  const versions: Record<string, number> = {};
  for (const { certificate, files: wanted } of certificateFiles(service, options.spec)) {
    if (options.only !== undefined && options.only !== certificate) continue;
    const row = opener.find(certificate);
    const missing = (reason: string): { missing: Sentence } => ({
      missing: sentence('replica.certificateMissing', { certificate, reason }),
    });
    if (!row) return missing('there is none of that name yet');
    try {
      for (const { part, file, mode, uid, gid } of wanted) {
        const content = utf8(contentOf(opener, row, part));
        files.push({ path: file, content, mode, uid: numeric(uid), gid: numeric(gid) });
      }
    } catch (thrown) {
      return missing(thrown instanceof Error ? thrown.message : String(thrown));
    }
    versions[certificate] = row.version;
  }
  return { files, versions };
}

function contentOf(opener: Opener, row: CertificateRow, part: CertificatePart): string {
  if (part === 'cert') return row.chain;
  if (part === 'ca') return opener.vouching(row);
  return part === 'key' ? opener.key(row) : row.chain + opener.key(row);
}

/** A user or group by number; names mean nothing outside the container, so they are root's. */
function numeric(text: string | undefined): number {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : 0;
}
