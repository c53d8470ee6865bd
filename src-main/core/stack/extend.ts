/** `extends`: a service takes over another one's section, of this file or another, and changes it by the merge rules. */
import type { Loading } from './loading';
import { limits } from './limits';
import { merge } from './merge';
import type { Entry, MapNode, Node, SourceFile } from './node';
import { child, countNodes, entriesOf } from './node';
import { folderOf, joinPath } from './paths';
import { scalarText } from './scalar';
import { sourceFile } from './yaml';

const longestChain = 32;

/** Where a service is looked for: a document, what was merged before it, and its path for telling circles. */
interface Scope {
  path: string;
  document: Node;
  before?: Node;
}

/** Resolves `extends` for one project; each base file is read once, each service extended once. */
export class Extender {
  /** Services whose base is missing or in a circle: what they lack may have come from there. */
  readonly faulty = new Set<string>();
  readonly #files = new Map<string, Scope | undefined>();
  readonly #done = new Map<Node, Node>();

  constructor(private readonly project: Loading) {}

  /** The document with every service's `extends` replaced by what it means. */
  document(document: Node, before: Node | undefined): Node {
    const services = child(document, 'services');
    if (document.kind !== 'map' || services?.kind !== 'map') return document;
    if (!entriesOf(services).some(([, entry]) => child(entry.node, 'extends') !== undefined)) return document;
    const path = joinPath(this.project.source.directory, document.at.source.name);
    const scope: Scope = { path, document, ...(before === undefined ? {} : { before }) };
    const entries = new Map<string, Entry>();
    for (const [name, entry] of services.entries) {
      entries.set(name, { at: entry.at, node: this.#service(name, entry.node, { scope, chain: [] }) });
    }
    return withEntry(document, 'services', { ...services, entries });
  }

  #service(name: string, service: Node, { scope, chain }: { scope: Scope; chain: readonly string[] }): Node {
    const extended = child(service, 'extends');
    if (service.kind !== 'map' || extended === undefined) return service;
    const known = this.#done.get(service);
    if (known !== undefined) return known;
    const own = withoutEntry(service, 'extends');
    if (this.project.budget.nodes < 0) return own;
    const here = `${scope.path}#${name}`;
    const spot = { at: extended.at, path: ['services', name, 'extends'] };
    if (chain.includes(here) || chain.length >= longestChain) {
      const circle = [...chain.slice(Math.max(chain.indexOf(here), 0)), here].map((link) => link.split('#').at(-1)!);
      this.project.report.problem('compose.extendsCycle', { circle: circle.join(' → ') }, spot);
      this.faulty.add(name);
      return own;
    }
    const base = this.#base(extended, { scope, spot });
    if (base === undefined) {
      this.faulty.add(name);
      return own;
    }
    const resolved = this.#service(base.name, base.node, { scope: base.scope, chain: [...chain, here] });
    if (this.faulty.has(base.name)) this.faulty.add(name);
    const merged = merge(withoutEntry(resolved, 'extends'), own, ['services', name]);
    this.#done.set(service, merged);
    // Each service of a long chain holds all of those before it: what they hold together is bounded like a file.
    this.project.budget.nodes -= countNodes(merged, limits.nodes);
    if (this.project.budget.nodes < 0) {
      this.project.report.problem('compose.tooManyNodes', { limit: limits.nodes }, spot, 'too-large');
      return own;
    }
    return merged;
  }

  #base(
    extended: Node,
    { scope, spot }: { scope: Scope; spot: { at: Node['at']; path: string[] } },
  ): { name: string; node: Node; scope: Scope } | undefined {
    const name = scalar(extended) ?? scalar(child(extended, 'service'));
    if (name === undefined) return undefined;
    const file = scalar(child(extended, 'file'));
    const from = file === undefined ? scope : this.#file(file, extended.at.source, spot);
    if (from === undefined) return undefined;
    const node = child(child(from.document, 'services'), name) ?? child(child(from.before, 'services'), name);
    if (node !== undefined) return { name, node, scope: from };
    this.project.report.problem(
      'compose.extendsUnknown',
      { service: name, file: file ?? extended.at.source.name },
      spot,
    );
    return undefined;
  }

  #file(file: string, source: SourceFile, spot: { at: Node['at']; path: string[] }): Scope | undefined {
    const path = joinPath(source.directory, file);
    if (this.#files.has(path)) return this.#files.get(path);
    // Set before reading, so that a file that cannot be read is told once.
    this.#files.set(path, undefined);
    const text = this.project.readText(path);
    if (text === undefined) {
      this.project.report.problem('compose.fileMissing', { file }, spot, 'not-found');
      return undefined;
    }
    const base = sourceFile(file, source.lookup, folderOf(path));
    const documents = this.project.documents(base, text);
    const [first, ...rest] = documents;
    if (first === undefined) return undefined;
    const document = rest.reduce((before, each) => merge(before, each), first);
    const scope: Scope = { path, document };
    this.#files.set(path, scope);
    return scope;
  }
}

function scalar(node: Node | undefined): string | undefined {
  return node?.kind === 'scalar' && node.value !== null ? scalarText(node.value) : undefined;
}

function withEntry(map: MapNode, key: string, node: Node): MapNode {
  const entries = new Map(map.entries);
  entries.set(key, { at: entries.get(key)?.at ?? node.at, node });
  return { ...map, entries };
}

function withoutEntry(node: Node, key: string): Node {
  if (node.kind !== 'map' || !node.entries.has(key)) return node;
  const entries = new Map(node.entries);
  entries.delete(key);
  return { ...node, entries };
}
