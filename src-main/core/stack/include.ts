/** `include`: other Compose projects taken in as they are, each with its own folder and variables. */
import type { IncludeChain, Loading } from './loading';
import { asList } from './merge';
import type { Entry, Node, Path, SourceFile } from './node';
import { child, emptyMap, entriesOf, itemsOf } from './node';
import { folderOf, joinPath } from './paths';
import { scalarText } from './scalar';
import type { Lookup } from './variables';
import { sourceFile } from './yaml';

const deepest = 16;
const sections = ['services', 'networks', 'volumes', 'configs', 'secrets'];

/** The document without `include`, and with everything that it included. */
export function resolveIncludes(document: Node, project: Loading, chain: IncludeChain): Node {
  const include = child(document, 'include');
  if (document.kind !== 'map' || include === undefined) return document;
  const entries = new Map(document.entries);
  entries.delete('include');
  let result: Node = { ...document, entries };
  for (const [index, item] of itemsOf(include).entries()) {
    const included = loadIncluded(item, { project, chain, path: ['include', index] });
    if (included !== undefined) result = takeIn(result, included, { project, item });
  }
  return result;
}

interface IncludeContext {
  project: Loading;
  chain: IncludeChain;
  path: Path;
}

function loadIncluded(item: Node, { project, chain, path }: IncludeContext): Node | undefined {
  const source = item.at.source;
  const files = textsOf(item.kind === 'scalar' ? item : child(item, 'path'));
  const first = files[0];
  if (first === undefined) return undefined;
  const folder = textsOf(child(item, 'project_directory'))[0];
  const directory =
    folder === undefined ? folderOf(joinPath(source.directory, first)) : joinPath(source.directory, folder);
  const lookup = includedVariables(item, { project, source, directory });
  let root: Node | undefined;
  for (const file of files) {
    const full = joinPath(source.directory, file);
    const spot = { at: item.at, path };
    if (chain.files.includes(full) || chain.files.length > deepest) {
      const circle = [...chain.files.slice(Math.max(chain.files.indexOf(full), 0)), full].map((each) =>
        each.split(/[\\/]/).at(-1)!,
      );
      project.report.problem('compose.includeCycle', { circle: circle.join(' → ') }, spot);
      return undefined;
    }
    const text = project.readText(full);
    if (text === undefined) {
      project.report.problem('compose.fileMissing', { file }, spot, 'not-found');
      continue;
    }
    const next: IncludeChain = { files: [...chain.files, full] };
    for (const each of project.documents(sourceFile(file, lookup, directory), text))
      root = project.add(root, each, next);
  }
  return root;
}

function includedVariables(
  item: Node,
  { project, source, directory }: { project: Loading; source: SourceFile; directory: string },
): Lookup {
  const named = textsOf(child(item, 'env_file'));
  const inner = new Map<string, string>();
  const files =
    named.length > 0 ? named.map((file) => joinPath(source.directory, file)) : [joinPath(directory, '.env')];
  for (const file of files) {
    const text = project.readText(file);
    if (text === undefined) {
      if (named.length > 0)
        project.report.problem('compose.fileMissing', { file }, { at: item.at, path: ['include'] }, 'not-found');
      continue;
    }
    const lookup: Lookup = (name) => source.lookup(name) ?? inner.get(name);
    for (const [name, value] of project.variables({ name: file, text }, lookup)) inner.set(name, value);
  }
  return inner.size === 0 ? source.lookup : (name) => source.lookup(name) ?? inner.get(name);
}

function takeIn(document: Node, included: Node, { project, item }: { project: Loading; item: Node }): Node {
  if (document.kind !== 'map') return document;
  const entries = new Map(document.entries);
  for (const section of sections) {
    const theirs = child(included, section);
    if (theirs === undefined) continue;
    const ours = entries.get(section);
    const merged = new Map<string, Entry>(ours?.node.kind === 'map' ? ours.node.entries : []);
    for (const [key, entry] of entriesOf(theirs)) {
      const before = merged.get(key);
      if (before !== undefined && !equal(before.node, entry.node)) {
        project.report.problem(
          'compose.includeConflict',
          { section, key, file: entry.at.source.name },
          { at: before.at, path: [section, key] },
        );
      } else if (before === undefined) merged.set(key, entry);
    }
    entries.set(section, { at: ours?.at ?? item.at, node: { ...emptyMap(ours?.node.at ?? item.at), entries: merged } });
  }
  return { ...document, entries };
}

function equal(left: Node, right: Node): boolean {
  if (left === right) return true;
  if (left.kind === 'scalar') return right.kind === 'scalar' && left.value === right.value;
  if (left.kind === 'list') {
    return (
      right.kind === 'list' &&
      left.items.length === right.items.length &&
      left.items.every((item, index) => equal(item, right.items[index]!))
    );
  }
  if (right.kind !== 'map' || left.entries.size !== right.entries.size) return false;
  return entriesOf(left).every(([key, entry]) => {
    const other = child(right, key);
    return other !== undefined && equal(entry.node, other);
  });
}

function textsOf(node: Node | undefined): string[] {
  if (node === undefined) return [];
  return itemsOf(asList(node)).flatMap((item) =>
    item.kind === 'scalar' && item.value !== null ? [scalarText(item.value)] : [],
  );
}
