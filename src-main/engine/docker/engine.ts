/** The engine port over Docker's API: each method is one request (seldom two), its deadline, and what counts as done. */
import type { Disposable, Signal } from '../../base/lifecycle';
import type {
  ByteStream,
  ContainerDetail,
  ContainerSummary,
  CreateContainer,
  DiskUsage,
  Engine,
  EngineCapabilities,
  EngineEvent,
  EngineFacts,
  EngineImage,
  EngineLack,
  EngineNetwork,
  EngineSession,
  EngineStream,
  EngineVolume,
  ListFilter,
  MemoryFiles,
  LogEntry,
  PullProgress,
  StatsFeed,
  StatsSample,
} from '../../core/engine';
import { EngineError } from '../../core/engine';
import { readArchive, writeArchive } from './archive';
import { buildImage } from './build';
import type { CgroupMounts } from './cgroups';
import { distributionPath, imagePath, path, type Call, type Client } from './client';
import { loginFor, splitReference } from './credentials';
import { watchEvents } from './events';
import { execute, putFile, type FileToPut } from './exec';
import { says } from './failures';
import { startFilled } from './fill';
import { readLogs } from './logs';
import { fields, text, texts } from './parse';
import { notThere, startFilledReady, withoutQuota } from './podman';
import { PodmanHealth } from './podmanHealth';
import { pullImage } from './pull';
import { pushImage } from './push';
import { toRecipe } from './recipe';
import {
  isAtLeast,
  networksToConnect,
  toCreateBody,
  toEndpoint,
  toFilters,
  toNetworkBody,
  toUpdateBody,
  toVolumeBody,
} from './requests';
import { replaceFile } from './replace';
import { openSession } from './session';
import { followStats } from './stats';
import {
  rows,
  toDetail,
  toDiskUsage,
  toFacts,
  toImage,
  toImageDetail,
  toNetwork,
  toSummary,
  toVolume,
} from './translate';

/** How long each kind of call may take, milliseconds. */
export interface Deadlines {
  /** A sign of life: an engine that is away must show within ten seconds. */
  ping: number;
  /** Reads, and the beginning of streams. */
  read: number;
  /** What changes something: a cold start under load takes seconds, the first after a boot five. */
  act: number;
  /** Disk usage and removals, which walk through all files. */
  slow: number;
}

const usualDeadlines: Deadlines = { ping: 3_500, read: 10_000, act: 60_000, slow: 120_000 };

/** Between two looks whether a removal that somebody else began has ended. */
const REMOVAL_POLL = 100;
/** A registry that does not answer one question within it is not there. Milliseconds. */
const REGISTRY_PATIENCE = 20_000;

export class DockerEngine implements Engine, Disposable {
  readonly id: string;
  readonly endpoint: string;
  readonly capabilities: EngineCapabilities;
  private readonly api: string;
  private readonly kind: EngineFacts['kind'];
  private readonly mounts: CgroupMounts | undefined;
  private readonly deadlines: Deadlines;
  private readonly streams = new Set<Disposable>();
  private readonly given: readonly EngineLack[];
  /** Who is told events, besides what the engine itself tells. */
  private readonly watchers = new Set<(event: EngineEvent) => void>();
  private readonly health: PodmanHealth | undefined;
  /** It has stamped lines by the second. */
  private coarse = false;
  /** Sizes of volumes, from the last time the disk was measured. */
  private measured = new Map<string, EngineVolume>();

  constructor(
    private readonly client: Client,
    options: {
      id: string;
      endpoint: string;
      kind: EngineFacts['kind'];
      api: string;
      lacks?: readonly EngineLack[];
      mounts: CgroupMounts | undefined;
      deadlines: Partial<Deadlines>;
    },
  ) {
    this.id = options.id;
    this.endpoint = options.endpoint;
    this.api = options.api;
    this.kind = options.kind;
    this.mounts = options.mounts;
    this.deadlines = { ...usualDeadlines, ...options.deadlines };
    this.capabilities = {
      orchestrates: false,
      networks: true,
      volumes: true,
      pause: true,
      exec: true,
      archive: true,
      restartPolicy: true,
      healthcheck: true,
      localCgroups: options.mounts !== undefined,
      gateway: true,
      secrets: true,
    };
    this.given = options.lacks ?? [];
    if (this.kind !== 'podman') return;
    const onChange = (event: EngineEvent): void => this.watchers.forEach((tell) => tell(event));
    this.health = new PodmanHealth({ client, deadline: this.deadlines.read, onChange });
  }

  get lacks(): readonly EngineLack[] {
    const found: EngineLack[] = [...this.given];
    if (this.health?.drives && !found.includes('health-timers')) found.push('health-timers');
    if (this.coarse) found.push('log-stamps');
    return found;
  }

  async facts(signal?: Signal): Promise<EngineFacts> {
    const [info, version] = await Promise.all([this.get('/info', { signal }), this.get('/version', { signal })]);
    return toFacts(info, version);
  }

  /**
   * `/_ping` answers whatever hangs behind it (F4), so two other questions are asked: a list of one row, which is timed, and the
   * version, for which the engine asks its runtime (some 10 ms of its CPU). With containerd stuck only the first is answered.
   */
  async ping(signal?: Signal): Promise<number> {
    const began = performance.now();
    const options = { signal, deadline: this.deadlines.ping };
    const answered = this.get('/containers/json', { ...options, query: { limit: 1 } }).then(
      () => performance.now() - began,
    );
    const [list, runtime] = await Promise.allSettled([answered, this.get('/version', options)]);
    if (list.status === 'rejected') throw list.reason;
    if (runtime.status === 'fulfilled') return list.value;
    const { reason } = runtime;
    const isStuck = reason instanceof EngineError && reason.code === 'timeout' && !signal?.aborted;
    throw isStuck ? new EngineError('timeout', 'It answers, but its runtime does not', { cause: reason }) : reason;
  }

  async diskUsage(signal?: Signal): Promise<DiskUsage> {
    const { usage, volumes } = toDiskUsage(await this.get('/system/df', { signal, deadline: this.deadlines.slow }));
    this.measured = new Map(volumes.map((volume) => [volume.name, volume]));
    return usage;
  }

  // Containers

  async list(filter?: ListFilter, signal?: Signal): Promise<ContainerSummary[]> {
    const ask = async (filters: string | undefined): Promise<ContainerSummary[]> =>
      rows(await this.get('/containers/json', { query: { all: true, filters }, signal }), toSummary);
    const list = await ask(toFilters(filter));
    if (this.kind !== 'podman' || list.every(({ state }) => state !== 'running')) return list;
    // Podman's rows do not tell health, but it can be asked for by it.
    const words = ['starting', 'healthy', 'unhealthy'] as const;
    const groups = await Promise.all(words.map((word) => ask(toFilters(filter, { health: [word] }))));
    const health = new Map(groups.flatMap((group, at) => group.map(({ id }) => [id, words[at] ?? 'none'] as const)));
    const whole = list.map((row) => ({ ...row, health: health.get(row.id) ?? ('none' as const) }));
    this.health?.see(whole);
    return whole;
  }

  async inspect(id: string, signal?: Signal): Promise<ContainerDetail | undefined> {
    const body = await this.find(path`/containers/${id}/json`, signal);
    return body === undefined ? undefined : toDetail(body);
  }

  async recipe(id: string, signal?: Signal): Promise<CreateContainer | undefined> {
    const body = await this.find(path`/containers/${id}/json`, signal);
    if (body === undefined) return undefined;
    const image = await this.find(imagePath(text(fields(body)['Image'], 256), '/json'), signal);
    return toRecipe(body, image);
  }

  async create(request: CreateContainer, signal?: Signal): Promise<{ id: string; warnings: string[] }> {
    const answer = fields(
      await this.post('/containers/create', {
        query: { name: request.name, platform: isAtLeast(this.api, '1.41') ? request.platform : undefined },
        body: toCreateBody(request, this.api),
        signal,
      }).catch((error: unknown) => {
        throw notThere(error);
      }),
    );
    const id = text(answer['Id'], 256);
    if (!id) throw new EngineError('refused', 'The engine created a container and did not say which');
    try {
      for (const network of networksToConnect(request, this.api)) {
        await this.attach(network.name, { container: id, endpoint: toEndpoint(network), signal });
      }
    } catch (error) {
      // Half connected it would be adopted by its name as if it were whole.
      await this.remove(id, { force: true, anonymousVolumes: true }).catch(() => undefined);
      throw notThere(error);
    }
    return { id, warnings: texts(answer['Warnings'], 500).slice(0, 20) };
  }

  async start(id: string, signal?: Signal): Promise<void> {
    try {
      await this.post(path`/containers/${id}/start`, { accept: [304], signal });
    } catch (error) {
      const isOther =
        error instanceof EngineError && error.code === 'not-found' && !says(error, /no (such )?container/i);
      // It may be a network that is gone; to the caller `not-found` means the container.
      throw isOther ? new EngineError('refused', error.detail, { cause: error }) : error;
    }
  }

  startFilled(id: string, fill: MemoryFiles, signal?: Signal): Promise<void> {
    const start = (): Promise<void> => this.start(id, signal);
    const fillIn = this.kind === 'podman' ? startFilledReady : startFilled;
    return fillIn(this.client, id, { fill, start, signal, deadline: this.deadlines.act });
  }

  async stop(id: string, timeout: number, signal?: Signal): Promise<void> {
    const query = { t: Math.max(0, Math.ceil(timeout / 1_000)) };
    const deadline = this.deadlines.act + Math.max(0, timeout);
    // Podman cannot stop what is paused, and is left in between when it tries.
    if (this.kind === 'podman') await this.unpause(id, signal).catch(() => undefined);
    await this.post(path`/containers/${id}/stop`, { query, deadline, accept: [304, 404], signal });
  }

  async kill(id: string, signalName: string, signal?: Signal): Promise<void> {
    await this.post(path`/containers/${id}/kill`, { query: { signal: signalName }, signal });
  }

  async remove(id: string, options: { force: boolean; anonymousVolumes: boolean }, signal?: Signal): Promise<void> {
    try {
      await this.delete(path`/containers/${id}`, { force: options.force, v: options.anonymousVolumes }, signal);
    } catch (error) {
      if (!says(error, /removal of container .* is already in progress/i)) throw error;
      await this.waitUntilGone(id, signal);
    }
  }

  async pause(id: string, signal?: Signal): Promise<void> {
    await this.doneWhen(/is already paused/i, this.post(path`/containers/${id}/pause`, { signal }));
  }

  async unpause(id: string, signal?: Signal): Promise<void> {
    await this.doneWhen(/is not paused/i, this.post(path`/containers/${id}/unpause`, { signal }));
  }

  async rename(id: string, name: string, signal?: Signal): Promise<void> {
    await this.post(path`/containers/${id}/rename`, { query: { name }, signal });
  }

  async update(id: string, change: Parameters<Engine['update']>[1], signal?: Signal): Promise<void> {
    await this.post(path`/containers/${id}/update`, { body: toUpdateBody(change), signal });
  }

  exec(
    id: string,
    argv: string[],
    options: { timeout?: number; limit?: number; user?: string } = {},
    signal?: Signal,
  ): Promise<{ exitCode: number; output: string }> {
    return execute(this.client, id, { argv, ...options, deadline: this.deadlines.read, signal });
  }

  session(
    id: string,
    argv: string[],
    onOutput: (text: string) => void,
    options: { user?: string } = {},
  ): Promise<EngineSession> {
    return openSession(this.client, id, { argv, ...options, deadline: this.deadlines.read, onOutput });
  }

  putFile(id: string, file: FileToPut, signal?: Signal): Promise<void> {
    return putFile(this.client, id, { file, deadline: this.deadlines.act, signal });
  }

  replaceFile(
    id: string,
    file: FileToPut,
    options: { signal?: string } = {},
    signal?: Signal,
  ): Promise<{ atomic: boolean }> {
    return replaceFile(this.client, id, { file, tell: options.signal, deadline: this.deadlines.act, signal });
  }

  readArchive(id: string, at: string, signal?: Signal): Promise<ByteStream> {
    return readArchive(this.client, id, { path: at, deadline: this.deadlines.slow, signal });
  }

  writeArchive(id: string, folder: string, tar: ByteStream, signal?: Signal): Promise<void> {
    return writeArchive(this.client, id, { folder, tar, signal });
  }

  // Networks

  async networks(filter?: ListFilter, signal?: Signal): Promise<EngineNetwork[]> {
    return rows(await this.get('/networks', { query: { filters: toFilters(filter) }, signal }), toNetwork);
  }

  async inspectNetwork(id: string, signal?: Signal): Promise<EngineNetwork | undefined> {
    const body = await this.find(path`/networks/${id}`, signal);
    return body === undefined ? undefined : toNetwork(fields(body));
  }

  async createNetwork(request: Parameters<Engine['createNetwork']>[0], signal?: Signal): Promise<{ id: string }> {
    const answer = fields(await this.post('/networks/create', { body: toNetworkBody(request), signal }));
    return { id: text(answer['Id'], 256) };
  }

  async removeNetwork(id: string, signal?: Signal): Promise<void> {
    await this.delete(path`/networks/${id}`, {}, signal);
  }

  async connect(
    networkId: string,
    containerId: string,
    options: { aliases: string[]; ipv4Address?: string },
    signal?: Signal,
  ): Promise<void> {
    const endpoint = toEndpoint({ name: networkId, ...options });
    await this.attach(networkId, { container: containerId, endpoint, signal });
  }

  async disconnect(networkId: string, containerId: string, force: boolean, signal?: Signal): Promise<void> {
    const body = { Container: containerId, Force: force };
    await this.doneWhen(
      /is not connected to/i,
      this.post(path`/networks/${networkId}/disconnect`, { body, accept: [404], signal }),
    );
  }

  // Volumes and images

  async volumes(filter?: ListFilter, signal?: Signal): Promise<EngineVolume[]> {
    const answer = fields(await this.get('/volumes', { query: { filters: toFilters(filter) }, signal }));
    return rows(answer['Volumes'] ?? null, toVolume).map((volume) => {
      const { size, users } = this.measured.get(volume.name) ?? {};
      return { ...volume, ...(size === undefined ? {} : { size }), ...(users === undefined ? {} : { users }) };
    });
  }

  async createVolume(request: Parameters<Engine['createVolume']>[0], signal?: Signal): Promise<void> {
    const driverOpts = this.kind === 'podman' ? withoutQuota(request.driverOpts) : request.driverOpts;
    await this.post('/volumes/create', { body: toVolumeBody({ ...request, driverOpts }), signal });
  }

  async removeVolume(name: string, signal?: Signal): Promise<void> {
    await this.delete(path`/volumes/${name}`, {}, signal);
    this.measured.delete(name);
  }

  async images(signal?: Signal): Promise<EngineImage[]> {
    return rows(await this.get('/images/json', { signal }), toImage);
  }

  async inspectImage(reference: string, signal?: Signal): Promise<EngineImage | undefined> {
    const body = await this.find(imagePath(reference, '/json'), signal);
    return body === undefined ? undefined : toImageDetail(body);
  }

  pull(
    reference: string,
    options: { platform?: string; progress?: (progress: PullProgress) => void },
    signal?: Signal,
  ): Promise<void> {
    return pullImage(this.client, reference, { ...options, signal });
  }

  async removeImage(reference: string, force: boolean, signal?: Signal): Promise<void> {
    await this.delete(imagePath(reference), { force }, signal);
  }

  async tagImage(reference: string, tag: string, signal?: Signal): Promise<void> {
    const name = splitReference(tag);
    await this.post(imagePath(reference, '/tag'), { query: { repo: name.name, tag: name.tag }, signal });
  }

  push(reference: string, options: { progress?: (progress: PullProgress) => void }, signal?: Signal): Promise<void> {
    return pushImage(this.client, reference, { ...options, signal });
  }

  async registryDigest(reference: string, signal?: Signal): Promise<string> {
    const login = await loginFor(reference);
    const { name, tag } = splitReference(reference);
    const body = await this.client.ask({
      method: 'GET',
      path: distributionPath(name, tag),
      ...(login ? { login } : {}),
      deadline: REGISTRY_PATIENCE,
      signal,
    });
    return text(fields(fields(body)['Descriptor'])['digest'], 256);
  }

  build(context: ByteStream, options: Parameters<Engine['build']>[1], signal?: Signal): Promise<void> {
    return buildImage(this.client, context, { ...options, signal });
  }

  // Streams

  watch(onEvent: (event: EngineEvent) => void): EngineStream<EngineEvent> {
    const { health } = this;
    if (!health) return this.keep(watchEvents(this.client, { deadline: this.deadlines.read, onEvent }));
    const hear = (event: EngineEvent): void => {
      if (health.hear(event)) onEvent(event);
    };
    const stream = this.keep(watchEvents(this.client, { deadline: this.deadlines.read, onEvent: hear }));
    this.watchers.add(onEvent);
    void stream.ended.then(() => this.watchers.delete(onEvent));
    return stream;
  }

  logs(
    id: string,
    options: { follow: boolean; since?: string; tail?: number },
    onEntries: (entries: LogEntry[]) => void,
  ): EngineStream<LogEntry> {
    // Nanoseconds that end in nine zeros, again and again, are none.
    let whole = 0;
    const take = (entries: LogEntry[]): void => {
      if (this.kind === 'podman' && !this.coarse) {
        whole = entries.every(({ stamp }) => stamp.endsWith('000000000')) ? whole + entries.length : 0;
        this.coarse = whole >= 3;
      }
      onEntries(entries);
    };
    const cutAnywhere = this.kind === 'podman';
    const reading = { ...options, cutAnywhere, deadline: this.deadlines.read, onEntries: take };
    return this.keep(readLogs(this.client, id, reading));
  }

  stats(onSamples: (samples: StatsSample[]) => void): StatsFeed {
    const { client, mounts } = this;
    return this.keep(followStats({ client, mounts, deadline: this.deadlines.read, onSamples }));
  }

  /** Ends every stream and closes every connection. Calls in flight fail with `away`. */
  dispose(): void {
    this.health?.dispose();
    for (const stream of this.streams) stream.dispose();
    this.client.dispose();
  }

  // Requests

  private get(at: string, call: Partial<Call> = {}): Promise<unknown> {
    return this.client.ask({ deadline: this.deadlines.read, ...call, method: 'GET', path: at });
  }

  private post(at: string, call: Partial<Call> = {}): Promise<unknown> {
    return this.client.ask({ deadline: this.deadlines.act, ...call, method: 'POST', path: at });
  }

  /** Removes; what is gone is removed. */
  private async delete(at: string, query: Call['query'], signal?: Signal): Promise<void> {
    await this.client.ask({ method: 'DELETE', path: at, query, accept: [404], deadline: this.deadlines.slow, signal });
  }

  /** A thing by its name; undefined when there is none. */
  private async find(at: string, signal?: Signal): Promise<unknown> {
    try {
      return await this.get(at, { signal });
    } catch (error) {
      if (error instanceof EngineError && (error.code === 'not-found' || error.code === 'no-image')) return undefined;
      throw error;
    }
  }

  private async attach(
    network: string,
    options: { container: string; endpoint: object; signal?: Signal | undefined },
  ): Promise<void> {
    const body = { Container: options.container, EndpointConfig: options.endpoint };
    await this.doneWhen(
      /already exists in network|is already connected to|already attached/i,
      this.post(path`/networks/${network}/connect`, { body, signal: options.signal }),
    );
  }

  /** Waits for a call that may fail because what it asks for is already so. */
  private async doneWhen(already: RegExp, call: Promise<unknown>): Promise<void> {
    try {
      await call;
    } catch (error) {
      if (!says(error, already)) throw error;
    }
  }

  private async waitUntilGone(id: string, signal?: Signal): Promise<void> {
    const until = performance.now() + this.deadlines.slow;
    while ((await this.inspect(id, signal)) !== undefined) {
      if (performance.now() > until) throw new EngineError('timeout', 'A removal that was under way did not end');
      await new Promise((resolve) => setTimeout(resolve, REMOVAL_POLL));
    }
  }

  private keep<S extends EngineStream<unknown>>(stream: S): S {
    this.streams.add(stream);
    void stream.ended.then(() => this.streams.delete(stream));
    return stream;
  }
}
