/**
 * The gateway of one engine, kept as the services want it. Level-triggered like the controller: whatever happens only asks for another
 * pass, and a pass compares what HAProxy has with what it should have. Replicas come and go by runtime commands; only a new port,
 * route or setting reloads, and only a configuration that HAProxy itself found good.
 */
import { utf8 } from '../../base/utf8';
import { sleep, type Clock } from '../../base/clock';
import type { Disposable } from '../../base/lifecycle';
import type { Log } from '../../base/log';
import { sentence, type Sentence } from '../../contract/sentence';
import { EngineError, type ContainerDetail, type Engine } from '../engine';
import { gatewayConfig, paths, relayConfig, relayScript, secureNames } from './config';
import {
  gatewayImage,
  gatewayLabel,
  gatewayName,
  gatewayRequest,
  shapeLabel,
  shapeOf,
  sharesNetwork,
  type PublishedPort,
  unboundPorts,
} from './container';
import { Demand } from './demand';
import { endpointsOf, type ByHand, type Desired, type FrontedBackend, type Known, type TakenPorts } from './desired';
import { holdFiles, Watch } from './hold';
import { fileList, Keys, type KeySource, type WantedCertificate } from './keys';
import type { GatewayModel } from './model';
import { Runtime } from './runtime';
import { emptySeats, seat, seatCommands, seatsFor, type Seat } from './seats';
import { parseServers, parseStamp, parseStat, type ServerStat } from './stats';

export interface GatewayOptions {
  engine: Engine;
  clock: Clock;
  log: Log;
  installId: string;
  /** What is wanted, given the ports that turned out to be taken. */
  desired: (taken: TakenPorts) => Desired;
  known: (service: string) => Known | undefined;
  /** Containers that have a row, and so exist as far as anybody knows. */
  containers: () => ReadonlySet<string>;
  hand: () => ByHand;
  keys: KeySource;
  /** What is public of a certificate; undefined when there is none by that name. */
  certificate: (name: string) => WantedCertificate | undefined;
  /** Somebody waits for a replica of this service. Told again and again while it is so. */
  onHeld: (service: string) => void;
  /** Something that is shown has changed. */
  onChange: () => void;
  onEvent: (event: 'started' | 'lost' | 'refused' | 'certificate', words: Sentence) => void;
}

export interface GatewayStatus {
  state: 'absent' | 'starting' | 'running' | 'failed';
  words: Sentence;
  container?: { id: string; name: string };
  reloads: number;
}

/** How long a reload may take before it counts as failed, milliseconds. */
const reloadPatience = 6000;
/** A port that was taken is tried again so often, milliseconds. Where the gateway shares no network, trying stops it for a moment. */
const portRetry = { host: 2000, bridge: 300_000 };
/** A configuration that HAProxy found bad is offered again so often, milliseconds. */
const refusedRetry = 30_000;
/** Somebody who waits tells it at least so often, milliseconds; a reload waits for them, but not longer than the other. */
const heldLately = 2000;
const reloadWait = 15_000;
/** How many workers the master has: old ones live on as long as they have connections. */
const countWorkers = "grep -lx 'PPid:.1' /proc/[0-9]*/status | sed s/status/comm/ | xargs grep -lx haproxy | wc -l";
const loopback = '127.0.0.1';
const securePort = 443;
/** Where encrypted routes are answered when somebody else has their port. */
const otherSecurePort = 8443;

export class Gateway implements Disposable {
  status: GatewayStatus = { state: 'absent', words: sentence('traffic.absent'), reloads: 0 };
  desired: Desired = { frontends: [], routes: [], backends: [], routePort: 80, problems: new Map() };
  /** Backends whose last set is kept although nobody is ready. */
  readonly kept = new Set<string>();
  readonly seats = new Map<string, Seat[]>();
  stats: { at: number; servers: ServerStat[] } | undefined;
  /** Where encrypted routes are answered. */
  securePort = securePort;
  readonly keys: Keys;
  /** Certificates that have a placeholder in the container; undefined while we have not looked. */
  private listed: readonly string[] | undefined;
  private runtime: Runtime | undefined;
  private readonly demand = new Demand();
  private watch: Watch | undefined;
  /** The container that has the files for holding requests. */
  private armed: string | undefined;
  /** When somebody last waited, and since when a reload waits for them. */
  private heldAt = -Infinity;
  private reloadDue: number | undefined;
  private readonly taken = new Map<number, number>();
  private readonly takenForRoutes = new Set<number>();
  /** Seats that the running HAProxy has, `<backend>/<seat>`. */
  private readonly there = new Set<string>();
  /** The configuration that HAProxy found bad, and when. */
  private refused: { stamp: string; at: number } | undefined;
  private readonly leaving = new Set<string>();
  private hostNetwork: boolean | undefined;
  private networks: ReadonlySet<string> | undefined;
  private detail: ContainerDetail | undefined;
  private stamp = '';
  private written = '';
  private readonly waiting: (() => void)[] = [];
  private dirty = false;
  private running = false;
  private disposed = false;
  private tries = 0;
  private timer: Disposable | undefined;

  constructor(private readonly options: GatewayOptions) {
    this.keys = new Keys(options.keys, options.clock);
  }

  /** Asks for a pass. */
  wake(): void {
    this.dirty = true;
    if (this.running || this.disposed) return;
    this.running = true;
    void this.loop();
  }

  /** Nobody needs it any more, and it has not gone yet. */
  get leaves(): boolean {
    const { frontends, routes } = this.options.desired({ ports: new Set(), routes: new Set() });
    return this.running && frontends.length + routes.length === 0;
  }

  /** Resolves when what was asked for until now has been told to HAProxy, or could not be. */
  idle(): Promise<void> {
    if (!this.running) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  dispose(): void {
    this.disposed = true;
    this.timer?.dispose();
    this.watch?.dispose();
    this.runtime?.dispose();
  }

  /** The open line to HAProxy, while there is one. */
  get line(): Runtime | undefined {
    return this.runtime?.isOpen === true ? this.runtime : undefined;
  }

  /**
   * Takes a container out of every set and waits until its last request is done, at most `limit` milliseconds. Never rejects: a gateway
   * that is away sends nobody anywhere.
   */
  async release(container: string, limit: number): Promise<void> {
    this.leaving.add(container);
    if (this.leaving.size > 10_000) this.leaving.delete([...this.leaving][0] ?? '');
    const mine = [...this.seats].flatMap(([backend, seats]) =>
      seats.filter((one) => one.container === container).map((one) => ({ backend, name: one.name })),
    );
    if (mine.length === 0) return;
    const names = new Set(mine.map(({ backend, name }) => `${backend}/${name}`));
    const { clock } = this.options;
    const until = clock.monotonic() + limit;
    try {
      await this.tell(mine.map(({ backend, name }) => `set server ${backend}/${name} state drain`));
      for (let pause = 20; ; pause = Math.min(200, pause * 2)) {
        const stats = await this.count();
        const busy = stats.some((one) => names.has(`${one.backend}/${one.server}`) && one.current > 0);
        if (!busy || clock.monotonic() >= until) break;
        await sleep(clock, pause);
      }
      // Sticky clients still come to a draining server, but not to one in maintenance.
      await this.tell(mine.map(({ backend, name }) => `set server ${backend}/${name} state maint`));
    } catch {
      this.wake();
      return;
    }
    for (const { backend, name } of mine) {
      const one = this.seats.get(backend)?.find((other) => other.name === name);
      if (one) one.state = 'maint';
    }
    this.wake();
  }

  /** Sessions and counters of every server, asked now. */
  async count(): Promise<ServerStat[]> {
    const runtime = this.line;
    if (!runtime) throw new EngineError('away', 'The gateway does not run');
    const at = this.options.clock.monotonic();
    const servers = parseStat(await runtime.command('show stat -1 4 -1'));
    this.stats = { at, servers };
    this.demand.take(at, servers);
    return servers;
  }

  /** How long nobody asked for this service as far as is known, milliseconds; undefined when that cannot be told. */
  quiet(service: string): number | undefined {
    const backends = this.desired.backends.filter((backend) => backend.service === service);
    if (backends.length === 0 || !this.line || this.watch?.isOpen !== true) return undefined;
    return this.demand.quiet(
      backends.map(({ name }) => name),
      this.options.clock.monotonic(),
    );
  }

  /**
   * The same, asked now, and only where the next request would be held: every port and route is answered by the configuration that runs.
   * A worker from before a reload may have connections that nobody counts.
   */
  async quietNow(service: string): Promise<number | undefined> {
    const { detail } = this;
    const held = this.desired.backends.some((backend) => backend.service === service && backend.hold !== undefined);
    const hidden = [...this.desired.problems.keys()].some((key) => key.startsWith(`${service} `));
    if (!detail || !held || hidden || this.stamp !== stampOf(this.model())) return undefined;
    const { output } = await this.options.engine.exec(detail.id, ['sh', '-c', countWorkers], { user: 'root' });
    if (Number(output.trim()) !== 1) return 0;
    await this.count();
    return this.quiet(service);
  }

  private async loop(): Promise<void> {
    const { clock, log } = this.options;
    while (this.dirty && !this.disposed) {
      // Changes come in bunches.
      await sleep(clock, 5);
      this.dirty = false;
      try {
        await this.pass();
        this.tries = 0;
      } catch (thrown) {
        if (this.disposed) break;
        this.tries += 1;
        const reason = thrown instanceof Error ? thrown.message.slice(0, 300) : String(thrown);
        log('warn', 'gateway pass failed', { error: reason });
        if (!this.line) this.show({ state: 'failed', words: sentence('traffic.failed', { reason }) });
        // The first tries are quick: a gateway that was killed is away for the moment its container takes to end.
        this.again(Math.min(10_000, 50 * 2 ** Math.min(this.tries, 8)));
      }
    }
    this.running = false;
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  private again(delay: number): void {
    this.timer?.dispose();
    this.timer = this.options.clock.timer(delay, () => this.wake());
  }

  private show(change: Partial<GatewayStatus>): void {
    this.status = { ...this.status, ...change };
    this.options.onChange();
  }

  private async pass(): Promise<void> {
    const { clock } = this.options;
    const now = clock.monotonic();
    const retry = this.hostNetwork === false ? portRetry.bridge : portRetry.host;
    for (const [port, at] of this.taken) if (at + retry <= now) this.taken.delete(port);
    this.desired = this.options.desired({ ports: new Set(this.taken.keys()), routes: this.takenForRoutes });
    if (this.taken.size > 0) this.again(retry);
    const { frontends, routes, problems } = this.desired;
    if (frontends.length + routes.length === 0) {
      // While a port is only being waited for, what is there stays.
      if (problems.size === 0) await this.end();
      this.options.onChange();
      return;
    }
    this.arrange();
    const container = await this.ensure();
    if (!container || this.disposed) return;
    if (!this.line) await this.connect(container);
    await this.arm(container.id);
    if (this.stamp !== stampOf(this.model())) await this.reload(container);
    const before = stampOf(this.model());
    await this.settle();
    // More seats, or a weight that HAProxy takes only from its file.
    if (stampOf(this.model()) !== before) this.wake();
    await this.certify(container);
    await this.persist(container);
    await this.listen(container.id);
    this.drainLater();
    this.options.onChange();
  }

  private get holds(): boolean {
    return this.desired.backends.some(({ hold }) => hold !== undefined);
  }

  /** What a configuration that holds requests reads. */
  private async arm(container: string): Promise<void> {
    if (!this.holds || this.armed === container) return;
    for (const { path, text } of holdFiles) await this.put(container, path, text);
    this.armed = container;
  }

  /** Hears who waits, as long as anybody may. */
  private async listen(container: string): Promise<void> {
    if (this.watch && (!this.watch.isOpen || !this.holds)) {
      this.watch.dispose();
      this.watch = undefined;
    }
    if (this.watch || !this.holds || !this.line) return;
    const watch = await Watch.open(this.options.engine, container, {
      held: (backend) => this.held(backend),
      end: () => {
        if (!this.disposed) this.again(500);
      },
    });
    if (this.disposed) watch.dispose();
    else this.watch = watch;
  }

  private held(backend: string): void {
    const now = this.options.clock.monotonic();
    const service = this.desired.backends.find(({ name }) => name === backend)?.service;
    this.heldAt = now;
    this.demand.touch(backend, now);
    if (service !== undefined) this.options.onHeld(service);
  }

  /** Who waits in the worker that is there would wait for nothing in the one before: new replicas are told to the new one only. */
  private mustWait(): boolean {
    const now = this.options.clock.monotonic();
    if (now - this.heldAt > heldLately) this.reloadDue = undefined;
    else if (now - (this.reloadDue ??= now) < reloadWait) return true;
    return false;
  }

  /** Seats for every backend; seats of backends that are gone go with the next reload. */
  private arrange(): void {
    const wanted = new Set(this.desired.backends.map((backend) => backend.name));
    for (const name of this.seats.keys()) if (!wanted.has(name)) this.seats.delete(name);
    for (const backend of this.desired.backends) {
      const seats = this.seats.get(backend.name) ?? [];
      const least = seatsFor(backend.wanted);
      if (seats.length < least) this.seats.set(backend.name, [...seats, ...emptySeats(seats.length + 1, least)]);
    }
  }

  /** The seats as they should be now. */
  private seating(backend: FrontedBackend): Seat[] {
    const { clock, known, containers } = this.options;
    const hand = this.options.hand();
    const seats = this.seats.get(backend.name) ?? [];
    const { view, rollout } = known(backend.service) ?? {};
    const { target } = backend;
    const { networks, leaving, stats } = this;
    const { endpoints, kept } = endpointsOf(view, {
      ...{ target, seats, leaving, hand, home: this.options.engine.id },
      ...(rollout ? { rollout } : {}),
      ...(networks ? { networks } : {}),
    });
    if (kept) this.kept.add(backend.name);
    else this.kept.delete(backend.name);
    const counts = new Map(
      (stats?.servers ?? []).filter((one) => one.backend === backend.name).map((one) => [one.server, one.current]),
    );
    const input = { seats, endpoints, live: containers(), monotonic: clock.monotonic(), drain: backend.drain };
    let next = seat({ ...input, ...(stats ? { sessions: { at: stats.at, counts } } : {}) });
    if (next.standing > 0) {
      const more = emptySeats(seats.length + 1, seats.length * 2);
      next = seat({ ...input, seats: [...seats, ...more] });
    }
    return next.seats;
  }

  private model(): GatewayModel {
    const backends = this.desired.backends.map((backend) => ({
      ...backend,
      servers: this.seats.get(backend.name) ?? [],
    }));
    const { frontends, routes, routePort } = this.desired;
    const routeAddress = this.hostNetwork === false ? {} : { routeAddress: loopback };
    return { frontends, routes, backends, routePort, securePort: this.securePort, ...routeAddress };
  }

  private certificates(): WantedCertificate[] {
    return secureNames(this.desired).flatMap((name) => this.options.certificate(name) ?? []);
  }

  /** HAProxy has the newest certificates: others' names come with a reload, new keys without. */
  private async certify(container: ContainerDetail): Promise<void> {
    const runtime = this.line;
    if (!runtime) return;
    const reload = async (): Promise<void> => {
      await this.options.engine.kill(container.id, 'SIGUSR2');
      this.demand.clear();
    };
    for (const certificate of await this.keys.follow(runtime, this.certificates(), reload))
      this.options.onEvent('certificate', sentence('event.certificateDelivered', { certificate }));
  }

  /** What a start without us needs: a name in the list has a file before HAProxy reads its configuration. */
  private async list(container: string, names: readonly string[]): Promise<void> {
    if (this.listed ? fileList(names) === fileList(this.listed) : names.length === 0) return;
    const placeholder = await this.options.keys.placeholder();
    await this.put(container, paths.placeholder, placeholder, 0o600);
    await this.put(container, paths.certificateList, fileList(names));
    this.listed = names;
  }

  /** Sends what has changed. Seats that do not exist yet in HAProxy come with a reload instead. */
  private async settle(): Promise<void> {
    const commands: string[] = [];
    const after = new Map<string, Seat[]>();
    for (const backend of this.desired.backends) {
      const before = this.seats.get(backend.name) ?? [];
      const next = this.seating(backend);
      after.set(backend.name, next);
      if (next.length > before.length) {
        this.seats.set(backend.name, [...before, ...emptySeats(before.length + 1, next.length)]);
        this.wake();
        return;
      }
      // Seats of a configuration that was refused are only ours.
      const known = next.filter((one) => this.there.has(`${backend.name}/${one.name}`));
      commands.push(...seatCommands(backend.name, before, known));
    }
    // Written down first: who is released meanwhile must find his seat. If the telling fails, the seats are read anew.
    for (const [name, seats] of after) this.seats.set(name, seats);
    await this.tell(commands);
  }

  /** Sends commands in lines that HAProxy's buffer can take. */
  private async tell(commands: readonly string[]): Promise<void> {
    const runtime = this.line;
    if (commands.length === 0) return;
    if (!runtime) throw new EngineError('away', 'The gateway does not run');
    for (let at = 0; at < commands.length; at += 40) {
      const answer = (await runtime.command(commands.slice(at, at + 40).join('; '))).trim();
      if (/no such|unknown|invalid|require/i.test(answer)) {
        this.options.log('warn', 'gateway command refused', { answer: answer.slice(0, 300) });
        // What it has is not what we think: read it anew.
        this.runtime?.dispose();
        throw new EngineError('refused', answer.slice(0, 300));
      }
    }
  }

  /** The container is there, of the right shape, and runs. */
  private async ensure(): Promise<ContainerDetail | undefined> {
    const { engine, installId } = this.options;
    if (this.hostNetwork === undefined) {
      const facts = await engine.facts();
      this.hostNetwork = sharesNetwork(facts, { endpoint: engine.endpoint, local: engine.capabilities.localCgroups });
    }
    const { hostNetwork } = this;
    const ports: PublishedPort[] = this.desired.frontends.map(({ port, address }) => ({
      port,
      ...(address === undefined ? {} : { address }),
    }));
    if (this.desired.routes.length > 0) ports.push({ port: this.desired.routePort, address: loopback });
    if (this.desired.routes.some((one) => one.certificate !== undefined))
      ports.push({ port: this.securePort, address: loopback });
    const name = gatewayName(installId);
    const shape = shapeOf(hostNetwork, ports);
    if (this.line && hostNetwork && this.detail?.labels[shapeLabel] === shape) return this.detail;
    let detail = await engine.inspect(name);
    if (detail && detail.labels[gatewayLabel] !== installId)
      throw new EngineError('name-taken', `${name} is somebody else's`);
    if (detail && detail.labels[shapeLabel] !== shape) {
      this.runtime?.dispose();
      await engine.remove(detail.id, { force: true, anonymousVolumes: true });
      detail = undefined;
    }
    if (!detail) {
      if (!(await engine.inspectImage(gatewayImage))) {
        this.show({ state: 'starting', words: sentence('traffic.pulling', { image: gatewayImage }) });
        await engine.pull(gatewayImage, {});
      }
      this.show({ state: 'starting', words: sentence('traffic.starting') });
      const { id } = await engine.create(gatewayRequest({ installId, hostNetwork, ports }));
      detail = await engine.inspect(id);
      if (!detail) throw new EngineError('not-found', 'The gateway vanished');
    }
    if (!hostNetwork) await this.join(detail);
    if (detail.state === 'paused') await engine.unpause(detail.id);
    if (detail.state === 'created') {
      await this.put(detail.id, paths.relayScript, relayScript);
      await this.put(detail.id, paths.relay, relayConfig);
      this.listed = undefined;
    }
    // It cannot start, for instance because a port is taken: the engine would try the same file again, later and later.
    if (detail.state === 'restarting') {
      await this.learnTaken(detail.id);
      this.desired = this.options.desired({ ports: new Set(this.taken.keys()), routes: this.takenForRoutes });
      this.arrange();
      await engine.stop(detail.id, 0);
    }
    if (['created', 'exited', 'restarting'].includes(detail.state)) {
      const model = this.model();
      const current = detail.state !== 'created' && this.written === gatewayConfig(model, stampOf(model));
      await this.list(detail.id, secureNames(this.desired));
      await this.arm(detail.id);
      if (!current) await this.write(detail.id, paths.config);
      await this.start(detail.id, ports);
      this.options.onEvent('started', sentence('event.gatewayStarted'));
    }
    this.status = { ...this.status, container: { id: detail.id, name: detail.name } };
    this.detail = detail;
    return detail;
  }

  /** Starts the container. Where the engine publishes its ports, one that is taken stops all of them: it is left out the next time. */
  private async start(id: string, ports: readonly PublishedPort[]): Promise<void> {
    const { engine } = this.options;
    try {
      await engine.start(id);
    } catch (thrown) {
      const said = thrown instanceof EngineError ? thrown.detail : '';
      const refused = this.hostNetwork ? [] : ports.filter(({ port }) => new RegExp(`\\b${port}\\b`).test(said));
      for (const { port } of refused) this.avoid(port);
      throw thrown;
    }
  }

  private avoid(port: number): void {
    if (port === securePort && !this.desired.frontends.some((one) => one.port === port)) {
      this.securePort = otherSecurePort;
      return;
    }
    this.taken.set(port, this.options.clock.monotonic());
    if (port !== this.desired.routePort || this.desired.routes.length === 0) return;
    this.takenForRoutes.add(port);
    this.options.log('warn', 'gateway route port taken', { port });
  }

  /** Where the network of the machine cannot be shared, the gateway joins the networks of the services it fronts. */
  private async join(detail: ContainerDetail): Promise<void> {
    const { engine, known } = this.options;
    const wanted = new Set<string>();
    for (const { service } of this.desired.backends) {
      const addresses = known(service)
        ?.view?.replicaList.filter(({ node }) => node === engine.id)
        .map((replica) => Object.keys(replica.addresses))
        .find((list) => list.length > 0);
      const [first] = (addresses ?? []).sort();
      if (first !== undefined) wanted.add(first);
    }
    for (const network of wanted)
      if (!detail.networks[network]) await engine.connect(network, detail.id, { aliases: [] });
    for (const network of Object.keys(detail.networks)) {
      if (network !== 'bridge' && !wanted.has(network)) await engine.disconnect(network, detail.id, true);
    }
    this.networks = wanted;
  }

  private put(id: string, path: string, text: string, mode = 0o644): Promise<void> {
    return this.options.engine.putFile(id, {
      path,
      content: utf8(text),
      mode,
      uid: 0,
      gid: 0,
    });
  }

  private async write(id: string, path: string): Promise<string> {
    const model = this.model();
    const text = gatewayConfig(model, stampOf(model));
    await this.put(id, path, text);
    if (path === paths.config) this.written = text;
    return text;
  }

  /** Opens the line and learns what a HAProxy that was running before has on its seats. */
  private async connect(container: ContainerDetail): Promise<void> {
    const { engine, clock } = this.options;
    const until = clock.monotonic() + reloadPatience;
    for (;;) {
      try {
        const runtime = await Runtime.open(engine, container.id, clock);
        this.runtime = runtime;
        this.demand.clear();
        this.stamp = parseStamp(await runtime.command('show info')) ?? '';
        const running = parseServers(await runtime.command('show servers state'));
        this.there.clear();
        for (const { backend, server } of running) this.there.add(`${backend}/${server}`);
        for (const [backend, seats] of this.seats) {
          const there = running.filter((one) => one.backend === backend);
          const merged = there.map((one): Seat => {
            const known = seats.find((other) => other.name === one.server);
            const {
              container: _c,
              replica: _r,
              drainingSince: _d,
              ...bare
            } = known ?? emptySeats(1, 1)[0] ?? { name: one.server, weight: 0 };
            const same = known?.address === one.address && known?.port === one.port;
            return {
              ...(same && known ? known : bare),
              name: one.server,
              state: one.state,
              weight: one.weight,
              ...(one.address === undefined || one.port === undefined ? {} : { address: one.address, port: one.port }),
            };
          });
          if (merged.length > 0) this.seats.set(backend, merged);
        }
        this.arrange();
        await this.keys.learn(runtime);
        void runtime.closed.then(() => this.lost(runtime));
        this.show({ state: 'running', words: sentence('traffic.running') });
        return;
      } catch (thrown) {
        this.runtime?.dispose();
        this.runtime = undefined;
        if (this.disposed) return;
        if (clock.monotonic() >= until || !(await this.isUp(container.id))) {
          await this.learnTaken(container.id);
          throw thrown;
        }
        await sleep(clock, 100);
      }
    }
  }

  private async isUp(id: string): Promise<boolean> {
    const detail = await this.options.engine.inspect(id);
    return detail?.state === 'running';
  }

  private lost(runtime: Runtime): void {
    if (this.disposed || this.runtime !== runtime) return;
    this.runtime = undefined;
    this.options.log('warn', 'gateway line lost', { reason: runtime.reason });
    this.options.onEvent('lost', sentence('event.gatewayLost'));
    this.show({ state: 'starting', words: sentence('traffic.starting') });
    this.wake();
  }

  /** A new port, route or setting: check, replace the file, let the master take it over. The old workers end with their last session. */
  private async reload(container: ContainerDetail): Promise<void> {
    const { engine, clock, log, onEvent } = this.options;
    const model = this.model();
    const stamp = stampOf(model);
    const { refused } = this;
    if (refused?.stamp === stamp && clock.monotonic() - refused.at < refusedRetry) return;
    if (this.mustWait()) return this.again(heldLately);
    const names = secureNames(this.desired);
    if (this.line) await this.keys.prepare(this.line, this.certificates());
    // Until the new configuration is read the one before may be started once more: its names stay in the list.
    await this.list(container.id, [...new Set([...(this.listed ?? []), ...names])]);
    const text = await this.write(container.id, paths.candidate);
    const check = await engine.exec(container.id, ['haproxy', '-c', '-f', paths.candidate], { user: 'root' });
    if (check.exitCode !== 0) {
      const reason = check.output.slice(0, 300);
      log('error', 'gateway configuration refused', { output: check.output.slice(0, 2000) });
      onEvent('refused', sentence('event.gatewayRefused', { reason }));
      this.show({ words: sentence('traffic.refused', { reason }) });
      this.refused = { stamp, at: clock.monotonic() };
      this.again(refusedRetry);
      return;
    }
    await engine.exec(container.id, ['mv', paths.candidate, paths.config], { user: 'root' });
    this.written = text;
    await engine.kill(container.id, 'SIGUSR2');
    const until = clock.monotonic() + reloadPatience;
    while (clock.monotonic() < until && !this.disposed) {
      await sleep(clock, 50);
      const runtime = this.line;
      if (!runtime) return;
      // Each command is a new connection, so the answer is the new worker's as soon as it listens.
      const running = parseStamp(await runtime.command('show info').catch(() => ''));
      if (running !== stamp) continue;
      this.stamp = stamp;
      this.demand.clear();
      await this.list(container.id, names);
      this.refused = undefined;
      this.there.clear();
      for (const { name, servers } of model.backends) for (const one of servers) this.there.add(`${name}/${one.name}`);
      this.status = { ...this.status, reloads: this.status.reloads + 1 };
      this.show({ state: 'running', words: sentence('traffic.running') });
      return;
    }
    await this.learnTaken(container.id);
    throw new EngineError('refused', 'HAProxy did not take the new configuration over');
  }

  /** Reads which ports could not be bound, so that the others need not wait for them. */
  private async learnTaken(container: string): Promise<void> {
    const { engine } = this.options;
    let log = '';
    await new Promise<void>((resolve) => {
      const stream = engine.logs(container, { follow: false, tail: 40 }, (entries) => {
        for (const { text } of entries) log += `${text}\n`;
      });
      void stream.ended.then(() => resolve());
    });
    for (const port of unboundPorts(log)) this.avoid(port);
  }

  /** The file follows the seats, for a HAProxy that is restarted while nobody watches. */
  private async persist(container: ContainerDetail): Promise<void> {
    const model = this.model();
    const text = gatewayConfig(model, stampOf(model));
    if (text === this.written || this.stamp !== stampOf(model)) return;
    await this.put(container.id, paths.config, text);
    this.written = text;
  }

  /** Somebody drains: look again when it may be over. */
  private drainLater(): void {
    for (const seats of this.seats.values()) {
      if (!seats.some((one) => one.state === 'drain' && one.drainingSince !== undefined)) continue;
      this.again(1000);
      return;
    }
  }

  /** Nobody needs it any more. */
  private async end(): Promise<void> {
    const { engine, installId } = this.options;
    const detail = await engine.inspect(gatewayName(installId));
    if (detail?.labels[gatewayLabel] === installId) {
      this.disposeLine();
      await engine.remove(detail.id, { force: true, anonymousVolumes: true });
    }
    this.seats.clear();
    this.takenForRoutes.clear();
    this.stats = undefined;
    const { container: _, ...status } = this.status;
    this.status = { ...status, state: 'absent', words: sentence('traffic.absent') };
    this.options.onChange();
  }

  private disposeLine(): void {
    const { runtime } = this;
    this.runtime = undefined;
    this.watch?.dispose();
    this.watch = undefined;
    runtime?.dispose();
    this.stamp = '';
  }
}

/** Tells configurations apart by everything but who sits where; FNV-1a over two halves, 16 hex digits. */
export function stampOf(model: GatewayModel): string {
  const shape = JSON.stringify({
    ...model,
    frontends: model.frontends.map(({ name, address, port, mode, backend, certificate }) => ({
      name,
      address,
      port,
      mode,
      backend,
      certificate,
    })),
    routes: model.routes.map(({ host, pathPrefix, backend, certificate, redirect }) => {
      return { host, pathPrefix, backend, certificate, redirect };
    }),
    backends: model.backends.map(({ name, mode, algorithm, hashOn, sticky, slowStart, check, hold, servers }) => {
      const seats = algorithm === 'static-rr' ? servers.map(({ weight }) => weight) : servers.length;
      return { name, mode, algorithm, hashOn, sticky, slowStart, check, hold, seats };
    }),
  });
  let one = 0x811c9dc5;
  let other = 0x1b873593;
  for (let at = 0; at < shape.length; at++) {
    const code = shape.charCodeAt(at);
    one = Math.imul(one ^ code, 0x01000193);
    other = Math.imul(other ^ code, 0x85ebca6b) ^ (other >>> 13);
  }
  const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');
  return hex(one) + hex(other);
}
