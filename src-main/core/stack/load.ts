/** From the source's texts to one merged tree: files in order, each with its variables, `extends` and `include` resolved. */
import type { StackSource } from '../../contract/nouns';
import { parseEnv } from './dotenv';
import { reportEnvIssue } from './envIssues';
import { Extender } from './extend';
import { resolveIncludes } from './include';
import type { Budget } from './limits';
import { limits } from './limits';
import { interpolate, startInterpolation } from './interpolate';
import type { Interpolation } from './interpolate';
import type { IncludeChain, Loading } from './loading';
import { merge, tidy } from './merge';
import type { Node, SourceFile } from './node';
import { child } from './node';
import { baseName, insideOf, joinPath } from './paths';
import { Report } from './report';
import type { ParseOptions } from './types';
import type { Lookup } from './variables';
import { readYaml, sourceFile } from './yaml';

/** Files that one project may read. */
const mostFiles = 128;

/** Everything that loading the files of one project shares. */
export class Project implements Loading {
  readonly budget: Budget = { nodes: limits.nodes };
  readonly extender = new Extender(this);
  readonly #interpolation: Interpolation;
  readonly #texts = new Map<string, string | undefined>();
  #filesLeft = mostFiles;

  constructor(
    readonly source: StackSource,
    readonly options: ParseOptions,
    readonly report: Report,
  ) {
    this.#interpolation = startInterpolation(() => undefined, report);
  }

  /** The text of a file that another file refers to; the path is relative to the project directory, or absolute. */
  readText(path: string): string | undefined {
    if (this.#texts.has(path)) return this.#texts.get(path);
    const text = this.#find(path);
    this.#texts.set(path, text);
    return text;
  }

  #find(path: string): string | undefined {
    const { directory, files, envFiles = [] } = this.source;
    const own = [...files, ...envFiles].find((file) => joinPath(directory, file.name) === joinPath(directory, path));
    if (own !== undefined) return own.text;
    if (this.options.readFile === undefined || (this.#filesLeft -= 1) < 0) return undefined;
    try {
      const text = this.options.readFile(insideOf(directory, path));
      return text !== undefined && text.length > limits.textLength ? undefined : text;
    } catch {
      // Whatever kept the reader from reading, the problem told is that the file cannot be read.
      return undefined;
    }
  }

  /** The documents of a file, interpolated. `path` as for `readText`; relative paths inside start from `directory`. */
  documents(file: SourceFile, text: string): Node[] {
    const raw = readYaml(file, text, this);
    const state: Interpolation = { ...this.#interpolation, lookup: file.lookup, size: this.#interpolation.size };
    const documents: Node[] = [];
    for (const document of raw) {
      if (document.kind === 'map') documents.push(interpolate(document, state));
      else this.report.problem('compose.notMap', { file: file.name }, { at: document.at });
    }
    return documents;
  }

  /** Merges one document over what came before it. */
  add(before: Node | undefined, document: Node, chain: IncludeChain): Node {
    const extended = this.extender.document(document, before);
    const included = resolveIncludes(extended, this, chain);
    return before === undefined ? tidy(included) : merge(before, included);
  }

  /** The variables of an env file's text, over which `lookup` wins. */
  variables(file: { name: string; text: string }, lookup: Lookup): Map<string, string> {
    const found = parseEnv(file.text, { lookup, notice: (issue) => reportEnvIssue(this.report, file.name, issue) });
    const result = new Map<string, string>();
    for (const [name, value] of found) if (value !== null) result.set(name, value);
    return result;
  }
}

/** A loaded project: its merged tree, its name and the variables of its outermost files. */
export interface Loaded {
  root?: Node;
  name?: string;
  lookup: Lookup;
}

/** Loads a project. Faults are reported; the tree holds what could be read. */
export function loadProject(project: Project): Loaded {
  const { source, report } = project;
  const variables = projectVariables(project);
  const lookup: Lookup = (name) => variables.get(name);
  const files = source.files.map((file) => ({
    file: sourceFile(file.name, lookup, source.directory),
    text: file.text,
  }));
  const name = projectName(project, files[0] ? peekNames(files, lookup) : [], variables);
  if (name !== undefined) variables.set('COMPOSE_PROJECT_NAME', name);
  let root: Node | undefined;
  for (const { file, text } of files) {
    const chain = { files: [joinPath(source.directory, file.name)] };
    const documents = project.documents(file, text);
    for (const document of documents) root = project.add(root, document, chain);
    if (documents.length === 0 && !report.failed) {
      report.problem('compose.empty', { file: file.name }, { place: { file: file.name } });
    }
  }
  return { lookup, ...(root === undefined ? {} : { root }), ...(name === undefined ? {} : { name }) };
}

function projectVariables(project: Project): Map<string, string> {
  const { environment = {}, envFiles = [] } = project.source;
  const outer = new Map(Object.entries(environment));
  const inner = new Map<string, string>();
  for (const file of envFiles) {
    if (file.text.length > limits.textLength) {
      project.report.problem(
        'compose.tooLarge',
        { file: file.name, limit: '1 MiB' },
        { place: { file: file.name } },
        'too-large',
      );
      continue;
    }
    const found = project.variables(file, (name) => outer.get(name) ?? inner.get(name));
    for (const [name, value] of found) inner.set(name, value);
  }
  for (const [name, value] of outer) inner.set(name, value);
  return inner;
}

/** The `name:` of each file, read before everything else because variables may use it. Faults are told by the real reading. */
function peekNames(files: { file: SourceFile; text: string }[], lookup: Lookup): { name: string; node: Node }[] {
  const names: { name: string; node: Node }[] = [];
  for (const { file, text } of files) {
    if (!/^name[ \t]*:/m.test(text) && !/^["']?name["']?[ \t]*:/m.test(text) && !text.trimStart().startsWith('{'))
      continue;
    const quiet = new Report();
    const peeked = sourceFile(file.name, lookup, file.directory);
    for (const document of readYaml(peeked, text, { report: quiet, budget: { nodes: limits.nodes } })) {
      const node = child(document, 'name');
      if (node === undefined) continue;
      const value = interpolate(node, startInterpolation(lookup, quiet));
      if (value.kind === 'scalar' && value.value !== null) names.push({ name: String(value.value), node });
    }
  }
  return names;
}

function projectName(
  project: Project,
  inFiles: { name: string; node: Node }[],
  variables: Map<string, string>,
): string | undefined {
  const { options, source, report } = project;
  const last = inFiles.at(-1);
  const given = options.name ?? nonEmpty(variables.get('COMPOSE_PROJECT_NAME')) ?? last?.name;
  if (given !== undefined) {
    if (/^[a-z0-9][a-z0-9_-]{0,62}$/.test(given)) return given;
    report.problem(
      'compose.badName',
      { name: given },
      last?.name === given ? { at: last.node.at, path: ['name'] } : {},
    );
    return undefined;
  }
  const folder = source.directory === undefined ? '' : baseName(source.directory);
  const plain = folder
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '')
    .replace(/^[_-]+/, '')
    .slice(0, 63);
  if (plain !== '') return plain;
  report.problem('compose.noName', {}, { place: { ...(source.files[0] ? { file: source.files[0].name } : {}) } });
  return undefined;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
