/** The port over the daemon: one client, with its own connection. */
import { sleep, type Clock } from '../../base/clock';
import type { Signal } from '../../base/lifecycle';
import type { Random } from '../../base/random';
import type {
  ByteStream,
  CreateContainer,
  DiskUsage,
  Engine,
  EngineCapabilities,
  EngineEvent,
  EngineFacts,
  EngineImage,
  EngineNetwork,
  EngineSession,
  EngineStream,
  EngineVolume,
  ContainerDetail,
  ContainerSummary,
  ListFilter,
  LogEntry,
  MemoryFiles,
  PullProgress,
  StatsFeed,
  StatsSample,
} from '../../core/engine';
import { EngineError } from '../../core/engine';
import { away, Connection, type Call, type Deed, type Hooks, type Latency } from './connection';
import { describe, isAlive } from './container';
import { Daemon } from './daemon';
import type { Fault, Faults, Verb } from './faults';
import { Hand } from './hand';
import { showImage, usualImages, type ImageDefinition } from './images';
import { EventStream, LogStream, StatsStream } from './streams';
import { packTree, unpackTree, within } from './trees';

export interface MemoryEngineOptions {
  clock: Clock;
  random: Random;
  /** What the engine knows; default a handful of well-known images. */
  images?: readonly ImageDefinition[];
  /** Whether a pull of something nobody declared succeeds; default `any`. */
  registry?: 'any' | 'declared';
  /** Default `none`: calls answer without time passing. */
  latency?: Latency;
  faults?: readonly Fault[];
  id?: string;
}

type Limits = Parameters<Engine['update']>[1];

/** An engine in the mind, with the manners of dockerd 20.10 to 28. It ships: the tour, the scenarios and the tests run on it. */
export class MemoryEngine implements Engine {
  readonly id: string;
  readonly endpoint = 'memory:';
  capabilities: EngineCapabilities = {
    orchestrates: false,
    networks: true,
    volumes: true,
    pause: true,
    exec: true,
    archive: true,
    restartPolicy: true,
    healthcheck: true,
    localCgroups: false,
    secrets: true,
  };
  /** The daemon and its machine, for looking behind the port. */
  readonly daemon: Daemon;
  /** What people do behind the app's back. */
  readonly hand: Hand;
  private readonly connection: Connection;

  /** `daemon` makes this a further client of an engine that exists; see `attach`. */
  constructor(
    private readonly options: MemoryEngineOptions,
    daemon?: Daemon,
  ) {
    this.id = options.id ?? 'memory';
    this.daemon =
      daemon ??
      new Daemon(options.clock, options.random, {
        images: options.images ?? usualImages,
        anyReference: (options.registry ?? 'any') === 'any',
      });
    this.hand = new Hand(this.daemon);
    this.connection = new Connection(this.daemon, options.latency ?? 'none');
    for (const fault of options.faults ?? []) this.connection.faults.add(fault);
  }

  // ── for tests and the tour ──

  /** Every write of this client that reached the daemon, oldest first; the newest 10,000 are kept. */
  get deeds(): readonly Deed[] {
    return this.connection.deeds;
  }

  get writes(): number {
    return this.connection.writes;
  }

  get counts(): ReadonlyMap<Verb, number> {
    return this.connection.counts;
  }

  get faults(): Faults {
    return this.connection.faults;
  }

  get hooks(): Hooks {
    return this.connection.hooks;
  }

  set hooks(hooks: Hooks) {
    this.connection.hooks = hooks;
  }

  forgetDeeds(): void {
    this.connection.forgetDeeds();
  }

  /** This client is killed: what it waits for is never answered, what it did stays done. */
  detach(): void {
    this.connection.cut();
  }

  /** A new client of the same daemon, as a restarted app is. Faults, hooks and deeds start empty. */
  attach(): MemoryEngine {
    const { faults: _, ...options } = this.options;
    return new MemoryEngine(options, this.daemon);
  }

  /** Stops everything that ticks, for good. */
  dispose(): void {
    this.connection.cut();
    this.daemon.dispose();
  }

  // ── the port ──

  facts(signal?: Signal): Promise<EngineFacts> {
    return this.ask({ verb: 'facts', name: '', signal }, () => ({
      kind: 'memory',
      name: 'Built-in engine',
      version: '27.3.1',
      apiVersion: '1.47',
      operatingSystem: 'Memory',
      architecture: 'x86_64',
      cpus: 8,
      memory: 16 * 1024 ** 3,
      rootless: false,
      labels: {},
    }));
  }

  async ping(signal?: Signal): Promise<number> {
    const start = this.daemon.clock.monotonic();
    await this.ask({ verb: 'ping', name: '', deadline: 5000, signal }, () => undefined);
    return this.daemon.clock.monotonic() - start;
  }

  diskUsage(signal?: Signal): Promise<DiskUsage> {
    return this.ask({ verb: 'diskUsage', name: '', signal }, () => {
      const images = this.daemon.images.list();
      const used = new Set(this.daemon.all().map((container) => container.image.id));
      const sum = (list: typeof images): number => list.reduce((total, image) => total + image.size, 0);
      return {
        images: sum(images),
        containers: this.daemon.all().length * 40_960,
        volumes: this.daemon.volumes.list().length * 4_194_304,
        buildCache: 0,
        reclaimable: sum(images.filter((image) => !used.has(image.id))),
      };
    });
  }

  list(filter?: ListFilter, signal?: Signal): Promise<ContainerSummary[]> {
    return this.ask({ verb: 'list', name: '', signal }, () =>
      this.daemon.list().filter((row) => fits(row.labels, filter)),
    );
  }

  inspect(id: string, signal?: Signal): Promise<ContainerDetail | undefined> {
    return this.ask({ ...this.about('inspect', id), signal }, () => {
      const container = this.daemon.find(id);
      return container && describe(container);
    });
  }

  recipe(id: string, signal?: Signal): Promise<CreateContainer | undefined> {
    return this.ask({ ...this.about('inspect', id), signal }, () => {
      const container = this.daemon.find(id);
      if (!container) return undefined;
      const recipe = structuredClone({ ...container.request, name: container.name });
      // As Docker says it: who joined no network is in the default bridge.
      if (recipe.networks.length === 0) recipe.host.networkMode ??= 'bridge';
      return recipe;
    });
  }

  /** Several requests, as with Docker: create, then one `connect` for each further network. A failure in between takes it away again; a kill leaves it. */
  async create(request: CreateContainer, signal?: Signal): Promise<{ id: string; warnings: string[] }> {
    const id = await this.ask(
      { verb: 'create', name: request.name, signal },
      () => this.daemon.create(structured(request)).id,
    );
    try {
      for (const { name, aliases, ipv4Address } of request.networks.slice(1)) {
        await this.connect(name, id, ipv4Address === undefined ? { aliases } : { aliases, ipv4Address }, signal);
      }
    } catch (thrown) {
      // As the Docker adapter does: half connected it would be adopted by its name as if it were whole.
      await this.remove(id, { force: true, anonymousVolumes: true }).catch(() => {});
      throw thrown;
    }
    return { id, warnings: [] };
  }

  start(id: string, signal?: Signal): Promise<void> {
    return this.ask({ ...this.about('start', id), signal }, () => void this.daemon.start(id));
  }

  stop(id: string, timeout: number, signal?: Signal): Promise<void> {
    return this.ask({ ...this.about('stop', id), deadline: Math.max(0, timeout) + 15_000, signal }, async () => {
      if (this.daemon.find(id)) await this.daemon.stop(id, timeout);
    });
  }

  kill(id: string, signalName: string, signal?: Signal): Promise<void> {
    return this.ask({ ...this.about('kill', id), signal }, () => this.daemon.kill(id, signalName));
  }

  remove(id: string, options: { force: boolean; anonymousVolumes: boolean }, signal?: Signal): Promise<void> {
    return this.ask({ ...this.about('remove', id), signal }, () => {
      if (this.daemon.find(id)) this.daemon.remove(id, options);
    });
  }

  pause(id: string, signal?: Signal): Promise<void> {
    return this.ask({ ...this.about('pause', id), signal }, () => {
      if (this.daemon.get(id).state !== 'paused') this.hand.pause(id);
    });
  }

  unpause(id: string, signal?: Signal): Promise<void> {
    return this.ask({ ...this.about('unpause', id), signal }, () => {
      if (this.daemon.get(id).state === 'paused') this.hand.unpause(id);
    });
  }

  rename(id: string, name: string, signal?: Signal): Promise<void> {
    return this.ask({ ...this.about('rename', id), signal }, () => this.daemon.rename(id, name));
  }

  update(id: string, change: Limits, signal?: Signal): Promise<void> {
    return this.ask({ ...this.about('update', id), signal }, () => this.daemon.update(id, change));
  }

  exec(
    id: string,
    argv: string[],
    options: { timeout?: number; limit?: number; user?: string } = {},
    signal?: Signal,
  ): Promise<{ exitCode: number; output: string }> {
    const deadline = options.timeout ?? 30_000;
    return this.ask({ ...this.about('exec', id), deadline, signal }, async () => {
      const run = this.daemon.exec(id, argv);
      if (run.after > 1) await sleep(this.daemon.clock, run.after);
      return { exitCode: run.exitCode, output: run.output.slice(0, options.limit ?? 64 * 1024) };
    });
  }

  /** Programs of the memory engine read nothing. */
  session(): Promise<EngineSession> {
    return Promise.reject(new EngineError('unsupported', 'Nothing can be written to programs of the tour engine'));
  }

  startFilled(id: string, fill: MemoryFiles, signal?: Signal): Promise<void> {
    return this.ask({ ...this.about('start', id), signal }, () => {
      const { files } = this.daemon.get(id);
      for (const { path, content, ...owner } of fill.files)
        files.set(`${fill.target}/${path}`, { content: content.slice(), ...owner });
      this.daemon.start(id);
    });
  }

  putFile(
    id: string,
    file: { path: string; content: Uint8Array; mode: number; uid: number; gid: number },
    signal?: Signal,
  ): Promise<void> {
    return this.ask({ ...this.about('putFile', id), signal }, () => {
      const { path, content, ...owner } = file;
      this.daemon.get(id).files.set(path, { content: content.slice(), ...owner });
    });
  }

  replaceFile(
    id: string,
    file: { path: string; content: Uint8Array; mode: number; uid: number; gid: number },
    options: { signal?: string } = {},
    signal?: Signal,
  ): Promise<{ atomic: boolean }> {
    return this.ask({ ...this.about('replaceFile', id), signal }, () => {
      const { path, content, ...owner } = file;
      const container = this.daemon.get(id);
      container.files.set(path, { content: content.slice(), ...owner });
      // Given inside, so that the engine's restart policy hears nothing of it.
      if (options.signal !== undefined && isAlive(container)) container.told.push(options.signal);
      return { atomic: true };
    });
  }

  /** What lies in volumes can be read; the rest of a container's files are not kept as a tree. */
  readArchive(id: string, path: string, signal?: Signal): Promise<ByteStream> {
    return this.ask({ ...this.about('readArchive', id), signal }, () => {
      for (const mount of this.daemon.get(id).mounts) {
        const place = mount.name === undefined ? undefined : within(mount.target, path);
        if (place) return packTree(this.daemon.volumes.tree(mount.name ?? ''), place.at, place.name);
      }
      throw new EngineError('not-found', `Could not find the file ${path} in container ${id}`);
    });
  }

  /** Into a volume only: `folder` is the folder it is mounted in, and names begin with where. */
  writeArchive(id: string, folder: string, tar: ByteStream, signal?: Signal): Promise<void> {
    return this.ask({ ...this.about('writeArchive', id), deadline: 1_800_000, signal }, async () => {
      const mount = this.daemon.get(id).mounts.find((one) => one.name !== undefined && !one.readOnly);
      if (!mount) throw new EngineError('refused', 'mounted volume is marked read-only');
      const root = folder === '/' ? '' : folder;
      const name = mount.target.slice(root.length + 1);
      if (!mount.target.startsWith(`${root}/`)) throw new EngineError('unsupported', `${folder} is not kept`);
      await unpackTree(this.daemon.volumes.tree(mount.name ?? ''), tar, name);
    });
  }

  networks(filter?: ListFilter, signal?: Signal): Promise<EngineNetwork[]> {
    return this.ask({ verb: 'networks', name: '', signal }, () =>
      this.daemon.networks.list().filter((network) => fits(network.labels, filter)),
    );
  }

  inspectNetwork(id: string, signal?: Signal): Promise<EngineNetwork | undefined> {
    return this.ask({ verb: 'inspectNetwork', name: id, signal }, () => {
      const network = this.daemon.networks.find(id);
      return network && this.daemon.networks.show(network, true);
    });
  }

  createNetwork(request: Parameters<Engine['createNetwork']>[0], signal?: Signal): Promise<{ id: string }> {
    return this.ask({ verb: 'createNetwork', name: request.name, signal }, () => ({
      id: this.daemon.createNetwork(request),
    }));
  }

  removeNetwork(id: string, signal?: Signal): Promise<void> {
    const name = this.daemon.networks.find(id)?.name ?? id;
    return this.ask({ verb: 'removeNetwork', id, name, signal }, () => {
      if (this.daemon.networks.find(id)) this.daemon.removeNetwork(id);
    });
  }

  connect(
    networkId: string,
    containerId: string,
    options: { aliases: string[]; ipv4Address?: string },
    signal?: Signal,
  ): Promise<void> {
    return this.ask({ ...this.about('connect', containerId), signal }, () => {
      if (!this.daemon.attachment(networkId, containerId)) this.daemon.connect(networkId, containerId, options);
    });
  }

  disconnect(networkId: string, containerId: string, _force: boolean, signal?: Signal): Promise<void> {
    return this.ask({ ...this.about('disconnect', containerId), signal }, () => {
      if (this.daemon.attachment(networkId, containerId)) this.daemon.disconnect(networkId, containerId);
    });
  }

  volumes(filter?: ListFilter, signal?: Signal): Promise<EngineVolume[]> {
    return this.ask({ verb: 'volumes', name: '', signal }, () =>
      this.daemon.volumes.list().filter((volume) => fits(volume.labels, filter)),
    );
  }

  createVolume(request: Parameters<Engine['createVolume']>[0], signal?: Signal): Promise<void> {
    return this.ask({ verb: 'createVolume', name: request.name, signal }, () => this.daemon.createVolume(request));
  }

  removeVolume(name: string, signal?: Signal): Promise<void> {
    return this.ask({ verb: 'removeVolume', name, signal }, () => {
      if (this.daemon.volumes.has(name)) this.daemon.removeVolume(name);
    });
  }

  images(signal?: Signal): Promise<EngineImage[]> {
    return this.ask({ verb: 'images', name: '', signal }, () => this.daemon.images.list().map(showImage));
  }

  inspectImage(reference: string, signal?: Signal): Promise<EngineImage | undefined> {
    return this.ask({ verb: 'inspectImage', name: reference, signal }, () => {
      const image = this.daemon.images.find(reference);
      return image && showImage(image);
    });
  }

  pull(
    reference: string,
    options: { platform?: string; progress?: (progress: PullProgress) => void },
    signal?: Signal,
  ): Promise<void> {
    return this.ask({ verb: 'pull', name: reference, deadline: 1_800_000, signal }, async () => {
      const total = this.daemon.images.lookUp(reference).size;
      const steps = this.options.latency === 'real' ? 16 : 1;
      for (let step = 1; step <= steps; step++) {
        // About 60 MB a second, as over a good line.
        if (steps > 1) await sleep(this.daemon.clock, total / 60_000 / steps);
        if (this.connection.dead || signal?.aborted) return;
        if (this.daemon.power.mode !== 'up') throw away();
        options.progress?.({
          done: Math.round((total * step) / steps),
          total,
          status: step < steps ? 'Downloading' : 'Pull complete',
        });
      }
      this.daemon.pulled(reference);
    });
  }

  removeImage(reference: string, force: boolean, signal?: Signal): Promise<void> {
    return this.ask({ verb: 'removeImage', name: reference, signal }, () => {
      if (this.daemon.images.find(reference)) this.daemon.removeImage(reference, force);
    });
  }

  tagImage(reference: string, tag: string, signal?: Signal): Promise<void> {
    return this.ask({ verb: 'tagImage', name: reference, signal }, () => this.daemon.tagImage(reference, tag));
  }

  build(): Promise<void> {
    return Promise.reject(new EngineError('unsupported', 'The tour engine builds no images'));
  }

  watch(onEvent: (event: EngineEvent) => void): EngineStream<EngineEvent> {
    return new EventStream(this.connection, onEvent);
  }

  logs(
    id: string,
    options: { follow: boolean; since?: string; tail?: number },
    onEntries: (entries: LogEntry[]) => void,
  ): EngineStream<LogEntry> {
    return new LogStream(this.connection, id, { ...options, onEntries });
  }

  stats(onSamples: (samples: StatsSample[]) => void): StatsFeed {
    return new StatsStream(this.connection, onSamples);
  }

  private ask<Result>(call: Call, effect: () => Result | Promise<Result>): Promise<Result> {
    return this.connection.call(call, effect);
  }

  private about(verb: Verb, reference: string): { verb: Verb; id: string; name: string } {
    const container = this.daemon.find(reference);
    return { verb, id: container?.id ?? reference, name: container?.name ?? reference };
  }
}

function fits(labels: Record<string, string>, filter: ListFilter | undefined): boolean {
  return Object.entries(filter?.labels ?? {}).every(([name, value]) => labels[name] === value);
}

/** A copy the caller cannot change afterwards, as a request over a socket is. */
function structured(request: CreateContainer): CreateContainer {
  return JSON.parse(JSON.stringify(request)) as CreateContainer;
}
