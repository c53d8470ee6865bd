/**
 * Several engines joined to one, behind the engine port. A container is asked for at the node it is on, a new one is made on the node
 * that its row names, lists and streams are put together. A node that does not answer is no reason for the others to stop: what is
 * asked of it fails with `timeout` (nothing is known), and `away` is said only when no node answers. What belongs to no attempt — the
 * gateway, helpers, builds — is the home engine's.
 */
import type { Clock } from '../../base/clock';
import { Emitter, type Event } from '../../base/emitter';
import type { Disposable, Signal } from '../../base/lifecycle';
import {
  EngineError,
  type ByteStream,
  type ContainerDetail,
  type ContainerSummary,
  type CreateContainer,
  type DiskUsage,
  type Engine,
  type EngineCapabilities,
  type EngineEvent,
  type EngineFacts,
  type EngineImage,
  type EngineNetwork,
  type EngineSession,
  type EngineStream,
  type EngineVolume,
  type ListFilter,
  type LogEntry,
  type MemoryFiles,
  type StatsFeed,
  type StatsSample,
} from '../engine';
import { brokenStream, EventJoin, StatsJoin } from './joins';
import { Stock } from './stock';

/** One engine of the fleet. */
export interface Member {
  /** Its engine's id, which names the node. */
  id: string;
  name: string;
  /** Absent while it does not answer. */
  engine: Engine | undefined;
}

export interface FleetEngineWorld {
  home: Engine;
  clock: Clock;
  /** Every node, home first. */
  members: () => readonly Member[];
  /** A node began or stopped to answer, came or went. */
  onMembers: Event<void>;
  /** The node of an attempt, by the name or the id of its container. */
  nodeOf: (nameOrId: string) => string | undefined;
  /** The node that a volume of ours was made on, as its row says. */
  volumeAt: (name: string) => string | undefined;
}

type Tail<Method extends (...input: never[]) => unknown> =
  Parameters<Method> extends [string, ...infer Rest] ? Rest : never;
type Update = Parameters<Engine['update']>[1];

/** A node's stream that was cut is opened anew after so long, milliseconds. */
const openAgain = 1000;
/** Places of containers that are remembered; beyond that they are learned anew from the store and the next list. */
const mostPlaces = 50_000;

export class FleetEngine implements Engine, Disposable {
  readonly id: string;
  readonly endpoint: string;
  readonly capabilities: EngineCapabilities;
  /** What lies on each node, as listed last; kept while a node is away. */
  readonly stock = new Stock();
  private readonly containers = new Map<string, string>();
  private readonly networkPlaces = new Map<string, string>();
  private readonly joins = new Set<EventJoin | StatsJoin>();
  private readonly returned = new Emitter<void>();
  private readonly subscription: Disposable;

  /** A node's stream of events has been opened anew: what happened before is only in its list. */
  readonly onReturn: Event<void> = this.returned.event;

  constructor(private readonly world: FleetEngineWorld) {
    this.id = world.home.id;
    this.endpoint = world.home.endpoint;
    this.capabilities = world.home.capabilities;
    this.subscription = world.onMembers(() => {
      for (const join of [...this.joins]) join.sync(this.answering());
    });
  }

  get lacks(): NonNullable<Engine['lacks']> {
    return this.world.home.lacks ?? [];
  }

  dispose(): void {
    this.subscription.dispose();
    for (const join of [...this.joins]) join.dispose();
  }

  /** The engine of one node. Throws `timeout` while it does not answer. */
  on(node: string): Engine {
    const member = this.world.members().find(({ id }) => id === node);
    if (member?.engine) return member.engine;
    throw silent(member?.name ?? node);
  }

  facts(signal?: Signal): Promise<EngineFacts> {
    return this.world.home.facts(signal);
  }

  ping(signal?: Signal): Promise<number> {
    return this.world.home.ping(signal);
  }

  diskUsage(signal?: Signal): Promise<DiskUsage> {
    return this.world.home.diskUsage(signal);
  }

  async list(filter?: ListFilter, signal?: Signal): Promise<ContainerSummary[]> {
    const lists = await this.everywhere((engine) => engine.list(filter, signal));
    for (const { node, value } of lists) for (const { id } of value) this.containers.set(id, node);
    return lists.flatMap(({ value }) => value);
  }

  async inspect(id: string, signal?: Signal): Promise<ContainerDetail | undefined> {
    const node = this.placeOf(id);
    if (node !== undefined) return this.ask(node, (engine) => engine.inspect(id, signal));
    const found = await this.search((engine) => engine.inspect(id, signal));
    if (found) this.containers.set(found.value.id, found.node);
    return found?.value;
  }

  async recipe(id: string, signal?: Signal): Promise<CreateContainer | undefined> {
    const node = this.placeOf(id);
    if (node !== undefined) return this.ask(node, (engine) => engine.recipe(id, signal));
    return (await this.search((engine) => engine.recipe(id, signal)))?.value;
  }

  async create(request: CreateContainer, signal?: Signal): Promise<{ id: string; warnings: string[] }> {
    const node = this.world.nodeOf(request.name) ?? this.id;
    const made = await this.ask(node, (engine) => engine.create(request, signal));
    this.containers.set(made.id, node);
    return made;
  }

  start(id: string, signal?: Signal): Promise<void> {
    return this.at(id, (engine) => engine.start(id, signal));
  }

  startFilled(id: string, fill: MemoryFiles, signal?: Signal): Promise<void> {
    return this.at(id, (engine) => {
      if (!engine.startFilled) throw new EngineError('unsupported', 'this node cannot deliver secrets');
      return engine.startFilled(id, fill, signal);
    });
  }

  stop(id: string, timeout: number, signal?: Signal): Promise<void> {
    return this.at(id, (engine) => engine.stop(id, timeout, signal));
  }

  kill(id: string, signalName: string, signal?: Signal): Promise<void> {
    return this.at(id, (engine) => engine.kill(id, signalName, signal));
  }

  async remove(id: string, options: Parameters<Engine['remove']>[1], signal?: Signal): Promise<void> {
    await this.at(id, (engine) => engine.remove(id, options, signal));
    this.containers.delete(id);
  }

  pause(id: string, signal?: Signal): Promise<void> {
    return this.at(id, (engine) => engine.pause(id, signal));
  }

  unpause(id: string, signal?: Signal): Promise<void> {
    return this.at(id, (engine) => engine.unpause(id, signal));
  }

  rename(id: string, name: string, signal?: Signal): Promise<void> {
    return this.at(id, (engine) => engine.rename(id, name, signal));
  }

  update(id: string, change: Update, signal?: Signal): Promise<void> {
    return this.at(id, (engine) => engine.update(id, change, signal));
  }

  exec(
    id: string,
    argv: string[],
    options?: Parameters<Engine['exec']>[2],
    signal?: Signal,
  ): Promise<{ exitCode: number; output: string }> {
    return this.at(id, (engine) => engine.exec(id, argv, options, signal));
  }

  session(
    id: string,
    argv: string[],
    onOutput: (text: string) => void,
    options?: { user?: string },
  ): Promise<EngineSession> {
    return this.at(id, (engine) => engine.session(id, argv, onOutput, options));
  }

  putFile(id: string, file: Parameters<Engine['putFile']>[1], signal?: Signal): Promise<void> {
    return this.at(id, (engine) => engine.putFile(id, file, signal));
  }

  replaceFile(id: string, ...rest: Tail<Engine['replaceFile']>): ReturnType<Engine['replaceFile']> {
    return this.at(id, (engine) => engine.replaceFile(id, ...rest));
  }

  readArchive(id: string, path: string, signal?: Signal): Promise<ByteStream> {
    return this.at(id, (engine) => engine.readArchive(id, path, signal));
  }

  writeArchive(id: string, folder: string, tar: ByteStream, signal?: Signal): Promise<void> {
    return this.at(id, (engine) => engine.writeArchive(id, folder, tar, signal));
  }

  async networks(filter?: ListFilter, signal?: Signal): Promise<EngineNetwork[]> {
    const lists = await this.everywhere((engine) => engine.networks(filter, signal));
    for (const { node, value } of lists) {
      for (const { id } of value) this.networkPlaces.set(id, node);
      if (!filter) this.stock.set(node, 'networks', value);
    }
    return lists.flatMap(({ value }) => value);
  }

  async inspectNetwork(id: string, signal?: Signal): Promise<EngineNetwork | undefined> {
    const node = this.networkPlaces.get(id);
    if (node !== undefined) return this.ask(node, (engine) => engine.inspectNetwork(id, signal));
    const found = await this.search((engine) => engine.inspectNetwork(id, signal));
    if (found) this.networkPlaces.set(found.value.id, found.node);
    return found?.value;
  }

  createNetwork(request: Parameters<Engine['createNetwork']>[0], signal?: Signal): Promise<{ id: string }> {
    return this.ask(this.id, (engine) => engine.createNetwork(request, signal));
  }

  async removeNetwork(id: string, signal?: Signal): Promise<void> {
    await this.ask(this.networkPlaces.get(id) ?? this.id, (engine) => engine.removeNetwork(id, signal));
    this.networkPlaces.delete(id);
  }

  connect(
    networkId: string,
    containerId: string,
    options: Parameters<Engine['connect']>[2],
    signal?: Signal,
  ): Promise<void> {
    return this.at(containerId, (engine) => engine.connect(networkId, containerId, options, signal));
  }

  disconnect(networkId: string, containerId: string, force: boolean, signal?: Signal): Promise<void> {
    return this.at(containerId, (engine) => engine.disconnect(networkId, containerId, force, signal));
  }

  async volumes(filter?: ListFilter, signal?: Signal): Promise<EngineVolume[]> {
    const lists = await this.everywhere((engine) => engine.volumes(filter, signal));
    if (!filter) for (const { node, value } of lists) this.stock.set(node, 'volumes', value);
    else for (const { node, value } of lists) this.stock.add(node, 'volumes', value);
    if (!filter) void this.countImages();
    return lists.flatMap(({ value }) => value);
  }

  async createVolume(request: Parameters<Engine['createVolume']>[0], signal?: Signal): Promise<void> {
    const node = this.world.nodeOf(ownerOf(request.name)) ?? this.id;
    await this.ask(node, (engine) => engine.createVolume(request, signal));
    this.stock.add(node, 'volumes', [request]);
  }

  async removeVolume(name: string, signal?: Signal): Promise<void> {
    for (const node of await this.placesOf(name)) {
      await this.ask(node, (engine) => engine.removeVolume(name, signal));
      this.stock.remove(node, 'volumes', name);
    }
  }

  /** Where a volume is to be removed: a twin of its name that somebody else made on another node stays. */
  private async placesOf(name: string): Promise<string[]> {
    const known = this.world.volumeAt(name) ?? this.world.nodeOf(ownerOf(name));
    if (known !== undefined) return [known];
    const holders = this.stock.holders('volumes', name);
    if (holders.length < 2) return holders.length > 0 ? holders : [this.id];
    const mine = holders.map(async (node) => {
      const there = (await this.ask(node, (engine) => engine.volumes())).find((volume) => volume.name === name);
      return there?.labels['io.pilothouse.stack'] === undefined ? [] : [node];
    });
    return (await Promise.all(mine)).flat();
  }

  images(signal?: Signal): Promise<EngineImage[]> {
    return this.ask(this.id, (engine) => engine.images(signal));
  }

  inspectImage(reference: string, signal?: Signal): Promise<EngineImage | undefined> {
    return this.ask(this.id, (engine) => engine.inspectImage(reference, signal));
  }

  pull(reference: string, options: Parameters<Engine['pull']>[1], signal?: Signal): Promise<void> {
    return this.ask(this.id, (engine) => engine.pull(reference, options, signal));
  }

  removeImage(reference: string, force: boolean, signal?: Signal): Promise<void> {
    return this.ask(this.id, (engine) => engine.removeImage(reference, force, signal));
  }

  tagImage(reference: string, tag: string, signal?: Signal): Promise<void> {
    return this.ask(this.id, (engine) => engine.tagImage(reference, tag, signal));
  }

  build(context: ByteStream, options: Parameters<Engine['build']>[1], signal?: Signal): Promise<void> {
    return this.ask(this.id, (engine) => engine.build(context, options, signal));
  }

  watch(onEvent: (event: EngineEvent) => void): EngineStream<EngineEvent> {
    const learn = (node: string, event: EngineEvent): void => {
      if (this.containers.size > mostPlaces) this.containers.clear();
      if (event.type === 'container') this.containers.set(event.id, node);
      onEvent(event);
    };
    const join: EventJoin = new EventJoin(learn, {
      onCut: () => this.later(join),
      onReturn: () => this.returned.fire(),
    });
    return this.keep(join);
  }

  logs(
    id: string,
    options: { follow: boolean; since?: string; tail?: number },
    onEntries: (entries: LogEntry[]) => void,
  ): EngineStream<LogEntry> {
    try {
      return this.on(this.placeOf(id) ?? this.id).logs(id, options, onEntries);
    } catch (thrown) {
      return brokenStream(thrown instanceof EngineError ? thrown : new EngineError('timeout', String(thrown)));
    }
  }

  stats(onSamples: (samples: StatsSample[]) => void): StatsFeed {
    const join: StatsJoin = new StatsJoin(
      onSamples,
      (id) => this.placeOf(id),
      () => this.later(join),
    );
    return this.keep(join);
  }

  private keep<Join extends EventJoin | StatsJoin>(join: Join): Join {
    this.joins.add(join);
    join.sync(this.answering());
    void join.ended.then(() => this.joins.delete(join));
    return join;
  }

  private later(join: EventJoin | StatsJoin): void {
    this.world.clock.timer(openAgain, () => {
      if (this.joins.has(join)) join.sync(this.answering());
    });
  }

  private answering(): ReadonlyMap<string, Engine> {
    return new Map(this.world.members().flatMap(({ id, engine }) => (engine ? [[id, engine] as const] : [])));
  }

  /** Where a container is; undefined when nobody has heard of it. */
  private placeOf(nameOrId: string): string | undefined {
    return this.containers.get(nameOrId) ?? this.world.nodeOf(nameOrId);
  }

  private at<T>(id: string, work: (engine: Engine) => Promise<T>): Promise<T> {
    return this.ask(this.placeOf(id) ?? this.id, work);
  }

  private async ask<T>(node: string, work: (engine: Engine) => Promise<T>): Promise<T> {
    try {
      return await work(this.on(node));
    } catch (thrown) {
      throw thrown instanceof EngineError && thrown.code === 'away'
        ? new EngineError('timeout', thrown.detail, { cause: thrown })
        : thrown;
    }
  }

  /** Asks every node that answers. A node that fails is left out: what is missing from a list is asked for by name before it counts. */
  private async everywhere<T>(work: (engine: Engine) => Promise<T>): Promise<{ node: string; value: T }[]> {
    const engines = [...this.answering()];
    const results = await Promise.allSettled(engines.map(([, engine]) => work(engine)));
    const good = results.flatMap((result, at) =>
      result.status === 'fulfilled' ? [{ node: engines[at]?.[0] ?? '', value: result.value }] : [],
    );
    if (good.length > 0) return good;
    const failed = results.find((result) => result.status === 'rejected');
    throw failed?.reason instanceof EngineError ? failed.reason : new EngineError('away', 'no node answers');
  }

  /** Looks for something on every node. It is certainly nowhere only when all of them have said so. */
  private async search<T>(
    work: (engine: Engine) => Promise<T | undefined>,
  ): Promise<{ node: string; value: T } | undefined> {
    const found = await this.everywhere(work);
    for (const { node, value } of found) if (value !== undefined) return { node, value };
    const missing = this.world.members().find(({ id }) => !found.some(({ node }) => node === id));
    if (missing) throw silent(missing.name);
    return undefined;
  }

  private async countImages(): Promise<void> {
    try {
      for (const { node, value } of await this.everywhere((engine) => engine.images()))
        this.stock.set(
          node,
          'images',
          value.flatMap(({ tags }) => tags.map((name) => ({ name }))),
        );
    } catch {
      // Only a preference rests on it; the next list asks again.
    }
  }
}

function silent(node: string): EngineError {
  return new EngineError('timeout', `${node} does not answer`);
}

/** The container whose secrets a volume holds, or the name itself. */
function ownerOf(volume: string): string {
  return volume.replace(/\.secrets$/, '');
}
