/**
 * The daemon and the machine under it: what exists, and what the Engine API's verbs do to it, without any client in between.
 * `MemoryEngine` is one client; a person at the command line is another and calls these methods directly.
 */
import type { Clock } from '../../base/clock';
import type { Random } from '../../base/random';
import type { Resources } from '../../contract/spec';
import {
  EngineError,
  type ContainerSummary,
  type CreateContainer,
  type Engine,
  type EngineEvent,
} from '../../core/engine';
import { isAlive, summarize, type Attachment, type Container } from './container';
import { EventLog } from './events';
import { execute } from './exec';
import { hexadecimal, Images, type ImageDefinition } from './images';
import { Output } from './logs';
import { Networks } from './network';
import { HostPorts } from './ports';
import { Power } from './power';
import { Processes, signalNumber } from './process';
import { mountpointOf, Volumes, type CreateVolume } from './volumes';

export class Daemon {
  readonly events: EventLog;
  readonly images: Images;
  readonly networks: Networks;
  readonly ports = new HostPorts();
  readonly processes: Processes;
  readonly volumes: Volumes;
  readonly power: Power;
  private readonly containers = new Map<string, Container>();
  private readonly byName = new Map<string, Container>();
  /** What the list shows; it is written through the disk, so on a full one it lies (F5). */
  private readonly listed = new Map<string, ContainerSummary>();
  private lastPid = 1000;
  private full = false;
  /** Milliseconds by which the list lags behind the truth. */
  listLag = 0;

  constructor(
    readonly clock: Clock,
    readonly random: Random,
    options: { images: readonly ImageDefinition[]; anyReference: boolean },
  ) {
    this.events = new EventLog(clock, random);
    this.images = new Images(options.images, { anyReference: options.anyReference, now: () => clock.now() });
    this.networks = new Networks({ clock, random, containers: () => this.containers.values() });
    this.processes = new Processes({
      clock,
      networks: this.networks,
      ports: this.ports,
      awake: () => this.power.mode === 'up',
      emit: (container, action, attributes) => this.emit('container', action, this.about(container, attributes)),
      emitNetwork: (action, container) => {
        for (const { name, networkId } of container.attachments.values()) {
          this.emit('network', action, { id: networkId, name, attributes: { container: container.id } });
        }
      },
      emitExec: (container, argv) => this.emitExec(container, argv),
      checkpoint: (container) => this.checkpoint(container),
      diskFull: () => this.full,
      nextPid: () => ++this.lastPid,
    });
    this.volumes = new Volumes({
      now: () => clock.now(),
      users: (name) => this.all().flatMap((container) => (mountsVolume(container, name) ? [container.id] : [])),
      diskFull: () => this.full,
    });
    this.power = new Power({
      clock,
      containers: () => this.all(),
      processes: () => this.processes,
      diskFull: () => this.full,
      checkpoint: (container) => this.checkpoint(container),
      forgetEvents: () => this.events.forget(),
    });
  }

  // ── containers ──

  /** Every container, in order of creation. */
  all(): Container[] {
    return [...this.containers.values()];
  }

  /** By id, then by name, then by the beginning of an id, as dockerd looks things up. */
  find(reference: string): Container | undefined {
    const exact = this.containers.get(reference) ?? this.byName.get(reference);
    if (exact || !/^[0-9a-f]{4,63}$/.test(reference)) return exact;
    const fitting = this.all().filter((container) => container.id.startsWith(reference));
    return fitting.length === 1 ? fitting[0] : undefined;
  }

  /** Throws `not-found` in the engine's words. */
  get(reference: string): Container {
    const container = this.find(reference);
    if (!container) throw new EngineError('not-found', `No such container: ${reference}`);
    return container;
  }

  /** The rows of the list, newest first. */
  list(): ContainerSummary[] {
    return [...this.listed.values()].reverse().map((row) => ({ ...row, labels: { ...row.labels } }));
  }

  /** Creates a container attached to the first network only; the others are joined by `connect`, as with dockerd before 25. */
  create(request: CreateContainer): Container {
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(request.name)) {
      throw new EngineError(
        'invalid',
        `Invalid container name (${request.name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
      );
    }
    const image = this.images.find(request.image);
    if (!image) throw new EngineError('no-image', `No such image: ${request.image}`);
    this.checkName(request.name);
    if (this.full) throw new EngineError('no-space', 'mkdir /var/lib/docker/containers: no space left on device');
    if (request.host.limits.memory !== undefined && request.host.limits.memory < 6 * 1024 * 1024) {
      throw new EngineError('invalid', 'Minimum memory limit allowed is 6MB');
    }
    const id = hexadecimal(this.random, 64);
    const command = [...(request.entrypoint ?? []), ...(request.command ?? image.command)];
    const container: Container = {
      id,
      name: request.name,
      request,
      image,
      // The image's labels are inherited (F9); the request's own win.
      labels: { ...image.labels, ...request.labels },
      environment: { ...image.environment, ...request.environment },
      command,
      state: 'created',
      createdAt: this.clock.now(),
      exitCode: 0,
      oomKilled: false,
      error: '',
      limits: { ...request.host.limits },
      restarts: { policy: { ...request.host.restartPolicy }, delay: 0, cancelled: false, count: 0 },
      manuallyStopped: false,
      starts: 0,
      attachments: new Map(),
      ports: [],
      mounts: [],
      anonymousVolumes: [],
      health: 'none',
      failingStreak: 0,
      healthLog: [],
      files: new Map(),
      told: [],
      output: new Output(this.clock, id),
      onEnd: new Set(),
    };
    const healthcheck = request.healthcheck ?? image.healthcheck;
    if (healthcheck) container.healthcheck = healthcheck;
    this.mount(container);
    const [first] = request.networks;
    const single = request.host.networkMode ?? (first ? undefined : 'bridge');
    if (single !== undefined && !single.includes(':')) this.attach(container, { name: single, aliases: [] });
    else if (first) this.attach(container, first);
    this.containers.set(id, container);
    this.byName.set(container.name, container);
    this.checkpoint(container);
    this.emit('container', 'create', this.about(container));
    return container;
  }

  start(reference: string): boolean {
    return this.processes.start(this.get(reference), true);
  }

  /** Milliseconds; resolves with false when nothing ran. */
  stop(reference: string, timeout: number): Promise<boolean> {
    return this.processes.stop(this.get(reference), timeout);
  }

  kill(reference: string, signal = 'SIGKILL'): void {
    this.processes.kill(this.get(reference), signalNumber(signal));
  }

  remove(reference: string, options: { force: boolean; anonymousVolumes: boolean }): void {
    const container = this.get(reference);
    if (isAlive(container) || container.state === 'restarting') {
      if (!options.force) {
        const isPaused = container.state === 'paused';
        throw new EngineError(
          isPaused ? 'paused' : 'refused',
          `You cannot remove a ${container.state} container ${container.id}. ${isPaused ? 'Unpause and then stop' : 'Stop'} the container before attempting removal or force remove`,
        );
      }
      this.processes.kill(container, 9);
    }
    if (container.state === 'dead' && !options.force) throw new EngineError('refused', 'container is dead');
    this.processes.dispose(container);
    this.containers.delete(container.id);
    this.byName.delete(container.name);
    this.unlist(container.id);
    if (options.anonymousVolumes) for (const name of container.anonymousVolumes) this.volumes.drop(name);
    this.emit('container', 'destroy', this.about(container));
  }

  rename(reference: string, name: string): void {
    const container = this.get(reference);
    if (container.name === name)
      throw new EngineError('invalid', 'Renaming a container with the same name as its current name');
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name))
      throw new EngineError('invalid', `Invalid container name (${name})`);
    this.checkName(name);
    const oldName = container.name;
    this.byName.delete(oldName);
    this.byName.set(name, container);
    container.name = name;
    this.checkpoint(container);
    this.emit('container', 'rename', this.about(container, { oldName }));
  }

  update(
    reference: string,
    change: { limits?: Resources; restartPolicy?: CreateContainer['host']['restartPolicy'] },
  ): void {
    const container = this.get(reference);
    if (container.state === 'dead' || container.state === 'removing')
      throw new EngineError('refused', 'Container is marked for removal and cannot be "update".');
    container.limits = { ...container.limits, ...change.limits };
    if (change.restartPolicy) container.restarts.policy = { ...change.restartPolicy };
    this.checkpoint(container);
    this.emit('container', 'update', this.about(container));
  }

  /** The container's attachment to a network, also to one that is gone. */
  attachment(network: string, reference: string): Attachment | undefined {
    const found = this.networks.find(network);
    const known = new Set([network, found?.name, found?.id]);
    const attachments = [...(this.find(reference)?.attachments.values() ?? [])];
    return attachments.find(({ name, networkId }) => known.has(name) || known.has(networkId));
  }

  /** Attaches a container to one more network; at once when it runs. What does not run may be attached to what does not exist yet. */
  connect(network: string, reference: string, options: { aliases: string[]; ipv4Address?: string }): void {
    const container = this.get(reference);
    if (this.attachment(network, reference)) {
      throw new EngineError('refused', `endpoint with name ${container.name} already exists in network ${network}`);
    }
    if (isAlive(container)) this.networks.get(network);
    const attachment = this.attach(container, { name: network, ...options });
    if (isAlive(container)) {
      try {
        this.networks.join(container, attachment);
      } catch (thrown) {
        container.attachments.delete(attachment.name);
        throw thrown;
      }
    }
    this.checkpoint(container);
    const { networkId: id, name } = attachment;
    this.emit('network', 'connect', { id, name, attributes: { container: container.id } });
  }

  disconnect(network: string, reference: string): void {
    const container = this.get(reference);
    const attachment = this.attachment(network, reference);
    if (!attachment) throw new EngineError('refused', `container ${container.id} is not connected to ${network}`);
    this.networks.leave(container, attachment);
    container.attachments.delete(attachment.name);
    this.checkpoint(container);
    const { networkId: id, name } = attachment;
    this.emit('network', 'disconnect', { id, name, attributes: { container: container.id } });
  }

  /** Runs argv inside; `after` is how long it takes, in milliseconds. */
  exec(reference: string, argv: readonly string[]): { exitCode: number; output: string; after: number } {
    const container = this.get(reference);
    if (container.state === 'paused')
      throw new EngineError('paused', `Container ${container.id} is paused, unpause the container before exec`);
    if (container.state !== 'running') throw new EngineError('refused', `Container ${container.id} is not running`);
    this.emitExec(container, argv);
    return execute(container, argv, this.clock.monotonic());
  }

  // ── networks, volumes, images ──

  createNetwork(request: Parameters<Engine['createNetwork']>[0]): string {
    const network = this.networks.create(request);
    this.emit('network', 'create', { id: network.id, name: network.name, attributes: {} });
    return network.id;
  }

  removeNetwork(reference: string): void {
    const network = this.networks.remove(reference);
    this.emit('network', 'destroy', { id: network.id, name: network.name, attributes: {} });
  }

  createVolume(request: CreateVolume, anonymous = false): void {
    if (!this.volumes.create(request, anonymous)) return;
    this.emit('volume', 'create', { id: request.name, name: request.name, attributes: {} });
  }

  removeVolume(name: string): void {
    this.volumes.remove(name);
    this.emit('volume', 'destroy', { id: name, name, attributes: {} });
  }

  /** Takes an image off the disk. Containers made from it live on; with `force` even while they use it. */
  removeImage(reference: string, force: boolean): void {
    const image = this.images.find(reference);
    if (!image) throw new EngineError('not-found', `No such image: ${reference}`);
    const user = this.all().find((container) => container.image.id === image.id);
    if (user && !force)
      throw new EngineError(
        'in-use',
        `conflict: unable to remove repository reference "${reference}" - container ${user.id.slice(0, 12)} is using its referenced image`,
      );
    this.images.drop(reference, { registry: false });
    this.emit('image', 'delete', { id: image.id, name: image.reference, attributes: {} });
  }

  /** Puts a pulled image on the disk; throws `no-image`, `denied` or `no-space`. */
  pulled(reference: string): void {
    const image = this.images.lookUp(reference);
    if (this.full) throw new EngineError('no-space', 'failed to register layer: no space left on device');
    this.images.keep(image);
    this.emit('image', 'pull', { id: image.reference, name: image.reference, attributes: {} });
  }

  tagImage(reference: string, tag: string): void {
    const image = this.images.tag(reference, tag);
    this.emit('image', 'tag', { id: image.id, name: image.reference, attributes: {} });
  }

  // ── the machine's troubles ──

  /** The engine's disk is full, or has room again. While it is full, lists go stale and half of the log lines are lost (F5). */
  setDiskFull(full: boolean): void {
    this.full = full;
    for (const container of this.all()) {
      const flow = container.process?.program.logs;
      if (flow && container.state === 'running')
        container.output.open({ ...flow, perSecond: flow.perSecond / (full ? 2 : 1) });
    }
  }

  /** Stops every timer: nobody will use this daemon again. */
  dispose(): void {
    this.power.end();
    for (const container of this.all()) this.processes.dispose(container);
  }

  private emit(
    type: EngineEvent['type'],
    action: string,
    about: { id: string; name: string; attributes: Record<string, string> },
  ): void {
    if (this.power.mode === 'up') this.events.emit({ type, action, ...about });
  }

  /** The noise that every command inside a container makes in the event stream, health checks above all. */
  private emitExec(container: Container, argv: readonly string[]): void {
    const command = argv.join(' ').slice(0, 200);
    for (const action of [`exec_create: ${command}`, `exec_start: ${command}`, 'exec_die']) {
      this.emit('container', action, this.about(container));
    }
  }

  private about(
    container: Container,
    attributes: Record<string, string> = {},
  ): { id: string; name: string; attributes: Record<string, string> } {
    const { id, name, request, labels } = container;
    return { id, name, attributes: { image: request.image, name, ...labels, ...attributes } };
  }

  private checkName(name: string): void {
    const holder = this.byName.get(name);
    if (holder) {
      throw new EngineError(
        'name-taken',
        `Conflict. The container name "/${name}" is already in use by container "${holder.id}". You have to remove (or rename) that container to be able to reuse that name.`,
      );
    }
  }

  private attach(container: Container, wanted: CreateContainer['networks'][number]): Attachment {
    const found = this.networks.find(wanted.name);
    const attachment = {
      networkId: found?.id ?? '',
      name: found?.name ?? wanted.name,
      address: '',
      aliases: [...wanted.aliases],
    };
    const full = wanted.ipv4Address === undefined ? attachment : { ...attachment, fixed: wanted.ipv4Address };
    container.attachments.set(full.name, full);
    return full;
  }

  private mount(container: Container): void {
    for (const { type, source, target, readOnly, labels } of container.request.host.mounts) {
      let name = source;
      if (type === 'volume') {
        const anonymous = name === undefined;
        name ??= hexadecimal(this.random, 64);
        this.createVolume({ name, driverOpts: {}, labels: labels ?? {} }, anonymous);
        if (anonymous) container.anonymousVolumes.push(name);
      }
      this.addMount(container, { type, name, target, readOnly });
    }
    for (const target of container.image.volumes) {
      if (container.mounts.some((mount) => mount.target === target)) continue;
      const name = hexadecimal(this.random, 64);
      this.createVolume({ name, driverOpts: {}, labels: { 'com.docker.volume.anonymous': '' } }, true);
      container.anonymousVolumes.push(name);
      this.addMount(container, { type: 'volume', name, target, readOnly: false });
    }
  }

  private addMount(
    container: Container,
    mount: { type: string; name: string | undefined; target: string; readOnly: boolean },
  ): void {
    const { type, name = '', target, readOnly } = mount;
    if (type === 'volume') container.mounts.push({ type, name, source: mountpointOf(name), target, readOnly });
    else container.mounts.push({ type, source: name, target, readOnly });
  }

  /** Writes the container's record to the disk, which is where the list reads it. */
  private checkpoint(container: Container): void {
    if (this.full) return;
    const row = summarize(container);
    if (this.listLag <= 0) this.listed.set(row.id, row);
    else this.clock.timer(this.listLag, () => void this.publish(row));
  }

  private publish(row: ContainerSummary): void {
    if (this.containers.has(row.id) || this.listed.has(row.id)) this.listed.set(row.id, row);
  }

  private unlist(id: string): void {
    if (this.listLag <= 0) this.listed.delete(id);
    else this.clock.timer(this.listLag, () => void this.listed.delete(id));
  }
}

function mountsVolume(container: Container, volume: string): boolean {
  return container.mounts.some(({ type, name }) => type === 'volume' && name === volume);
}
