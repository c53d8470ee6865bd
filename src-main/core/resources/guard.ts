/**
 * What may be in an archive that is unpacked into a volume (reliability S24). Pure: it sees header after header and says no to the first
 * that is not safe. Our own backups may hold what volumes hold, such as links that lead elsewhere and bits that change the user;
 * archives from outside may not.
 */
import { sentence, type Sentence } from '../../contract/sentence';

/** One header of a tar, as far as it matters. */
export interface ArchiveEntry {
  name: string;
  /** tar-stream's words; anything unknown is refused. */
  type: string;
  mode: number;
  size: number;
  linkname?: string;
  /** Extended attributes of the header, by their names. */
  pax?: Readonly<Record<string, string>>;
}

export interface GuardRules {
  /** Every name begins with it. '' for archives from outside, whose names begin anywhere. */
  root: string;
  /** It comes from outside. */
  foreign: boolean;
  mostEntries: number;
  /** Of all files together. */
  mostBytes: number;
}

/** Caps for archives from outside. */
export const foreignCaps = { mostEntries: 500_000, mostBytes: 64 * 1024 ** 3 };
/** Our own archives are checked against their manifest too; these are caps of memory. */
export const ownCaps = { mostEntries: 5_000_000, mostBytes: 16 * 1024 ** 4 };

/** Text packs well, but nothing real packs better than this once it is large. */
const bombRatio = 200;
const bombFrom = 64 * 1024 * 1024;

const longestName = 4096;
const deepest = 256;

/** Whether an archive unpacks to implausibly more than it is. */
export function bomb(packed: number, unpacked: number): Sentence | undefined {
  return unpacked > bombFrom && unpacked > packed * bombRatio
    ? sentence('archive.bomb', { ratio: bombRatio })
    : undefined;
}

/** The parts of a path without `.` and doubled slashes; undefined when it is not a path inside. */
export function partsOf(path: string): string[] | undefined {
  if (path.includes('\0') || path.length > longestName || path.startsWith('/')) return undefined;
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return parts.includes('..') || parts.length > deepest ? undefined : parts;
}

export class ArchiveGuard {
  /** What was seen under each name: only folders may be named again. */
  private readonly seen = new Map<string, 'folder' | 'file' | 'link'>();
  entries = 0;
  bytes = 0;

  constructor(private readonly rules: GuardRules) {}

  /** Why this entry may not be unpacked; undefined when it may. */
  take(entry: ArchiveEntry): Sentence | undefined {
    const name = entry.name.slice(0, 200);
    this.entries += 1;
    if (this.entries > this.rules.mostEntries) return sentence('archive.tooMany', { count: this.rules.mostEntries });
    if (entry.name.includes('\0') || entry.name.length > longestName) return sentence('archive.name', { name });
    const parts = partsOf(entry.name);
    if (!parts) return sentence('archive.outside', { name });
    if (this.rules.root !== '' && parts[0] !== this.rules.root) return sentence('archive.outside', { name });
    return this.kind(entry, parts, name) ?? this.place(entry, parts, name);
  }

  private kind(entry: ArchiveEntry, parts: string[], name: string): Sentence | undefined {
    if (!['file', 'contiguous-file', 'directory', 'symlink', 'link', 'fifo'].includes(entry.type))
      return sentence('archive.kind', { name });
    if (entry.type === 'fifo' && this.rules.foreign) return sentence('archive.kind', { name });
    if (Object.keys(entry.pax ?? {}).some((key) => key.startsWith('GNU.sparse')))
      return sentence('archive.sparse', { name });
    if (!Number.isSafeInteger(entry.size) || entry.size < 0) return sentence('archive.name', { name });
    if (this.rules.foreign && (entry.mode & 0o6000) !== 0) return sentence('archive.privilege', { name });
    this.bytes += entry.type === 'file' || entry.type === 'contiguous-file' ? entry.size : 0;
    if (this.bytes > this.rules.mostBytes) return sentence('archive.tooLarge', { bytes: this.rules.mostBytes });
    if (entry.type === 'link') return this.hardLink(entry, name);
    if (entry.type === 'symlink' && this.rules.foreign) return symlink(entry.linkname ?? '', parts, name);
    return undefined;
  }

  /** A second name of a file that came before; never of a link, which would be a way around. */
  private hardLink(entry: ArchiveEntry, name: string): Sentence | undefined {
    const target = partsOf(entry.linkname ?? '');
    const known = target && target.length > 0 ? this.seen.get(target.join('/')) : undefined;
    return known === 'file' ? undefined : sentence('archive.link', { name });
  }

  private place(entry: ArchiveEntry, parts: string[], name: string): Sentence | undefined {
    for (let length = 1; length < parts.length; length++) {
      const above = this.seen.get(parts.slice(0, length).join('/'));
      if (above !== undefined && above !== 'folder') return sentence('archive.through', { name });
    }
    const key = parts.join('/');
    const before = this.seen.get(key);
    const kind = entry.type === 'directory' ? 'folder' : entry.type === 'symlink' ? 'link' : 'file';
    if (key === '' && kind !== 'folder') return sentence('archive.name', { name });
    if (before !== undefined && !(before === 'folder' && kind === 'folder')) return sentence('archive.twice', { name });
    this.seen.set(key, kind);
    return undefined;
  }
}

/** A link of an archive from outside stays inside: relative, and never above the root on its way. */
function symlink(target: string, parts: string[], name: string): Sentence | undefined {
  if (target === '' || target.startsWith('/') || target.includes('\0') || target.length > longestName)
    return sentence('archive.link', { name });
  let depth = parts.length - 1;
  for (const part of target.split('/')) {
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    if (depth < 0) return sentence('archive.link', { name });
  }
  return undefined;
}
