/** Variables of a whole tree. Keys are never interpolated, as in Compose. */
import type { Entry, ListNode, MapNode, Node, ScalarNode } from './node';
import type { Report } from './report';
import type { Lookup } from './variables';
import { substitute } from './variables';

/** Characters that all values of a project may grow to by their variables. */
const longest = 8 * 1024 * 1024;

/** What interpolation needs; `left` is shared by all files of a project. */
export interface Interpolation {
  lookup: Lookup;
  report: Report;
  /** Names already warned about: one warning a variable is enough. */
  warned: Set<string>;
  size: { left: number };
}

/** The state for a new project. */
export function startInterpolation(lookup: Lookup, report: Report): Interpolation {
  return { lookup, report, warned: new Set(), size: { left: longest } };
}

/** The tree with every text's variables replaced; parts without variables are the same objects as before. */
export function interpolate(node: Node, state: Interpolation): Node {
  return new Walk(state).node(node);
}

class Walk {
  /** Aliased nodes are replaced once, whatever the number of their uses. */
  readonly #done = new Map<Node, Node>();
  /** Where the walk is; copied only when there is something to tell. */
  readonly #path: (string | number)[] = [];

  constructor(private readonly state: Interpolation) {}

  node(node: Node): Node {
    if (node.kind === 'scalar') return this.#scalar(node);
    const known = this.#done.get(node);
    if (known !== undefined) return known;
    const replaced = this.#replace(node);
    this.#done.set(node, replaced);
    return replaced;
  }

  #inside(key: string | number, node: Node): Node {
    this.#path.push(key);
    const replaced = this.node(node);
    this.#path.pop();
    return replaced;
  }

  #replace(node: ListNode | MapNode): Node {
    if (node.kind === 'list') {
      const items = node.items.map((item, index) => this.#inside(index, item));
      return items.some((item, index) => item !== node.items[index]) ? { ...node, items } : node;
    }
    let changed = false;
    const entries = new Map<string, Entry>();
    for (const [key, entry] of node.entries) {
      const value = this.#inside(key, entry.node);
      changed ||= value !== entry.node;
      entries.set(key, value === entry.node ? entry : { at: entry.at, node: value });
    }
    return changed ? { ...node, entries } : node;
  }

  #scalar(node: ScalarNode): Node {
    if (typeof node.value !== 'string' || !node.value.includes('$')) return node;
    return { ...node, value: this.#text(node.value, node), loose: true };
  }

  #text(text: string, node: Node): string {
    const { report, lookup, warned, size } = this.state;
    const spot = { at: node.at, path: [...this.#path] };
    const result = substitute(text, lookup, (issue) => {
      switch (issue.kind) {
        case 'invalid':
          return report.problem('compose.variableInvalid', { text: issue.text }, spot);
        case 'required':
          return issue.message === ''
            ? report.problem('compose.variableRequired', { name: issue.name }, spot)
            : report.problem('compose.variableRequiredBecause', { name: issue.name, reason: issue.message }, spot);
        case 'too-large':
          return report.problem('compose.valueTooLarge', {}, spot, 'too-large');
        case 'unset':
          if (warned.has(issue.name)) return;
          warned.add(issue.name);
          return report.warning('compose.variableUnset', { name: issue.name }, spot, 'bad-input');
      }
    });
    size.left -= result.length;
    if (size.left >= 0) return result;
    report.problem('compose.valueTooLarge', {}, spot, 'too-large');
    return '';
  }
}
