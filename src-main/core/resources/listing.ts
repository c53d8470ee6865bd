/**
 * Looking into one folder of a volume with `find` and `stat` in a running helper: names first, NUL between them, then the facts of
 * one page of them. Names and link targets are anybody's, so records are told apart by a word that nobody could know before.
 */
import type { VolumeEntry } from '../../contract/api/storage';
import type { Engine } from '../engine';

/** Bytes of names that are taken for one folder; what is over is not listed. */
const mostNames = 16 * 1024 * 1024;
/** Bytes of names in one command; kernels take two mebibytes, some less. */
const mostArguments = 96 * 1024;
const patience = 60_000;

const kindOf: Record<number, VolumeEntry['type']> = { 0x8000: 'file', 0x4000: 'folder', 0xa000: 'link' };

export interface Listing {
  entries: VolumeEntry[];
  /** How many there are in all. */
  total: number;
  /** There are more names than were read. */
  truncated: boolean;
}

/**
 * One page of a folder, folders first, by name. Undefined when the helper's image cannot do it, or it is no folder: the archive API
 * then knows better.
 * @param folder absolute, inside the helper
 * @param word a fresh random word
 */
export async function listPage(
  engine: Engine,
  container: string,
  options: { folder: string; word: string; offset: number; limit: number },
): Promise<Listing | undefined> {
  const { folder, word, offset, limit } = options;
  const run = async (argv: string[], most: number): Promise<{ output: string; exitCode: number }> =>
    engine.exec(container, argv, { timeout: patience, limit: most });
  const [itself] = readFacts((await run(['stat', '-c', format(word), folder], 64 * 1024)).output, word);
  if (itself?.type !== 'folder') return undefined;
  const find = ['find', folder, '-mindepth', '1', '-maxdepth', '1'];
  const names: string[] = [];
  let truncated = false;
  for (const kind of [
    ['-type', 'd'],
    ['!', '-type', 'd'],
  ]) {
    const { output, exitCode } = await run([...find, ...kind, '-print0'], mostNames);
    if (exitCode !== 0 && output === '') return undefined;
    truncated ||= !output.endsWith('\0') && output !== '';
    names.push(...readNames(output, folder).sort(byName));
  }
  const page = names.slice(offset, offset + limit);
  const facts = new Map<string, VolumeEntry>();
  for (const some of batches(page, folder.length + 1)) {
    const paths = some.map((name) => `${folder}/${name}`);
    const { output } = await run(['stat', '-c', format(word), ...paths], 4 * 1024 * 1024);
    for (const entry of readFacts(output, word)) facts.set(entry.name, entry);
  }
  // What was removed meanwhile, or has a name that is no text, is still shown: it was there.
  const entries = page.map((name) => facts.get(name) ?? unknown(name));
  return { entries, total: names.length, truncated };
}

/** The names in what `find -print0` wrote; a warning of its own among them belongs to no name. */
export function readNames(output: string, folder: string): string[] {
  const prefix = `${folder}/`;
  return output
    .split('\0')
    .slice(0, -1)
    .map((record) =>
      record.startsWith(prefix) ? record : record.slice(Math.max(0, record.indexOf(`\n${prefix}`) + 1)),
    )
    .filter((record) => record.startsWith(prefix))
    .map((record) => record.slice(prefix.length));
}

/** Three parts per entry, each after the word: facts, path, and the path with where it leads. */
function format(word: string): string {
  return `${word}%f %u %g %s %Y${word}%n${word}%N`;
}

/** What `stat` wrote in our format. */
export function readFacts(output: string, word: string): VolumeEntry[] {
  const parts = output.split(word).slice(1);
  const entries: VolumeEntry[] = [];
  for (let at = 0; at + 2 < parts.length; at += 3) {
    const [facts = '', path = '', quoted = ''] = parts.slice(at, at + 3);
    const numbers = /^([0-9a-f]+) (\d+) (\d+) (\d+) (-?\d+)$/.exec(facts);
    if (!numbers) continue;
    const [, raw = '', uid, gid, size, seconds] = numbers;
    const mode = parseInt(raw, 16);
    const type = kindOf[mode & 0xf000] ?? 'other';
    const target = type === 'link' ? targetOf(quoted, path) : undefined;
    entries.push({
      name: path.slice(path.lastIndexOf('/') + 1),
      type,
      size: type === 'file' ? Number(size) : 0,
      mode: mode & 0o7777,
      uid: Number(uid),
      gid: Number(gid),
      modifiedAt: Number(seconds) * 1000,
      ...(target === undefined ? {} : { target }),
    });
  }
  return entries;
}

function targetOf(quoted: string, path: string): string | undefined {
  const before = `'${path}' -> '`;
  const end = quoted.lastIndexOf("'");
  return quoted.startsWith(before) && end >= before.length ? quoted.slice(before.length, end) : undefined;
}

function unknown(name: string): VolumeEntry {
  return { name, type: 'other', size: 0, mode: 0, uid: 0, gid: 0, modifiedAt: 0 };
}

function* batches(names: readonly string[], prefix: number): Generator<string[]> {
  let some: string[] = [];
  let bytes = 0;
  for (const name of names) {
    // A character is at most three bytes of UTF-8 per unit.
    const size = (prefix + name.length) * 3 + 1;
    if (some.length > 0 && bytes + size > mostArguments) {
      yield some;
      [some, bytes] = [[], 0];
    }
    some.push(name);
    bytes += size;
  }
  if (some.length > 0) yield some;
}

/** By code unit: the same on every machine, and quick for a hundred thousand. */
export function byName(one: string, two: string): number {
  return one < two ? -1 : one > two ? 1 : 0;
}
