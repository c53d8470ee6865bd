/**
 * Where the replicas of one service may go when the engine is several joined ones: the scheduler's question, asked with what the store
 * and the nodes say now. Made for one plan; what a plan places, the next replica of the same plan finds taken.
 */
import { sentence, type Sentence } from '../../contract/sentence';
import type { ServiceSpec } from '../../contract/spec';
import { Board, type Ask, type FilterName, type Placement, type Refusal } from '../schedule';
import type { StackParts } from '../stack';
import type { AttemptRow, PlacementRow, RevisionRow, ServiceRow, StackRow, Store } from '../store';
import { isGlobal, type Fleet, type FleetNode } from './fleet';
import { serviceKey, splitKey } from './names';
import { mostKept, placementRow } from './placement';
import { hostPorts } from './request';
import { revisionKey, type Rows } from './rows';
import { keptWith } from './together';
import { tiesOf, type Tie } from './ties';

/** A place for a replica, or why there is none. */
export type Spot = { node: string } | { node?: undefined; words: Sentence };

export interface PlacerInput {
  store: Pick<Store, 'get' | 'all'>;
  rows: Pick<Rows, 'attemptsOf' | 'servicesOf'>;
  fleet: Fleet;
  stack: StackRow;
  service: ServiceRow;
  fronted: boolean;
}

/** What holds a replica to some nodes, and which those are. */
interface Held {
  tie: Tie;
  nodes: readonly string[];
}

export class Placer {
  readonly nodes: readonly FleetNode[];
  private readonly byId: ReadonlyMap<string, FleetNode>;
  private made: Board | undefined;
  /** Nodes given out in this plan, by slot. */
  private readonly given = new Map<number, string>();
  private readonly asks = new Map<string, { ask: Ask; held: Held[]; words?: Sentence }>();
  /** Volumes that this plan is about to make, and where. */
  private readonly fresh = new Map<string, string>();
  /** The node of the service's company, once it is chosen in this plan. */
  private home: string | undefined;
  private serial = 0;

  constructor(private readonly input: PlacerInput) {
    this.nodes = input.fleet.nodes();
    this.byId = new Map(this.nodes.map((node) => [node.id, node]));
  }

  node(id: string): FleetNode | undefined {
    return this.byId.get(id);
  }

  nameOf(id: string): string {
    return this.byId.get(id)?.name ?? id;
  }

  /** The node that a further replica in this slot would go to. */
  peek(revision: RevisionRow, slot: number): Spot {
    const { ask, held, words } = this.askFor(revision, slot);
    if (words) return { words };
    if (isGlobal(revision.spec)) return this.peekGlobal(revision, slot, ask);
    const placement = this.board().place(ask);
    if (placement.node !== undefined) return { node: placement.node };
    return { words: this.why(held, placement) };
  }

  /** The same, and the place is taken; with why it is that one. */
  take(
    revision: RevisionRow,
    slot: number,
  ): Extract<Spot, { node?: undefined }> | { node: string; placement: PlacementRow } {
    const spot = this.peek(revision, slot);
    if (spot.node === undefined) return spot;
    const placement = this.reasons(revision, slot);
    const { ask } = this.askFor(revision, slot);
    this.board().take({ id: `new ${++this.serial}`, ask }, spot.node);
    this.given.set(slot, spot.node);
    for (const { kind, name, external } of tiesOf(revision.spec, this.partsOf(revision), slot))
      if (kind === 'volume' && !external) this.fresh.set(name, spot.node);
    // Where data lies now may be new: what was asked before is asked anew.
    this.asks.clear();
    return { node: spot.node, placement };
  }

  /** What every node says to a further replica in this slot, and what holds it before that; asked before the place is taken. */
  reasons(revision: RevisionRow, slot: number): PlacementRow {
    const { ask, held } = this.askFor(revision, slot);
    const nameOf = (id: string): string => this.nameOf(id);
    if (isGlobal(revision.spec)) {
      const spot = this.peekGlobal(revision, slot, ask);
      const refused = spot.node === undefined ? spot.refused : [];
      const rated = spot.node === undefined ? [] : [{ node: nameOf(spot.node) }];
      const { refused: counted } = placementRow({ rated: [], fit: 0, refused }, nameOf);
      return { rated, fit: rated.length, refused: counted, tie: { kind: 'global', name: '' } };
    }
    return placementRow(this.board().rank(ask, mostKept), nameOf, this.tieOf(revision, ask, held));
  }

  /** Nodes that a service with one replica per node runs on: those that meet its constraints and are not being emptied. */
  globalNodes(revision: RevisionRow): string[] {
    const { ask, words } = this.askFor(revision, 1);
    if (words) return [];
    const own = new Set([...this.input.rows.attemptsOf(this.input.service.key).values()].map(({ node }) => node));
    const willing = this.nodes
      .filter((node) => !node.drain && (!node.cordoned || own.has(node.id)))
      .map((node) => ({ ...node, away: false, cordoned: false }));
    const board = new Board(willing, { strategy: 'balance', seed: 0 });
    const plain = { ...ask, cpus: 0, memory: 0, ports: [], affinity: [] };
    return willing.filter(({ id }) => board.refusal(plain, id) === undefined).map(({ id }) => id);
  }

  /** A fit node that no other slot of the service has. */
  private peekGlobal(
    revision: RevisionRow,
    slot: number,
    ask: Ask,
  ): { node: string } | { node?: undefined; words: Sentence; refused: Refusal[] } {
    const own = [...this.input.rows.attemptsOf(this.input.service.key).values()].filter(
      ({ state, finished }) => state !== 'removing' && !finished,
    );
    const mine = new Set(own.filter((attempt) => attempt.slot === slot).map(({ name }) => name));
    const taken = new Set([
      ...own.filter((attempt) => attempt.slot !== slot).map(({ node }) => node),
      ...[...this.given].filter(([other]) => other !== slot).map(([, node]) => node),
    ]);
    const counts = new Map<FilterName, string[]>();
    for (const id of this.globalNodes(revision)) {
      if (taken.has(id)) continue;
      const filter = this.board().refusal(ask, id, mine);
      if (filter === undefined) return { node: id };
      counts.set(filter, [...(counts.get(filter) ?? []), id]);
    }
    const refused = [...counts].map(([filter, first]) => ({ filter, nodes: first.length, first }));
    return { words: this.why([], { refused }), refused };
  }

  private partsOf(revision: RevisionRow): StackParts {
    return revision.parts ?? this.input.stack.spec;
  }

  private board(): Board {
    if (this.made) return this.made;
    const { store, service } = this.input;
    const board = new Board(this.nodes, { strategy: 'balance', seed: 0 });
    const current = store.get('revisions', revisionKey(service.key, service.revision));
    for (const attempt of store.all('attempts')) {
      if (attempt.finished || attempt.state === 'removing') continue;
      const own = attempt.service === service.key;
      // Own replicas that are not what is wanted are about to give up what they hold.
      const global = own && current !== undefined && isGlobal(current.spec);
      if (own && !global && (attempt.hash !== current?.hash || attempt.restartNonce !== service.restartNonce)) continue;
      const its = store.get('revisions', revisionKey(attempt.service, attempt.revision));
      if (its) board.take({ id: attempt.name, ask: this.basicAsk(attempt.service, its.spec, attempt) }, attempt.node);
    }
    this.made = board;
    return board;
  }

  /** What a replica takes up, without what ties it. */
  private basicAsk(service: string, spec: ServiceSpec, at: Pick<AttemptRow, 'slot' | 'fronted'>): Ask {
    const { stack } = splitKey(service);
    const { reservations, placement, mode } = spec.deploy;
    const full = (name: string): string => (name.includes('/') ? name : serviceKey(stack, name));
    const perNode = mode === 'global' || mode === 'global-job' ? 1 : placement.maxReplicasPerNode;
    return {
      service,
      cpus: reservations.cpus ?? 0,
      memory: reservations.memory ?? 0,
      image: spec.image,
      ...(spec.platform === undefined ? {} : { platform: spec.platform }),
      constraints: placement.constraints,
      spread: placement.preferences.map(({ spread }) => spread),
      ...(perNode === undefined ? {} : { maxPerNode: perNode }),
      ports: hostPorts(spec, at.slot, at.fronted === true).flatMap(({ protocol, published }) =>
        published === undefined ? [] : [`${protocol}/${published}`],
      ),
      volumes: [],
      tolerations: spec.pilothouse.tolerations ?? [],
      affinity: (spec.pilothouse.affinity ?? []).map((rule) => ({
        ...rule,
        ...(rule.with ? { with: rule.with.map(full) } : {}),
        ...(rule.against ? { against: rule.against.map(full) } : {}),
      })),
      priority: spec.pilothouse.priority ?? 0,
    };
  }

  private askFor(revision: RevisionRow, slot: number): { ask: Ask; held: Held[]; words?: Sentence } {
    const key = `${revision.revision} ${slot}`;
    const known = this.asks.get(key);
    if (known) return known;
    const { service, fronted } = this.input;
    const basic = this.basicAsk(service.key, revision.spec, { slot, fronted });
    const tied = this.tied(basic, revision, slot);
    const company = this.company(revision);
    const made = {
      ask: { ...tied.ask, ...(company && 'nodes' in company ? { together: company.nodes } : {}) },
      held: tied.held,
      ...(company && 'words' in company ? { words: company.words } : {}),
    };
    this.asks.set(key, made);
    return made;
  }

  /** An ask with the nodes that its data leaves. */
  private tied(ask: Ask, revision: Pick<RevisionRow, 'spec' | 'parts'>, slot: number): { ask: Ask; held: Held[] } {
    const parts = revision.parts ?? this.input.stack.spec;
    const held: Held[] = [];
    const volumes: string[] = [];
    for (const tie of tiesOf(revision.spec, parts, slot)) {
      if (tie.kind === 'volume') volumes.push(tie.name);
      const nodes = this.holdersOf(tie, ask.constraints.length > 0);
      if (nodes.length > 0) held.push({ tie, nodes });
    }
    const data = held.reduce<readonly string[] | undefined>(
      (left, { nodes }) => (left ? left.filter((id) => nodes.includes(id)) : nodes),
      undefined,
    );
    return { ask: { ...ask, volumes, ...(data ? { data } : {}) }, held };
  }

  /** The nodes on which something lies; none: it can be made anywhere. */
  private holdersOf(tie: Tie, constrained: boolean): readonly string[] {
    const { store, fleet, stack, rows } = this.input;
    const home = this.nodes[0]?.id ?? stack.engine;
    // A folder of the machine that the file was written for, unless the file itself says where it is.
    if (tie.kind === 'folder') return constrained ? [] : [home];
    const row = store.get('resources', `${tie.kind}:${tie.name}`);
    if (tie.kind === 'volume' && row) return [row.node ?? stack.engine];
    const fresh = this.fresh.get(tie.name);
    if (fresh !== undefined) return [fresh];
    const seen = fleet.holders(tie.kind === 'volume' ? 'volumes' : 'networks', tie.name);
    if (seen.length > 0 || tie.external) return seen;
    // Not made yet: where a replica is already meant to be that will make it.
    const meant = new Set<string>();
    for (const { key } of rows.servicesOf(stack.name).values()) {
      for (const attempt of rows.attemptsOf(key).values()) {
        if (attempt.state === 'removing') continue;
        const its = store.get('revisions', revisionKey(key, attempt.revision));
        if (!its) continue;
        const ties = tiesOf(its.spec, its.parts ?? stack.spec, attempt.slot);
        if (ties.some(({ kind, name }) => kind === 'volume' && name === tie.name)) meant.add(attempt.node);
      }
    }
    return [...meant];
  }

  /** What leaves it no choice, or less of one: its data first, then those it must be with. */
  private tieOf(revision: RevisionRow, ask: Ask, held: readonly Held[]): PlacementRow['tie'] {
    const data = held.find(({ nodes }) => nodes.length < this.nodes.length);
    if (data) return { kind: data.tie.kind, name: data.tie.name };
    if (!ask.together) return undefined;
    const others = this.companions(revision).filter((name) => name !== this.input.service.name);
    return { kind: 'together', name: others.join(', ') };
  }

  /** The revisions of the stack's services, this one's as it is to be. */
  private siblings(revision: RevisionRow): Map<string, RevisionRow> {
    const { store, rows, stack, service } = this.input;
    const revisions = new Map<string, RevisionRow>();
    for (const row of rows.servicesOf(stack.name).values()) {
      const its = row.removing ? undefined : store.get('revisions', revisionKey(row.key, row.revision));
      if (its) revisions.set(row.name, its);
    }
    revisions.set(service.name, revision);
    return revisions;
  }

  /** The services that must be on one node with this one, itself among them. */
  private companions(revision: RevisionRow): string[] {
    const specs = new Map([...this.siblings(revision)].map(([name, { spec }]) => [name, spec]));
    return keptWith(this.input.service.name, specs, this.partsOf(revision));
  }

  /** The node of those that this service must reach by name; undefined when there are none. */
  private company(revision: RevisionRow): { nodes: string[] } | { words: Sentence } | undefined {
    const { store, rows, stack, service } = this.input;
    const revisions = this.siblings(revision);
    const names = this.companions(revision);
    if (names.length < 2) return undefined;
    const members = names.flatMap((name) => {
      const its = revisions.get(name);
      const row = store.get('services', serviceKey(stack.name, name));
      return its ? [{ name, asks: this.asksOf(row ?? service, its) }] : [];
    });
    const empty = new Board(
      this.nodes.map((node) => ({ ...node, away: false, cordoned: false })),
      { strategy: 'balance', seed: 0 },
    );
    const suits = (id: string): boolean =>
      members.every(({ asks }) => asks.every((ask) => empty.refusal(ask, id) === undefined));
    const count = new Map<string, number>();
    for (const name of names) {
      for (const attempt of rows.attemptsOf(serviceKey(stack.name, name)).values()) {
        const node = this.byId.get(attempt.node);
        if (attempt.state === 'removing' || !node || node.drain || node.lost) continue;
        count.set(node.id, (count.get(node.id) ?? 0) + 1);
      }
    }
    const present = [...count]
      .filter(([id]) => suits(id))
      .sort(([one, most], [other, more]) => more - most || (one < other ? -1 : 1));
    this.home ??= present[0]?.[0];
    if (this.home !== undefined) return { nodes: [this.home] };
    const willing = this.nodes.filter((node) => !node.away && !node.cordoned && suits(node.id));
    if (willing.length === 0) return this.noCompany(members, service.name);
    const best = this.board().place(
      this.together(
        members.flatMap(({ asks }) => asks),
        willing,
      ),
    );
    this.home = best.node ?? willing[0]?.id ?? '';
    return { nodes: [this.home] };
  }

  /** The asks of every replica of a service. */
  private asksOf(row: ServiceRow, revision: RevisionRow): Ask[] {
    const { mode } = revision.spec.deploy;
    const count = row.stopped ? 0 : mode.startsWith('global') ? 1 : Math.min(64, Math.max(1, row.replicas));
    return Array.from({ length: count }, (_, at) => {
      const basic = this.basicAsk(row.key, revision.spec, { slot: at + 1, fronted: this.input.fronted });
      return { ...this.tied(basic, revision, at + 1).ask, ports: [], affinity: [] };
    });
  }

  /** All of a company as one ask, on one of these nodes. */
  private together(asks: readonly Ask[], nodes: readonly FleetNode[]): Ask {
    const [first] = asks;
    const sum = (of: (ask: Ask) => number): number => asks.reduce((total, ask) => total + of(ask), 0);
    return {
      ...{
        service: '',
        image: first?.image ?? '',
        constraints: [],
        spread: [],
        ports: [],
        tolerations: [],
        affinity: [],
      },
      cpus: sum(({ cpus }) => cpus),
      memory: sum(({ memory }) => memory),
      volumes: [...new Set(asks.flatMap(({ volumes }) => volumes))],
      data: nodes.map(({ id }) => id),
      priority: first?.priority ?? 0,
    };
  }

  /** Nobody of a company can be where all of it could be: the one who holds it back is named. */
  private noCompany(members: readonly { name: string; asks: Ask[] }[], self: string): { words: Sentence } | undefined {
    const board = new Board(this.nodes, { strategy: 'balance', seed: 0 });
    const fits = (asks: readonly Ask[]): boolean =>
      this.nodes.some(({ id }) => asks.every((ask) => board.refusal(ask, id) === undefined));
    const own = members.find(({ name }) => name === self);
    // Its own reason says more.
    if (own && !fits(own.asks)) return undefined;
    const other = members.find(({ name, asks }) => name !== self && !fits(asks));
    const names = members.filter(({ name }) => name !== self).map(({ name }) => name);
    return { words: sentence('replica.keptWith', { services: other?.name ?? names.join(', ') }) };
  }

  /** Why no node takes it: data that cannot be reached first, else everybody's refusals, counted. */
  private why(held: readonly Held[], placement: Placement): Sentence {
    for (const { tie, nodes } of held) {
      const known = nodes.map((id) => this.byId.get(id));
      const node = known.map((one, at) => one?.name ?? nodes[at]).join(', ');
      if (known.some((one) => one && !one.away && !one.cordoned)) continue;
      const away = known.every((one) => !one || one.away);
      if (tie.kind === 'volume')
        return sentence(away ? 'replica.dataAway' : 'replica.dataKept', { volume: tie.name, node });
      const code = tie.kind === 'folder' ? 'replica.folderKept' : 'replica.networkKept';
      return sentence(code, tie.kind === 'folder' ? { path: tie.name, node } : { network: tie.name, node });
    }
    const parts = placement.refused.map(({ filter, nodes }) => `${nodes} ${refusals[filter]}`);
    const [only] = this.nodes.length === 1 ? placement.refused : [];
    if (only?.filter === 'cordoned') return sentence('replica.cordoned', { node: this.nodes[0]?.name ?? '' });
    return sentence('replica.unplaced', { reason: parts.join(', ') || 'there is none' });
  }
}

/** What a filter's refusal is called after the count of nodes. */
const refusals: Readonly<Record<FilterName, string>> = {
  away: 'away',
  cordoned: 'take nothing new',
  platform: 'of another platform',
  constraint: 'do not meet its constraints',
  data: 'without its data',
  together: 'without the services it reaches by name',
  taint: 'tainted',
  perNode: 'have their share of it',
  port: 'have its port taken',
  affinity: 'against its affinity',
  cpus: 'without the cores it reserves',
  memory: 'without the memory it reserves',
};
