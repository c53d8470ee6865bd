/** Backup, restore, clone and removal of volumes, each so that an end at any moment leaves the old data as it was. */
import { sleep, type Clock } from '../../base/clock';
import { fail } from '../../contract/errors';
import type { NodeRef } from '../../contract/nouns';
import { sentence } from '../../contract/sentence';
import type { Engine, EngineVolume } from '../engine';
import type { StorageActRow, Store, Transaction } from '../store';
import { Helpers, inHelper } from './helper';
import type { BackupBox, Manifest } from './box';
import type { Step } from './jobs';

export interface VolumeActsWorld {
  store: Store;
  clock: Clock;
  box: () => Promise<BackupBox>;
  /** The engine whose volumes these are. */
  engine: () => Engine;
  /** It is the one that is worked on. */
  home: boolean;
  /** The node it is; undefined for the engine that is worked on. */
  ref: () => NodeRef | undefined;
  installId: () => string;
  nextId: () => string;
  /** The acts on services and stacks, as the user would do them. */
  services: { stop(key: string): Promise<unknown>; start(key: string): Promise<unknown> };
  /** Applies a stack's own source again. */
  apply(stack: string): Promise<unknown>;
}

/** What a new volume is made like. */
interface Like {
  driver: string;
  driverOpts: Record<string, string>;
  labels: Record<string, string>;
  stack?: string;
  bytes?: number;
}

/** How long replicas may take to stop before a stopped backup, milliseconds. */
const stopWithin = 180_000;

export class VolumeActs {
  readonly helpers: Helpers;
  /** Acts that run now: their rows are no leftovers. */
  private readonly live = new Set<string>();

  constructor(private readonly world: VolumeActsWorld) {
    this.helpers = new Helpers(world);
  }

  /** Backs a volume up; resolves with the backup's id. */
  async backup(
    name: string,
    options: { mode: 'live' | 'stopped'; reason: Manifest['reason'] },
    step: Step,
  ): Promise<string> {
    const [made] = await this.backupAll([name], options, step);
    return made?.backup ?? '';
  }

  /**
   * Backs several volumes up, with all who use them stopped together; resolves with the backups' ids. `beside` is done in the same
   * stillness: volumes on other nodes.
   */
  async backupAll(
    names: readonly string[],
    options: { mode: 'live' | 'stopped'; reason: Manifest['reason'] },
    step: Step,
    beside: () => Promise<{ volume: string; backup: string }[]> = () => Promise.resolve([]),
  ): Promise<{ volume: string; backup: string }[]> {
    const read = async (): Promise<{ volume: string; backup: string }[]> => {
      const made = await beside();
      for (const volume of names) made.push({ volume, backup: await this.readInto(volume, options, step) });
      return made;
    };
    for (const name of names) await this.need(name);
    const [first] = names;
    if (options.mode === 'live' || first === undefined) return read();
    return this.act({ kind: 'backup', volume: first }, (act) => this.whileStopped(names, act, step, read));
  }

  private async readInto(
    name: string,
    options: { mode: 'live' | 'stopped'; reason: Manifest['reason'] },
    step: Step,
  ): Promise<string> {
    const { world } = this;
    const volume = await this.need(name);
    step.say(sentence('storage.reading', { volume: name }), volume.size ?? 0);
    const box = await world.box();
    const stack = volume.labels['io.pilothouse.stack'];
    const node = world.ref();
    const id = `${name
      .toLowerCase()
      .replace(/[^a-z0-9_-]/g, '-')
      .slice(0, 60)}-${stamp(world.clock.now())}-${world.nextId()}`;
    const manifest = await this.onVolume(name, true, async (engine, container) =>
      box.write(
        {
          id: id.replace(/^[^a-z0-9]+/, 'v'),
          volume: name,
          createdAt: world.clock.now(),
          ...options,
          driver: volume.driver,
          driverOpts: volume.driverOpts,
          labels: volume.labels,
          ...(stack === undefined ? {} : { stack }),
          ...(node === undefined ? {} : { node }),
        },
        await engine.readArchive(container, inHelper([]), step.signal),
        { progress: (bytes) => step.progress(bytes), signal: step.signal },
      ),
    );
    return manifest.id;
  }

  /** Restores to a new volume; resolves with its name. */
  async restore(id: string, options: { to?: string; swap: boolean }, step: Step): Promise<string> {
    const { world } = this;
    const box = await world.box();
    step.say(sentence('storage.verifying'));
    const manifest = await box.verify(id, { progress: (bytes) => step.progress(bytes), signal: step.signal });
    const to = options.to ?? `${manifest.volume.slice(0, 200)}.r${stamp(world.clock.now())}`;
    const swapped = options.swap ? this.declaredAs(manifest.volume) : undefined;
    if (options.swap && !swapped) {
      throw fail(
        'not-found',
        `No stack of ours keeps its data in ${manifest.volume}, so nothing can be put in its place.`,
        'Restore it to a new volume, and name that in your Compose file.',
      );
    }
    return this.act({ kind: 'restore', volume: manifest.volume }, async (act) => {
      await this.unpack(act, { manifest, to, ...(swapped ? { stack: swapped.stack } : {}) }, step);
      if (swapped) await this.swap(act, swapped, to, step);
      return to;
    });
  }

  /**
   * Restores several backups to new volumes, and hands them over while nothing runs that uses `present`: `handOver` gives them to their
   * new users, and writes what it is given in the same transaction. Until then an end leaves nothing behind.
   */
  async restoreAll(
    saved: readonly { backup: string; to: string }[],
    options: {
      present: readonly string[];
      stack: string;
      handOver: (also: (transaction: Transaction) => void) => void | Promise<void>;
    },
    step: Step,
  ): Promise<void> {
    const { store } = this.world;
    const box = await this.world.box();
    const manifests: { manifest: Manifest; to: string }[] = [];
    for (const { backup, to } of saved) {
      step.say(sentence('storage.verifying'));
      manifests.push({ manifest: await box.verify(backup, { signal: step.signal }), to });
    }
    await this.act({ kind: 'restore', volume: options.present[0] ?? '' }, async (act) => {
      for (const one of manifests) {
        await this.unpack(act, { ...one, stack: options.stack }, step);
        act.filled = [...(act.filled ?? []), one.to];
        delete act.filling;
        store.transact((transaction) => transaction.put('storageActs', act.id, { ...act }));
      }
      await this.whileStopped(options.present, act, step, async () => {
        step.say(sentence('storage.swapping', { volume: saved.map(({ to }) => to).join(', ') }));
        const { filled: _, ...rest } = act;
        await options.handOver((transaction) => transaction.put('storageActs', act.id, rest));
        delete act.filled;
      });
    });
  }

  /** Fills a new volume from a backup, reads it back and compares. */
  private async unpack(
    act: StorageActRow,
    options: { manifest: Manifest; to: string; stack?: string },
    step: Step,
  ): Promise<void> {
    const { manifest, to, stack } = options;
    const box = await this.world.box();
    const { stack: _, ...like } = manifest;
    const tar = (): Promise<AsyncIterable<Uint8Array>> => Promise.resolve(box.open(manifest.id));
    await this.fill(act, { to, tar, like: { ...like, ...(stack === undefined ? {} : { stack }) } }, step);
    step.say(sentence('storage.comparing', { volume: to }), manifest.bytes);
    const walked = await this.onVolume(to, true, async (engine, container) =>
      box.walk(await engine.readArchive(container, inHelper([]), step.signal), {
        progress: (bytes) => step.progress(bytes),
        signal: step.signal,
      }),
    );
    if (walked.tree !== manifest.tree) throw fail('internal', `What was put into ${to} is not what was backed up.`);
  }

  /** A copy of a volume under another name, compared with what it is a copy of. */
  async clone(from: string, to: string, step: Step): Promise<string> {
    const volume = await this.need(from);
    const box = await this.world.box();
    return this.act({ kind: 'clone', volume: from }, async (act) => {
      await this.onVolume(from, true, async (engine, source) => {
        const tar = (): Promise<AsyncIterable<Uint8Array>> => engine.readArchive(source, inHelper([]), step.signal);
        await this.fill(act, { to, tar, like: volume }, step);
        step.say(sentence('storage.comparing', { volume: to }));
        const one = await box.walk(await engine.readArchive(source, inHelper([]), step.signal), step);
        const two = await this.onVolume(to, true, async (_engine, container) =>
          box.walk(await engine.readArchive(container, inHelper([]), step.signal), step),
        );
        if (one.tree !== two.tree)
          throw fail('conflict', `${from} changed while it was copied.`, 'Stop what writes to it, then try again.');
      });
      return to;
    });
  }

  /** Removes a volume that nothing uses; with `recycle` it is backed up before. */
  async remove(name: string, recycle: boolean, step: Step): Promise<void> {
    const { store, engine } = this.world;
    await this.need(name);
    const users = await this.users(name);
    if (users.length > 0)
      throw fail('conflict', `${name} is used by ${users.map((user) => user.name).join(', ')}.`, 'Remove those first.');
    if (recycle) await this.backup(name, { mode: 'live', reason: 'recycled' }, step);
    step.say(sentence('storage.removing', { volume: name }));
    if (step.signal.aborted) throw fail('cancelled', 'Cancelled.');
    await engine().removeVolume(name);
    if (this.isOurs(name)) store.transact((transaction) => transaction.remove('resources', `volume:${name}`));
  }

  /** Whether this is the volume that a row of ours tells of, and not one of the same name on another node. */
  isOurs(name: string): boolean {
    const row = this.world.store.get('resources', `volume:${name}`);
    return row !== undefined && this.isHere(row.node);
  }

  private isHere(node: string | undefined): boolean {
    return node === undefined ? this.world.home : node === this.world.engine().id;
  }

  /** Acts on this engine that nobody works on any more: the app or the engine ended in their middle. */
  leftovers(engine: Engine): StorageActRow[] {
    return this.world.store.all('storageActs').filter((act) => act.engine === engine.id && !this.live.has(act.id));
  }

  /** Clears away what was left half done on this engine. Resolves with what that was. */
  async mend(now: Engine): Promise<StorageActRow[]> {
    const { store, engine } = this.world;
    await this.helpers.sweep(now);
    const left = this.leftovers(now);
    for (const act of left) {
      for (const name of unused(act)) await engine().removeVolume(name);
      // A swap that was written but not applied yet is applied; otherwise this changes nothing.
      const stack = act.kind === 'restore' ? this.declaredAs(act.volume)?.stack : undefined;
      if (stack !== undefined) await this.world.apply(stack);
      await this.startAgain(act);
      store.transact((transaction) => {
        transaction.remove('storageActs', act.id);
        for (const name of unused(act)) transaction.remove('resources', `volume:${name}`);
      });
    }
    return left;
  }

  /** Services whose replicas mount a volume. */
  async servicesOf(name: string): Promise<string[]> {
    const { store } = this.world;
    const keys = (await this.users(name)).map((user) => store.get('attempts', user.name)?.service);
    return [...new Set(keys.filter((key) => key !== undefined))].sort();
  }

  /** Containers that mount a volume. */
  async users(
    name: string,
  ): Promise<{ id: string; name: string; running: boolean; target: string; readOnly: boolean }[]> {
    const engine = this.world.engine();
    const users = [];
    for (const { id } of await engine.list()) {
      const detail = await engine.inspect(id);
      const mount = detail?.mounts.find((one) => one.type === 'volume' && one.name === name);
      if (!detail || !mount || detail.labels['io.pilothouse.helper'] === this.world.installId()) continue;
      const running = ['running', 'paused', 'restarting'].includes(detail.state);
      users.push({ id, name: detail.name, running, target: mount.target, readOnly: mount.readOnly });
    }
    return users;
  }

  async need(name: string): Promise<EngineVolume> {
    const volume = (await this.world.engine().volumes()).find((one) => one.name === name);
    if (!volume) throw fail('not-found', `There is no volume ${name}.`, 'See them with: pilothouse volume ls');
    return volume;
  }

  async volumeNames(): Promise<string[]> {
    return (await this.world.engine().volumes()).map((volume) => volume.name);
  }

  /** Works with a helper on a volume. */
  onVolume<T>(volume: string, readOnly: boolean, work: (engine: Engine, container: string) => Promise<T>): Promise<T> {
    return this.helpers.on({ volume, readOnly }, work);
  }

  /** The stack whose file leads to this volume, and what the file calls it. */
  declaredAs(volume: string): { stack: string; declared: string; current: string } | undefined {
    const { store } = this.world;
    for (const stack of store.all('stacks')) {
      for (const { name, external } of Object.values(stack.spec.volumes)) {
        const declared = store.all('swaps').find((swap) => swap.current === name)?.volume ?? name;
        if (!external && (name === volume || declared === volume))
          return { stack: stack.name, declared, current: name };
      }
    }
    return undefined;
  }

  private async fill(
    act: StorageActRow,
    options: { to: string; like: Like; tar: () => Promise<AsyncIterable<Uint8Array>> },
    step: Step,
  ): Promise<void> {
    const { store, engine, installId, clock } = this.world;
    const { to, like, tar } = options;
    if ((await engine().volumes()).some((volume) => volume.name === to))
      throw fail('conflict', `A volume ${to} exists already.`, 'Choose another name.');
    if (store.get('resources', `volume:${to}`) && !this.isOurs(to))
      throw fail('conflict', `A volume ${to} of yours lies on another node.`, 'Choose another name.');
    step.say(sentence('storage.filling', { volume: to }), like.bytes ?? 0);
    // Before the engine knows it: a crash from here on finds what to clear away.
    store.transact((transaction) => {
      transaction.put('storageActs', act.id, { ...act, filling: to });
      transaction.put('resources', `volume:${to}`, {
        kind: 'volume',
        name: to,
        stack: like.stack ?? '',
        ...(this.world.home ? {} : { node: engine().id }),
        createdAt: clock.now(),
      });
    });
    act.filling = to;
    const { 'io.pilothouse.install': _, 'io.pilothouse.stack': __, ...labels } = like.labels;
    await engine().createVolume({
      name: to,
      driver: like.driver,
      driverOpts: like.driverOpts,
      labels: {
        ...labels,
        'io.pilothouse.install': installId(),
        ...(like.stack ? { 'io.pilothouse.stack': like.stack } : {}),
      },
    });
    const source = await tar();
    await this.onVolume(to, false, (live, container) =>
      live.writeArchive(container, '/', counted(source, step), step.signal),
    );
  }

  private async swap(
    act: StorageActRow,
    swapped: { stack: string; declared: string; current: string },
    to: string,
    step: Step,
  ): Promise<void> {
    const { store, clock } = this.world;
    await this.whileStopped([swapped.current], act, step, async () => {
      step.say(sentence('storage.swapping', { volume: to }));
      store.transact((transaction) => {
        transaction.put('swaps', swapped.declared, { volume: swapped.declared, current: to, at: clock.now() });
        const now = transaction.get('storageActs', act.id);
        // From here on the new volume is the data: it is no longer cleared away.
        if (now) {
          const { filling: _, ...rest } = now;
          transaction.put('storageActs', act.id, rest);
        }
      });
      delete act.filling;
      await this.world.apply(swapped.stack);
    });
  }

  /** Stops the services that mount the volumes, works, and starts those that ran. */
  private async whileStopped<T>(
    volumes: readonly string[],
    act: StorageActRow,
    step: Step,
    work: () => Promise<T>,
  ): Promise<T> {
    const { store, services, clock } = this.world;
    const users = new Set<string>();
    for (const volume of volumes) for (const key of await this.servicesOf(volume)) users.add(key);
    const running = [...users].filter((key) => store.get('services', key)?.stopped === false);
    act.stopped = running;
    store.transact((transaction) => transaction.put('storageActs', act.id, { ...act }));
    try {
      if (running.length > 0) step.say(sentence('storage.stopping', { services: running.join(', ') }));
      for (const key of running) await services.stop(key);
      const until = clock.monotonic() + stopWithin;
      for (const volume of volumes) {
        while ((await this.users(volume)).some((user) => user.running && !user.readOnly)) {
          if (step.signal.aborted) throw fail('cancelled', 'Cancelled.');
          if (clock.monotonic() > until)
            throw fail('not-ready', `${volume} is still in use.`, 'Stop what writes to it, then try again.');
          await sleep(clock, 200);
        }
      }
      return await work();
    } finally {
      if (running.length > 0) step.say(sentence('storage.starting', { services: running.join(', ') }));
      await this.startAgain(act);
      act.stopped = [];
    }
  }

  private async startAgain(act: StorageActRow): Promise<void> {
    const { store, services } = this.world;
    for (const key of act.stopped) if (store.get('services', key)?.stopped) await services.start(key);
  }

  /** Keeps a row while an act is under way; what it was filling goes when it fails. */
  private async act<T>(
    about: Pick<StorageActRow, 'kind' | 'volume'>,
    work: (act: StorageActRow) => Promise<T>,
  ): Promise<T> {
    const { store, engine, nextId } = this.world;
    const act: StorageActRow = { id: nextId(), engine: engine().id, stopped: [], ...about };
    this.live.add(act.id);
    store.transact((transaction) => transaction.put('storageActs', act.id, { ...act }));
    try {
      const result = await work(act);
      store.transact((transaction) => transaction.remove('storageActs', act.id));
      return result;
    } catch (error) {
      const going = unused(act);
      // When the engine is away or will not yet, the row stays, and what it tells of is cleared away later.
      for (const name of going) await engine().removeVolume(name);
      store.transact((transaction) => {
        transaction.remove('storageActs', act.id);
        for (const name of going) transaction.remove('resources', `volume:${name}`);
      });
      throw error;
    } finally {
      this.live.delete(act.id);
    }
  }
}

/** Volumes that an act made and that nobody uses yet. */
function unused(act: StorageActRow): string[] {
  return [...(act.filled ?? []), ...(act.filling === undefined ? [] : [act.filling])];
}

async function* counted(tar: AsyncIterable<Uint8Array>, step: Step): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const piece of tar) {
    if (step.signal.aborted) throw fail('cancelled', 'Cancelled.');
    bytes += piece.length;
    step.progress(bytes);
    yield piece;
  }
}

/** `20260105t090000`, in UTC. */
export function stamp(now: number): string {
  return new Date(now).toISOString().replace(/\..*$/, '').replace(/[-:]/g, '').toLowerCase();
}
