/**
 * The config center as a zip of plain files, `<namespace>/<group>/<item>`, beside a list of what files do not say; and back. A zip of
 * files alone is read, too, with two names as Nacos exports them. Nothing is written by a name in it, and nothing is unpacked beyond
 * what the config center holds.
 */
import { Unzip, UnzipInflate, strFromU8, strToU8, zipSync } from 'fflate';
import { configItemId, formatByName, longestConfig, type ConfigItemId } from '../../contract/api/config';
import type { Problem } from '../../contract/errors';
import { limits } from './limits';
import { importText, nameOf, type Transferred, type TransferredItem } from './transfer';

/** The file that tells formats, schemas and descriptions. */
const listName = 'pilothouse-config.json';
/** What Nacos puts beside its files. */
const foreignLists = new Set(['.meta.yml', '.metadata.yml']);
/** Bytes: a character of UTF-8 has four at most. */
const longestFile = 4 * longestConfig;
const mostBytes = 64 * 1024 * 1024;
/** Unpacked step by step, so that a bomb is noticed before it is large; deflate makes at most 1,032 bytes of one. */
const slice = 16 * 1024;
/** The same time in every zip, so that equal content is an equal file. */
const mtime = new Date(1980, 0, 1, 12);

/** The text of `exportText` as a zip: its items as files, the rest as the list. */
export function zipOf(exported: string): Uint8Array {
  const content = JSON.parse(exported) as { items: (TransferredItem & { released?: string })[] };
  const items = content.items.map(({ text: _text, released: _released, ...about }) => about);
  const files: Record<string, Uint8Array> = {
    [listName]: strToU8(`${JSON.stringify({ ...content, items }, null, 2)}\n`),
  };
  for (const item of content.items) files[nameOf(item)] = strToU8(item.text);
  return zipSync(files, { mtime });
}

/** Reads a zip. Files with two names go into `namespace`; what is in it in the name of nobody is told as a problem. */
export function importZip(bytes: Uint8Array, namespace: string): Transferred {
  const read = unpack(bytes);
  if ('problem' in read) return { namespaces: [], items: [], problems: [read.problem] };
  const { files } = read;
  const list = files.get(listName);
  files.delete(listName);
  return list === undefined ? plain(files, namespace) : listed(list, files);
}

/** Every item of the list with the text of its file. */
function listed(list: string, files: ReadonlyMap<string, string>): Transferred {
  const absent: Problem[] = [];
  const withTexts = (key: string, value: unknown): unknown => {
    if (key !== 'items' || !Array.isArray(value)) return value;
    return value.map((item: unknown) => {
      const id = configItemId.safeParse(namesOf(item));
      const text = id.success ? files.get(nameOf(id.data)) : '';
      if (id.success && text === undefined) absent.push(problem(`${nameOf(id.data)} is listed, and not there.`));
      return typeof item === 'object' ? { ...item, text: text ?? '' } : item;
    });
  };
  let joined: string;
  try {
    joined = JSON.stringify(JSON.parse(list, withTexts));
  } catch {
    // `importText` says where.
    joined = list;
  }
  const read = importText(joined);
  return absent.length > 0 ? { namespaces: [], items: [], problems: absent.slice(0, limits.problems) } : read;
}

function namesOf(item: unknown): unknown {
  if (typeof item !== 'object' || item === null) return undefined;
  const { namespace, group, name } = item as Partial<Record<keyof ConfigItemId, unknown>>;
  return { namespace, group, name };
}

function plain(files: ReadonlyMap<string, string>, namespace: string): Transferred {
  const items: TransferredItem[] = [];
  const problems: Problem[] = [];
  for (const [path, text] of files) {
    const parts = path.split('/');
    const name = parts.at(-1) ?? '';
    if (foreignLists.has(name)) continue;
    const [group, own] = parts.length === 3 ? [parts[1], parts[0]] : [parts[0], namespace];
    const id = configItemId.safeParse({ namespace: own, group: group === 'DEFAULT_GROUP' ? 'default' : group, name });
    if (parts.length < 2 || parts.length > 3 || !id.success)
      problems.push(problem(`${path.slice(0, 300)} is not <namespace>/<group>/<item> or <group>/<item>.`));
    else if (text.length > longestConfig) problems.push(problem(`${nameOf(id.data)} is too long.`));
    else items.push({ ...id.data, format: formatByName(name), description: '', schema: '', text });
  }
  if (problems.length > 0) return { namespaces: [], items: [], problems: problems.slice(0, limits.problems) };
  if (items.length > limits.items)
    return { namespaces: [], items: [], problems: [problem(`There may be at most ${limits.items} items.`)] };
  return { namespaces: [], items, problems };
}

/** Texts by path, or why not. */
function unpack(bytes: Uint8Array): { files: Map<string, string> } | { problem: Problem } {
  const files = new Map<string, string>();
  let [total, entries] = [0, 0];
  let wrong: string | undefined;
  const unzip = new Unzip((file) => {
    entries += 1;
    if (entries > 2 * limits.items) wrong ??= 'There are too many files in it.';
    if (wrong !== undefined || file.name.endsWith('/')) return;
    const parts: Uint8Array[] = [];
    let size = 0;
    file.ondata = (error, part, final) => {
      if (error) wrong ??= `It cannot be unpacked: ${error.message}.`;
      if (wrong !== undefined) return;
      size += part.length;
      total += part.length;
      if (size > longestFile) wrong = `${file.name.slice(0, 300)} is too long.`;
      else if (total > mostBytes) wrong = 'It is too large.';
      parts.push(part);
      if (!final || wrong !== undefined) return;
      const text = strictText(parts, size);
      if (text === undefined) wrong = `${file.name.slice(0, 300)} is no text in UTF-8.`;
      else if (files.has(file.name)) wrong = `${file.name.slice(0, 300)} is there twice.`;
      else files.set(file.name, text);
    };
    file.start();
  });
  unzip.register(UnzipInflate);
  try {
    for (let at = 0; at < bytes.length; at += slice) {
      unzip.push(bytes.subarray(at, at + slice), at + slice >= bytes.length);
      if (wrong !== undefined) break;
    }
  } catch (thrown) {
    wrong ??= `It cannot be unpacked: ${thrown instanceof Error ? thrown.message : String(thrown)}.`;
  }
  if (wrong === undefined && files.size === 0) wrong = 'There is no file in it: it is no zip, or an empty one.';
  return wrong === undefined ? { files } : { problem: problem(wrong) };
}

/** Undefined when the bytes are not UTF-8: then they would not come out again as they went in. */
function strictText(parts: readonly Uint8Array[], size: number): string | undefined {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  const text = strFromU8(whole);
  const again = strToU8(text);
  return again.length === size && again.every((byte, index) => byte === whole[index]) ? text : undefined;
}

function problem(message: string): Problem {
  return { code: 'bad-input', message };
}
