/** What lies on which node, as it was listed last. */

type Kind = 'volumes' | 'networks' | 'images';

export class Stock {
  private readonly known = new Map<string, Record<Kind, Set<string>>>();

  of(node: string): Readonly<Record<Kind, ReadonlySet<string>>> {
    return this.at(node);
  }

  /** Nodes that have something of this name. */
  holders(kind: Kind, name: string): string[] {
    return [...this.known].flatMap(([node, kinds]) => (kinds[kind].has(name) ? [node] : []));
  }

  set(node: string, kind: Kind, items: readonly { name: string }[]): void {
    this.at(node)[kind] = new Set(items.map(({ name }) => name));
  }

  add(node: string, kind: Kind, items: readonly { name: string }[]): void {
    for (const { name } of items) this.at(node)[kind].add(name);
  }

  remove(node: string, kind: Kind, name: string): void {
    this.at(node)[kind].delete(name);
  }

  private at(node: string): Record<Kind, Set<string>> {
    let kinds = this.known.get(node);
    if (!kinds) this.known.set(node, (kinds = { volumes: new Set(), networks: new Set(), images: new Set() }));
    return kinds;
  }
}
