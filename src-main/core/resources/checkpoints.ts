/**
 * Checkpoints: the volumes of a service are backed up before its replicas are replaced, and going back can bring the data back, too.
 *
 * The wish is the rollout itself: it is paused with `checkpoint` until this room has made the backups and lets it go on. So it is level,
 * not edge: what was interrupted is begun again at the next start, and a rollout that was aborted asks for nothing.
 */
import type { CheckpointView } from '../../contract/api/storage';
import { fail, toProblem } from '../../contract/errors';
import { say } from '../../contract/sentence';
import type { CheckpointRow, RolloutRow, Store, Transaction } from '../store';
import type { BackupBox } from './box';
import type { Jobs, Step } from './jobs';
import type { Place, Places } from './places';
import { stamp } from './volumeActs';

/** Acts of the room that looks after rollouts. */
export interface RolloutData {
  /** The checkpoint that the rollout to this revision waits for is there; with a reason, it could not be made. */
  endCheckpoint(service: string, to: number, reason?: string): void;
  bringBack(
    service: string,
    options: { revision: number; volumes: ReadonlyMap<string, string>; also: (transaction: Transaction) => void },
  ): void;
}

export interface CheckpointsWorld {
  store: Store;
  now: () => number;
  box: () => Promise<BackupBox>;
  places: Places;
  jobs: Jobs;
  data: RolloutData;
  made(row: CheckpointRow): void;
}

interface Backed {
  volume: string;
  backup: string;
}

/** Makes what rollouts wait for, and brings it back. */
export class Checkpoints {
  private readonly running = new Set<string>();
  private engine = '';

  constructor(private readonly world: CheckpointsWorld) {}

  /** Begins what rollouts wait for, on the services of this engine. */
  look(engine: string): void {
    this.engine = engine;
    const { store } = this.world;
    for (const rollout of store.all('rollouts')) {
      if (rollout.checkpoint !== true || rollout.state !== 'paused' || this.running.has(rollout.service)) continue;
      const service = store.get('services', rollout.service);
      if (!service || service.removing || service.revision !== rollout.to) continue;
      if (store.get('stacks', service.stack)?.engine !== engine) continue;
      this.begin(rollout);
    }
  }

  list(service: string): CheckpointView[] {
    return this.world.store
      .all('checkpoints')
      .filter((row) => row.service === service)
      .sort((one, two) => two.revision - one.revision);
  }

  /** Forgets what a backup that is removed was part of. */
  forget(backup: string): void {
    const { store } = this.world;
    const gone = store.all('checkpoints').filter((row) => row.volumes.some((one) => one.backup === backup));
    if (gone.length > 0)
      store.transact((transaction) => gone.forEach((row) => transaction.remove('checkpoints', keyOf(row))));
  }

  find(service: string, revision: number): CheckpointRow {
    const row = this.world.store.get('checkpoints', keyOf({ service, revision }));
    if (!row)
      throw fail(
        'not-found',
        `There is no checkpoint of ${service} before revision ${revision}.`,
        'It may have expired.',
      );
    return row;
  }

  /** Brings the data of a checkpoint back and with it the revision that ran then. The present data stays in its volumes. */
  async restore(row: CheckpointRow, step: Step): Promise<void> {
    const { store, places, now, data } = this.world;
    const service = store.get('services', row.service);
    if (!service || !store.get('revisions', `${row.service}@${row.before}`))
      throw fail('not-found', `${row.service} has no revision ${row.before} any more.`, 'Restore the backups by hand.');
    const suffix = `.r${stamp(now())}`;
    const bases = new Map<string, { declared: string; current: string; next: string }>();
    for (const { base } of row.volumes) {
      const declared = store.all('swaps').find((swap) => swap.current === base)?.volume ?? base;
      const current = store.get('swaps', declared)?.current ?? declared;
      bases.set(base, { declared, current, next: `${declared.slice(0, 200)}${suffix}` });
    }
    const renamed = (volume: string, base: string, to: 'current' | 'next'): string =>
      `${bases.get(base)?.[to] ?? base}${volume.slice(base.length)}`;
    const groups = new Map<string, { place: Place; present: string[]; saved: { backup: string; to: string }[] }>();
    for (const { volume, base, backup, node } of row.volumes) {
      const current = renamed(volume, base, 'current');
      const place = places.ofVolume(current) ?? places.at(node?.id);
      const group = groups.get(place.id) ?? { place, present: [], saved: [] };
      groups.set(place.id, group);
      if ((await place.acts.volumeNames()).includes(current)) group.present.push(current);
      group.saved.push({ backup, to: renamed(volume, base, 'next') });
    }
    const volumes = new Map<string, string>();
    for (const [base, { declared, current, next }] of bases)
      for (const name of [base, declared, current]) volumes.set(name, next);
    const handOver = (also: (transaction: Transaction) => void): void =>
      data.bringBack(row.service, {
        revision: row.before,
        volumes,
        also: (transaction) => {
          for (const { declared, next } of bases.values())
            transaction.put('swaps', declared, { volume: declared, current: next, at: now() });
          also(transaction);
        },
      });
    // One node within the other: nothing is handed over before all is filled, and everything at once.
    const within = async (
      left: { place: Place; present: string[]; saved: { backup: string; to: string }[] }[],
      also: (transaction: Transaction) => void,
    ): Promise<void> => {
      const [first, ...rest] = left;
      if (!first) return handOver(also);
      const { place, present, saved } = first;
      await place.acts.restoreAll(
        saved,
        {
          present,
          stack: service.stack,
          handOver: (own) =>
            within(rest, (transaction) => {
              also(transaction);
              own(transaction);
            }),
        },
        step,
      );
    };
    await within([...groups.values()], () => undefined);
  }

  private begin(rollout: RolloutRow): void {
    const { jobs, data } = this.world;
    const { service: key, to } = rollout;
    this.running.add(key);
    try {
      const { job } = jobs.start('checkpoint', key, (step) => this.make(rollout, step));
      void jobs.over(job).then((view) => {
        this.running.delete(key);
        // An engine that is away is no reason to give up; the next look tries again.
        if (view?.problem?.code === 'engine-away') return;
        if (view?.state === 'done') data.endCheckpoint(key, to);
        // The end of the app is no failure: the next start begins anew.
        else if (view?.state === 'failed' || (view?.state === 'cancelled' && !jobs.stopping))
          data.endCheckpoint(key, to, view.problem ? reasonOf(view.problem) : 'cancelled');
        // Another revision may have come meanwhile.
        if (!jobs.stopping) this.look(this.engine);
      });
    } catch (thrown) {
      this.running.delete(key);
      // No place for one more long act now: the next look tries again.
      const { code } = toProblem(thrown);
      if (code !== 'too-many' && code !== 'conflict') throw thrown;
    }
  }

  private async make(rollout: RolloutRow, step: Step): Promise<void> {
    const { store, now } = this.world;
    const { service: key, from: before, to: revision } = rollout;
    const spec = store.get('revisions', `${key}@${revision}`)?.spec.pilothouse.checkpoint;
    const volumes = await this.volumesOf(key, before);
    const done = store.get('checkpoints', keyOf({ service: key, revision }));
    if (!spec || volumes.length === 0 || done?.before === before) return;
    const mode = spec.mode;
    const groups = new Map<string, { place: Place; names: string[] }>();
    for (const { volume, place } of volumes) {
      const group = groups.get(place.id) ?? { place, names: [] };
      groups.set(place.id, group);
      group.names.push(volume);
    }
    const backUp = async ([first, ...rest]: { place: Place; names: string[] }[]): Promise<Backed[]> =>
      first ? first.place.acts.backupAll(first.names, { mode, reason: 'checkpoint' }, step, () => backUp(rest)) : [];
    const made = new Map((await backUp([...groups.values()])).map(({ volume, backup }) => [volume, backup]));
    const rows = volumes.map(({ volume, base, place: { ref } }) => ({
      ...{ volume, base, backup: made.get(volume) ?? '' },
      ...(ref ? { node: ref } : {}),
    }));
    const row: CheckpointRow = { service: key, before, revision, at: now(), mode, volumes: rows };
    store.transact((transaction) => transaction.put('checkpoints', keyOf(row), row));
    this.world.made(row);
    await this.expire(key, spec.keep);
  }

  /** The volumes that the replicas of a revision write to, as far as they are there: of stateful services, one for each slot. */
  private async volumesOf(key: string, revision: number): Promise<{ volume: string; base: string; place: Place }[]> {
    const { store } = this.world;
    const row = store.get('revisions', `${key}@${revision}`);
    const there = await this.volumesThere();
    const found = new Map<string, { base: string; place: Place }>();
    for (const mount of row?.spec.mounts ?? []) {
      const volume = mount.type === 'volume' && !mount.readOnly ? row?.parts?.volumes[mount.source ?? ''] : undefined;
      if (!volume || volume.external) continue;
      const { name: base } = volume;
      const slots = new RegExp(`^${base.replace(/[.]/g, '\\.')}-\\d+$`);
      for (const [name, place] of there)
        if (row?.spec.pilothouse.stateful === true ? slots.test(name) : name === base) found.set(name, { base, place });
    }
    return [...found].map(([volume, { base, place }]) => ({ volume, base, place }));
  }

  /** Every volume and where it is. Of a node that does not answer, those that rows tell of: reading them fails, and is tried again. */
  private async volumesThere(): Promise<Map<string, Place>> {
    const { store, places } = this.world;
    const found = new Map<string, Place>();
    for (const place of places.all()) {
      const rows = (): string[] =>
        store
          .all('resources')
          .flatMap(({ kind, name, node }) => (kind === 'volume' && node === place.id ? [name] : []));
      for (const name of place.answers ? await place.acts.volumeNames() : rows())
        if (!found.has(name) || places.ofVolume(name)?.id === place.id) found.set(name, place);
    }
    return found;
  }

  private async expire(key: string, keep: number): Promise<void> {
    const { store } = this.world;
    const box = await this.world.box();
    for (const row of this.list(key).slice(keep)) {
      store.transact((transaction) => transaction.remove('checkpoints', keyOf(row)));
      for (const { backup } of row.volumes) await box.remove(backup);
    }
  }
}

function keyOf(row: Pick<CheckpointRow, 'service' | 'revision'>): string {
  return `${row.service}@${row.revision}`;
}

function reasonOf(problem: ReturnType<typeof toProblem>): string {
  return (problem.words ? say(problem.words) : problem.message).slice(0, 300);
}
