/**
 * The nodes of the engine that is worked on: that engine itself, and engines joined to it. Each joined one has a link of its own, which
 * watches over it as over any engine. While none is joined, whoever works on the engine gets the engine itself and notices nothing.
 */
import type { Clock } from '../../base/clock';
import { Emitter, type Event } from '../../base/emitter';
import { DisposableStore, type Disposable } from '../../base/lifecycle';
import type { Log } from '../../base/log';
import type { Random } from '../../base/random';
import type { HostKeyView } from '../../contract/nouns';
import { sentence } from '../../contract/sentence';
import { EngineError, type Engine, type EngineFacts, type NodeEngine } from '../engine';
import type { SchedulerNode } from '../schedule';
import type { NodeRow, Store } from '../store';
import { EngineLink, noteEvent } from '../system';
import { FleetEngine, type Member } from './fleetEngine';

/** A node as the scheduler and the planner see it. */
export interface FleetNode extends SchedulerNode {
  drain: boolean;
  /** It has been away longer than its grace: what ran there is made anew elsewhere. */
  lost: boolean;
  /** Monotonic time at which it will count as lost, while it is away. */
  lostAt?: number;
  /** Where its published ports are reached from here; absent for the engine that is worked on. */
  address?: string;
}

/** How an engine is reached. */
export interface Reach {
  endpoint: string;
  certificates?: string;
}

export interface FleetWorld {
  store: Store;
  clock: Clock;
  random: Random;
  log: Log;
  /** The link to the engine that is worked on. */
  link: EngineLink;
  connect: (reach: Reach) => Promise<Engine>;
  release: (engine: Engine) => void;
  /** The endpoint behind what the user gave: itself, or what the Docker context of that name leads to. */
  endpointOf: (given: string) => Promise<string>;
  /** Host keys of machines behind SSH. */
  hostKeys: {
    read(endpoint: string): Promise<HostKeyView>;
    trust(endpoint: string, fingerprint: string): Promise<HostKeyView>;
  };
  /** The numeric address of a host; undefined when it has none that is known here. */
  resolve: (host: string) => Promise<string | undefined>;
}

/** Until the user says otherwise, milliseconds: longer than a restart of an engine or a short loss of the network. */
export const usualGrace = 60_000;

interface Joined {
  row: NodeRow;
  link: EngineLink;
  owned: DisposableStore;
}

export class Fleet implements Disposable {
  private readonly joined = new Map<string, Joined>();
  private readonly owned = new DisposableStore();
  private readonly engines = new Emitter<Engine | undefined>();
  private readonly changed = new Emitter<void>();
  /** Since when a node does not answer; monotonic. */
  private readonly awaySince = new Map<string, number>();
  private readonly lastFacts = new Map<string, EngineFacts>();
  private readonly timers = new Map<string, Disposable>();
  /** Nodes whose being away is on the time line. */
  private readonly told = new Set<string>();
  /** Where joined machines are, as their host names were resolved last. */
  private readonly machines = new Map<string, { host: string; address: string | undefined }>();
  private home: Engine | undefined;
  private whole: FleetEngine | undefined;

  /** Fires with the engine to work with, as `EngineLink.onEngine` does; several joined ones are one engine. */
  readonly onEngine: Event<Engine | undefined> = this.engines.event;
  /** Nodes came, went, began or ceased to answer, or their settings changed. */
  readonly onChange: Event<void> = this.changed.event;

  constructor(private readonly world: FleetWorld) {
    this.owned.add(world.link.onEngine((engine) => this.setHome(engine)));
    this.owned.add(world.link.onChange(() => this.home && this.look(this.home.id, world.link)));
    this.owned.add(
      world.store.onCommit((changes) => {
        if (changes.some(({ table }) => table === 'nodes')) this.sync();
      }),
    );
  }

  /** The joined engines as one; undefined while there is only the one engine. */
  get engine(): FleetEngine | undefined {
    return this.whole;
  }

  /** The engine of one node. Throws `timeout` while it does not answer. */
  on(node: string): Engine {
    if (!this.whole) throw new EngineError('away', 'no node is joined');
    return this.whole.on(node);
  }

  /** The joined nodes' own links, by node. */
  linkOf(node: string): EngineLink | undefined {
    return node === this.home?.id ? this.world.link : this.joined.get(node)?.link;
  }

  factsOf(node: string): EngineFacts | undefined {
    return this.linkOf(node)?.facts ?? this.lastFacts.get(node);
  }

  /** Every node, the engine that is worked on first. */
  nodes(): FleetNode[] {
    const { home } = this;
    if (!home) return [];
    return [home.id, ...this.joined.keys()].map((id) => this.node(id));
  }

  /** Every node's engine, the one that is worked on first. */
  hosts(): NodeEngine[] {
    return this.members().map((member) => ({ ...member, home: member.id === this.home?.id }));
  }

  /** Where the ports of a container are published, when it is on another node than the engine that is worked on. */
  machineOf(container: string): string | undefined {
    const node = this.nodeOf(container);
    return node === undefined || node === this.home?.id ? undefined : this.node(node).address;
  }

  holders(kind: 'volumes' | 'networks', name: string): string[] {
    return this.whole?.stock.holders(kind, name) ?? [];
  }

  /** The machine was asleep: joined nodes that are away are tried at once. */
  wake(): void {
    for (const { link } of this.joined.values()) link.wake();
  }

  dispose(): void {
    this.owned.dispose();
    for (const node of [...this.joined.keys()]) this.part(node);
    for (const timer of this.timers.values()) timer.dispose();
    this.whole?.dispose();
    this.whole = undefined;
  }

  private node(id: string): FleetNode {
    const row = this.world.store.get('nodes', id);
    const facts = this.factsOf(id);
    const stock = this.whole?.stock.of(id);
    const since = this.awaySince.get(id);
    const lostAt = since === undefined ? undefined : since + (row?.grace ?? usualGrace);
    const address = row?.joined && this.machines.get(id)?.address;
    return {
      id,
      name: row?.joined?.name ?? facts?.name ?? id,
      cpus: facts?.cpus ?? 0,
      memory: facts?.memory ?? 0,
      labels: { ...facts?.labels, ...row?.labels },
      role: row?.joined ? 'worker' : 'manager',
      os: 'linux',
      ...(facts ? { architecture: facts.architecture } : {}),
      cordoned: row?.cordonedAt !== undefined,
      drain: row?.drain === true,
      away: since !== undefined,
      lost: lostAt !== undefined && lostAt <= this.world.clock.monotonic(),
      ...(lostAt === undefined ? {} : { lostAt }),
      ...(stock ? { images: stock.images, volumes: stock.volumes } : {}),
      ...(address === undefined ? {} : { address }),
    };
  }

  private members(): Member[] {
    const { home } = this;
    if (!home) return [];
    return [home.id, ...this.joined.keys()].map((id) => {
      const engine = id === home.id ? (this.world.link.answering ? home : undefined) : this.linkOf(id)?.answering;
      return { id, name: this.node(id).name, engine };
    });
  }

  private setHome(engine: Engine | undefined): void {
    if (this.home) {
      this.engines.fire(undefined);
      for (const node of [...this.joined.keys()]) this.part(node);
      this.whole?.dispose();
      this.whole = undefined;
    }
    this.home = engine;
    this.awaySince.clear();
    if (!engine) return;
    for (const row of this.rows()) this.join(row);
    this.begin();
  }

  private rows(): NodeRow[] {
    return this.world.store
      .all('nodes')
      .filter((row) => row.joined?.to === this.home?.id && row.engine !== this.home?.id);
  }

  /** Hands out the engine to work with: the one engine as it is, or all as one. */
  private begin(): void {
    const { home, world } = this;
    if (!home) return;
    if (this.joined.size > 0) {
      this.whole = new FleetEngine({
        home,
        clock: world.clock,
        members: () => this.members(),
        onMembers: this.onChange,
        nodeOf: (nameOrId) => this.nodeOf(nameOrId),
        volumeAt: (name) => world.store.get('resources', `volume:${name}`)?.node,
      });
    }
    this.engines.fire(this.whole ?? home);
  }

  private nodeOf(nameOrId: string): string | undefined {
    const { store } = this.world;
    const row = store.get('attempts', nameOrId) ?? store.all('attempts').find((one) => one.containerId === nameOrId);
    return row?.node;
  }

  /** Rows have changed: new ones are joined, others let go, and the engine handed out is another when that makes the first or the last. */
  private sync(): void {
    if (!this.home) return;
    const rows = new Map(this.rows().map((row) => [row.engine, row]));
    const before = this.joined.size > 0;
    for (const [id, { row }] of [...this.joined]) {
      const now = rows.get(id)?.joined;
      if (now?.endpoint === row.joined?.endpoint && now?.certificates === row.joined?.certificates) continue;
      this.part(id);
    }
    for (const [id, row] of rows) {
      const now = row.joined?.address ?? hostOf(row.joined?.endpoint ?? '');
      if (!this.joined.has(id)) this.join(row);
      else if (now !== this.machines.get(id)?.host) this.locate(id);
    }
    if (before !== this.joined.size > 0) {
      this.whole?.dispose();
      this.whole = undefined;
      this.begin();
    }
    this.changed.fire();
  }

  private join(row: NodeRow): void {
    const { clock, random, log, connect, release } = this.world;
    const { joined } = row;
    if (!joined) return;
    const reach = { endpoint: joined.endpoint, ...(joined.certificates ? { certificates: joined.certificates } : {}) };
    const found = {
      id: row.engine,
      kind: 'docker' as const,
      name: joined.name,
      endpoint: joined.endpoint,
      source: 'node',
    };
    const link = new EngineLink({
      ...{ clock, random, log },
      chosen: () => row.engine,
      finder: {
        find: () => Promise.resolve([found]),
        connect: async () => {
          const engine = await connect(reach);
          if (engine.id === row.engine) return engine;
          release(engine);
          throw new EngineError('refused', 'another engine answers there now');
        },
        release,
      },
    });
    const owned = new DisposableStore();
    owned.add(link);
    owned.add(link.onChange(() => this.look(row.engine, link)));
    owned.add(link.onEngine(() => this.changed.fire()));
    this.joined.set(row.engine, { row, link, owned });
    this.awaySince.set(row.engine, clock.monotonic());
    this.mark(row.engine);
    this.locate(row.engine);
    link.start();
  }

  private part(node: string): void {
    this.joined.get(node)?.owned.dispose();
    this.joined.delete(node);
    this.awaySince.delete(node);
    this.timers.get(node)?.dispose();
  }

  /** Whether a node answers has perhaps changed. */
  private look(node: string, link: EngineLink): void {
    const { clock } = this.world;
    const joined = this.joined.get(node);
    if (!joined && this.home?.id !== node) return;
    if (link.facts) this.lastFacts.set(node, link.facts);
    const answers = link.answering !== undefined;
    // The home engine's coming and going is told by whoever follows its link.
    if (joined) this.tell(node, answers ? 'connected' : link.views()[0]?.state);
    if (answers !== this.awaySince.has(node)) return;
    if (answers) this.awaySince.delete(node);
    else this.awaySince.set(node, clock.monotonic());
    this.mark(node);
    if (answers) this.locate(node);
    this.changed.fire();
  }

  /** Resolves where a joined machine is; anew when it comes back, since it may have moved. */
  private locate(node: string): void {
    const row = this.world.store.get('nodes', node)?.joined;
    const host = row && (row.address ?? hostOf(row.endpoint));
    if (host === undefined) return;
    void this.world.resolve(host).then((address) => {
      const before = this.machines.get(node);
      if (!this.joined.has(node) || (before?.host === host && before.address === address)) return;
      this.machines.set(node, { host, address });
      this.changed.fire();
    });
  }

  /** Puts a node's going away on the time line, and its coming back if it had been gone. */
  private tell(node: string, state: 'connected' | 'connecting' | 'away' | undefined): void {
    const { store, clock, log } = this.world;
    const gone = this.told.has(node);
    if (state === 'away' ? gone : !gone || state !== 'connected') return;
    const away = state === 'away';
    if (away) this.told.add(node);
    else this.told.delete(node);
    const words = sentence(away ? 'event.nodeAway' : 'event.nodeBack', { node: this.node(node).name });
    const kind = away ? 'node.away' : 'node.back';
    try {
      noteEvent(store, { at: clock.now(), actor: 'engine', kind, health: away ? 'critical' : 'ok', words });
    } catch (thrown) {
      // A full disk must not keep the link from trying again.
      log('warn', "a node's coming or going could not be written down", { node, error: String(thrown) });
    }
  }

  /** Wakes everybody when the grace of a node that is away is over. */
  private mark(node: string): void {
    const { clock } = this.world;
    const { lostAt } = this.node(node);
    this.timers.get(node)?.dispose();
    if (lostAt === undefined) return;
    const timer = clock.timer(Math.max(1, lostAt - clock.monotonic() + 1), () => this.changed.fire());
    this.timers.set(node, timer);
  }
}

/** The host of an endpoint, where its published ports are reached; an engine behind a socket is on this machine. */
export function hostOf(endpoint: string): string | undefined {
  if (/^(?:unix|npipe):/.test(endpoint)) return '127.0.0.1';
  const rest = /^(?:ssh|tcp|https?):\/\/(?:[^@/]*@)?(\[[^\]]+\]|[^:/]+)/.exec(endpoint)?.[1];
  return rest?.replace(/^\[|\]$/g, '');
}
