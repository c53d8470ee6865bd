/** Serves contract/api/storage.ts. */
import type { Clock } from '../../base/clock';
import type { Disposable, Signal } from '../../base/lifecycle';
import type { Log } from '../../base/log';
import type { Random } from '../../base/random';
import type { CallHandlers, StreamHandlers } from '../../contract/api';
import {
  previewBytes,
  type BackupPlan,
  type JobView,
  type storageCalls,
  type storageStreams,
  type VolumeDetail,
  type VolumeEntry,
} from '../../contract/api/storage';
import { fail, PilothouseError, toProblem } from '../../contract/errors';
import { feed, ListDiff } from '../../contract/feed';
import type { EventView, ImageView, NetworkView, VolumeView } from '../../contract/nouns';
import { say, sentence, type Sentence } from '../../contract/sentence';
import { EngineError, type Engine, type NodeEngine } from '../engine';
import type { Store } from '../store';
import type { BackupBox, BuildContext, ContextRequest, Manifest } from './box';
import { prunableImages, prunableVolumes } from './candidates';
import { Checkpoints, type RolloutData } from './checkpoints';
import { partsOf } from './guard';
import { inHelper } from './helper';
import { addLine, BuildLogs, buildImage, compareWithRegistries, type BuildInput } from './imageActs';
import { byName, type Listing } from './listing';
import { Jobs, type Step } from './jobs';
import { emptied, expired } from './retention';
import { due, nextRun } from './schedule';
import { overlap } from './subnets';
import { Places, type Place } from './places';
import { VolumeActs } from './volumeActs';

export interface ResourcesWorld {
  store: Store;
  clock: Clock;
  random: Random;
  log: Log;
  /** Opens the folder of backups, at first use. */
  openBox: () => Promise<BackupBox>;
  /** Looks through a folder that an image is built from. */
  openContext: (request: ContextRequest, signal?: Signal) => Promise<BuildContext>;
  engineProblem: (error: EngineError) => PilothouseError;
  /** The engine that is worked on, and those joined to it. */
  nodes: () => readonly NodeEngine[];
  /** The lists that other screens show, too. */
  lists: { volumes(): Promise<VolumeView[]>; images(): Promise<ImageView[]>; networks(): Promise<NetworkView[]> };
  services: { stop(key: string): Promise<unknown>; start(key: string): Promise<unknown> };
  apply(stack: string): Promise<unknown>;
  /** The rollouts that wait for checkpoints. */
  data: RolloutData;
  note(event: Pick<EventView, 'kind' | 'health' | 'words' | 'service'>): void;
}

export interface Resources {
  calls: CallHandlers<typeof storageCalls>;
  streams: StreamHandlers<typeof storageStreams>;
  /** Builds an image as a job that is shown like any other; resolves when it is there, rejects with the builder's reason. */
  build(input: BuildInput): Promise<void>;
  /** The engine to work on; clears away what an earlier run left on it. */
  setEngine(engine: Engine | undefined): void;
  /** Cancels what runs and waits until it has cleaned up. */
  stop(): Promise<void>;
}

const minute = 60_000;
const hour = 60 * minute;
/** Recycled volumes are kept for so many days. */
const binDays = 30;
const keptSizes = 60;

/** Makes the room. */
export function createResources(world: ResourcesWorld): Resources {
  const { store, clock, random, log } = world;
  let box: Promise<BackupBox> | undefined;
  const nextId = (): string =>
    Math.floor(random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0');
  const installId = (): string => store.all('meta')[0]?.installId ?? '';
  const openBox = (): Promise<BackupBox> => (box ??= world.openBox());
  const places = new Places({
    store,
    nodes: world.nodes,
    make: (at) =>
      new VolumeActs({
        ...{ store, clock, box: openBox, installId, nextId, services: world.services, apply: world.apply },
        ...at,
      }),
  });
  const jobs = new Jobs(clock, nextId, world.engineProblem);
  const checkpoints = new Checkpoints({
    store,
    now: () => clock.now(),
    box: openBox,
    places,
    jobs,
    data: world.data,
    made: ({ service, revision }) =>
      world.note({
        ...{ kind: 'checkpoint.made', health: 'ok', service },
        words: sentence('event.checkpointMade', { service, revision }),
      }),
  });
  const logs = new BuildLogs();
  const lookAtRollouts = (): void => {
    const [home] = places.all();
    if (home && !jobs.stopping) checkpoints.look(home.id);
  };
  const watching = store.onCommit((changes) => {
    // In its own turn: the commit's other readers come first.
    if (changes.some((change) => change.table === 'rollouts')) void Promise.resolve().then(lookAtRollouts);
  });

  const ask = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (thrown) {
      throw thrown instanceof EngineError ? world.engineProblem(thrown) : thrown;
    }
  };
  const inside = (path: string): string[] => {
    const parts = partsOf(path.replace(/^\/+/, ''));
    if (!parts) throw fail('bad-input', 'This is no path inside a volume.');
    return parts;
  };
  const note = (kind: string, health: EventView['health'], words: Sentence): void =>
    world.note({ kind, health, words });

  const backUp = async (
    { acts }: Place,
    name: string,
    options: { mode: 'live' | 'stopped'; reason: Manifest['reason'] },
    step: Step,
  ): Promise<string> => {
    try {
      const id = await acts.backup(name, options, step);
      note('volume.backedUp', 'ok', sentence('event.backupMade', { volume: name }));
      return id;
    } catch (thrown) {
      const problem = toProblem(thrown instanceof EngineError ? world.engineProblem(thrown) : thrown);
      const reason = problem.words ? say(problem.words) : problem.message;
      if (!step.signal.aborted)
        note('volume.backupFailed', 'warning', sentence('event.backupFailed', { volume: name, reason }));
      throw thrown;
    }
  };

  const measure = async (place: Place): Promise<void> => {
    await place.engine().diskUsage();
    const now = clock.now();
    const volumes = await place.engine().volumes();
    store.transact((transaction) => {
      for (const { name, size } of volumes) {
        if (size === undefined || size < 0) continue;
        const key = place.key(name);
        const sizes = transaction.get('volumeSizes', key)?.sizes ?? [];
        const last = sizes.at(-1);
        // The newest value is always true; history has one an hour.
        const before = last && sizes.length > 1 && now - (sizes.at(-2)?.at ?? 0) < hour ? sizes.slice(0, -1) : sizes;
        if (last?.size === size && now - last.at < hour) continue;
        transaction.put('volumeSizes', key, { volume: key, sizes: [...before, { at: now, size }].slice(-keptSizes) });
      }
      const there = new Set(volumes.map((volume) => place.key(volume.name)));
      const own = (key: string): boolean => (place.home ? !key.includes('/') : key.startsWith(place.key('')));
      for (const key of store.keys('volumeSizes'))
        if (own(key) && !there.has(key)) transaction.remove('volumeSizes', key);
    });
  };

  const declaredVolumes = (): Set<string> =>
    new Set(store.all('stacks').flatMap((stack) => Object.values(stack.spec.volumes).map((volume) => volume.name)));
  const declaredImages = (): Set<string> =>
    new Set(
      store
        .all('services')
        .map((row) => store.get('revisions', `${row.key}@${row.revision}`)?.spec.image)
        .filter((image) => image !== undefined)
        .flatMap((image) => [image, `${image}:latest`]),
    );
  const volumePlan = async (place: Place): ReturnType<Resources['calls']['volumes.prunePlan']> =>
    prunableVolumes(
      (await world.lists.volumes()).filter((one) => place.has(one)),
      {
        declared: declaredVolumes(),
        // The volume before a swap keeps the name in the file.
        replaced: new Set(store.all('swaps').map((swap) => swap.volume)),
      },
    );
  const imagePlan = async (place: Place, unused: boolean): ReturnType<Resources['calls']['images.prunePlan']> =>
    prunableImages(
      (await world.lists.images()).filter((one) => place.has(one)),
      { unused, declared: declaredImages() },
    );

  const runPlan = async (plan: BackupPlan): Promise<void> => {
    let lastProblem: string | undefined;
    try {
      const place = places.at(plan.node?.id);
      const { job } = jobs.start('backup', place.subject(plan.volume), (step) =>
        backUp(place, plan.volume, { mode: plan.mode, reason: 'schedule' }, step),
      );
      const view = await jobs.over(job);
      if (view?.state !== 'done') lastProblem = view?.problem?.message ?? 'cancelled';
      const files = await openBox();
      const offset = -new Date(clock.now()).getTimezoneOffset();
      if (view?.state === 'done') for (const id of expired(await files.list(), plan, offset)) await files.remove(id);
    } catch (thrown) {
      lastProblem = toProblem(thrown).message;
    }
    const now = clock.now();
    const key = plan.node ? `${plan.node.id}/${plan.volume}` : plan.volume;
    const current = store.get('backupPlans', key);
    if (!current) return;
    const { lastProblem: _, ...rest } = current;
    const next = nextRun(current.cron, now);
    store.transact((transaction) =>
      transaction.put('backupPlans', key, {
        ...rest,
        lastRun: now,
        ...(next === undefined ? {} : { nextRun: next }),
        ...(lastProblem === undefined ? {} : { lastProblem }),
      }),
    );
  };
  let timer: Disposable | undefined;
  let ticking: Promise<void> = Promise.resolve();
  const tick = (): void => {
    timer = clock.timer(minute, tick);
    if (places.all().length > 0)
      ticking = ticking.then(minutely).catch((thrown: unknown) => log('warn', 'storage tick failed', { thrown }));
  };
  const minutely = async (): Promise<void> => {
    lookAtRollouts();
    for (const place of places.all().filter(({ answers }) => answers))
      if (place.acts.helpers.untidy || place.acts.leftovers(place.engine()).length > 0) await mend(place);
    for (const plan of due(store.all('backupPlans'), clock.now())) await runPlan(plan);
    if (!box) return;
    const files = await openBox();
    for (const id of emptied(await files.list(), clock.now(), binDays)) await files.remove(id);
  };
  timer = clock.timer(minute, tick);

  /** Where no program can list a folder: the beginning of its tar. */
  const walkFolder = async (
    { acts }: Place,
    name: string,
    parts: string[],
    page: { offset: number; limit: number },
  ): Promise<Listing> => {
    const files = await openBox();
    const { entries, truncated } = await acts.onVolume(name, true, async (live, container) =>
      files.listFolder(await live.readArchive(container, inHelper(parts))),
    );
    const rank = ({ type }: VolumeEntry): number => (type === 'folder' ? 0 : 1);
    entries.sort((one, two) => rank(one) - rank(two) || byName(one.name, two.name));
    return { entries: entries.slice(page.offset, page.offset + page.limit), total: entries.length, truncated };
  };

  /** The builder's words are kept with the job. */
  const startBuild = (input: BuildInput, node?: string): { job: string } => {
    const place = places.at(node);
    const live = place.engine();
    const lines: string[] = [];
    const started = jobs.start('build', place.subject(input.tag), async (step) => {
      await buildImage(live, input, { open: world.openContext, say: (line) => addLine(lines, line) }, step);
      return input.tag;
    });
    logs.keep(started.job, lines);
    return started;
  };

  const mend = async ({ acts, engine }: Place): Promise<void> => {
    acts.helpers.untidy = true;
    for (const { kind, volume } of await acts.mend(engine()))
      note('storage.mended', 'ok', sentence('event.storageMended', { what: kind, volume }));
  };

  return {
    calls: {
      'volumes.inspect': ({ name, node }) =>
        ask(async (): Promise<VolumeDetail> => {
          const place = places.at(node);
          const { acts } = place;
          const [volume, views, users] = await Promise.all([acts.need(name), world.lists.volumes(), acts.users(name)]);
          const view = views.find((one) => one.name === name && place.has(one));
          const declared = acts.declaredAs(name);
          const plan = store.get('backupPlans', place.key(name));
          const sizes = store.get('volumeSizes', place.key(name))?.sizes ?? [];
          const size = volume.size ?? sizes.at(-1)?.size;
          return {
            ...(view ?? { name, driver: volume.driver, users: [], createdAt: volume.createdAt, ours: false }),
            ...(size === undefined ? {} : { size }),
            mountpoint: volume.mountpoint,
            labels: volume.labels,
            containers: users.map(({ name: container, running, target, readOnly }) => ({
              name: container,
              running,
              target,
              readOnly,
            })),
            services: await acts.servicesOf(name),
            sizes,
            ...(acts.isOurs(name) && declared?.current === name && declared.declared !== name
              ? { standsFor: declared.declared }
              : {}),
            ...(plan ? { plan } : {}),
          };
        }),
      'volumes.measure': () =>
        ask(async () => {
          for (const place of places.all()) if (place.answers || place.home) await measure(place);
          return null;
        }),
      'volumes.browse': ({ name, node, path, offset, limit }) =>
        ask(async () => {
          const parts = inside(path);
          const place = places.at(node);
          await place.acts.need(name);
          const page = { folder: inHelper(parts), word: `${nextId()}${nextId()}`, offset, limit };
          const listing = (await place.acts.helpers.list(name, page)) ?? (await walkFolder(place, name, parts, page));
          return { path: parts.join('/'), offset, ...listing };
        }),
      'volumes.preview': ({ name, node, path }) =>
        ask(async () => {
          const parts = inside(path);
          const { acts } = places.at(node);
          await acts.need(name);
          const files = await openBox();
          const head = await acts.onVolume(name, true, async (live, container) =>
            files.head(await live.readArchive(container, inHelper(parts)), previewBytes),
          );
          if (!head) throw fail('bad-input', 'This is no file.', 'Open the folder or the file that the link leads to.');
          return {
            path: parts.join('/'),
            size: head.size,
            truncated: head.truncated,
            ...(head.text === undefined ? {} : { text: head.text }),
          };
        }),
      'volumes.download': ({ name, node, path, to }) =>
        ask(async () => {
          const parts = inside(path);
          const { acts } = places.at(node);
          await acts.need(name);
          const files = await openBox();
          return acts.onVolume(name, true, async (live, container) =>
            files.save(await live.readArchive(container, inHelper(parts)), parts.at(-1) ?? name, to),
          );
        }),
      'volumes.upload': ({ name, node, path, content }) =>
        ask(async () => {
          const parts = inside(path);
          if (parts.length === 0) throw fail('bad-input', 'The file needs a name.');
          const { acts } = places.at(node);
          await acts.need(name);
          const files = await openBox();
          await acts.onVolume(name, false, (live, container) =>
            live.writeArchive(container, '/', files.one(inHelper(parts).slice(1), content)),
          );
          return null;
        }),
      'volumes.backup': ({ name, node, mode }) =>
        ask(async () => {
          const place = places.at(node);
          await place.acts.need(name);
          return jobs.start('backup', place.subject(name), (step) =>
            backUp(place, name, { mode, reason: 'manual' }, step),
          );
        }),
      'volumes.backups': async ({ name }) => {
        const all = await (await openBox()).list();
        return all
          .filter((backup) => name === undefined || backup.volume === name)
          .map(({ version: _v, tree: _t, driver: _d, driverOpts: _o, labels: _l, ...view }) => view);
      },
      'volumes.removeBackup': async ({ backup }) => {
        checkpoints.forget(backup);
        await (await openBox()).remove(backup);
        return null;
      },
      'volumes.import': async ({ file, name }) =>
        jobs.start('import', name, async (step) => {
          step.say(sentence('storage.checking'));
          const id = `imported-${nextId()}`;
          const backup = {
            id,
            volume: name,
            createdAt: clock.now(),
            reason: 'imported' as const,
            mode: 'stopped' as const,
            driver: 'local',
            driverOpts: {},
            labels: {},
          };
          const manifest = await (
            await openBox()
          ).bring(file, backup, { progress: (bytes) => step.progress(bytes), signal: step.signal });
          return manifest.id;
        }),
      'volumes.restore': ({ backup, node, to, swap }) =>
        ask(async () => {
          const manifest = (await (await openBox()).list()).find((one) => one.id === backup);
          if (!manifest)
            throw fail('not-found', `There is no backup ${backup}.`, 'See them with: pilothouse volume backups');
          const place = restorePlace(manifest, { node, swap });
          return jobs.start('restore', place.subject(manifest.volume), async (step) => {
            const made = await place.acts.restore(backup, { swap, ...(to === undefined ? {} : { to }) }, step);
            const time = new Date(manifest.createdAt).toISOString();
            note('volume.restored', 'ok', sentence('event.volumeRestored', { volume: manifest.volume, time }));
            if (swap)
              note('volume.swapped', 'ok', sentence('event.volumeSwapped', { volume: manifest.volume, current: made }));
            return made;
          });
        }),
      'volumes.clone': ({ name, node, to }) =>
        ask(async () => {
          const place = places.at(node);
          await place.acts.need(name);
          return jobs.start('clone', place.subject(name), (step) => place.acts.clone(name, to, step));
        }),
      'volumes.remove': ({ name, node, recycle }) =>
        ask(async () => {
          const place = places.at(node);
          await place.acts.need(name);
          return jobs.start('remove', place.subject(name), (step) => removeOne(place, name, recycle, step));
        }),
      'volumes.prunePlan': ({ node }) => ask(async () => volumePlan(places.at(node))),
      'volumes.prune': ({ names, node, recycle }) =>
        ask(async () => {
          const place = places.at(node);
          const plan = await volumePlan(place);
          const allowed = new Set(plan.items.map((item) => item.name));
          const other = names.find((name) => !allowed.has(name));
          if (other !== undefined)
            throw fail(
              'conflict',
              `${other} is not to be pruned: it is in use, or not ours.`,
              'Look at the preview again.',
            );
          return jobs.start('prune', place.subject('volumes'), async (step) => {
            for (const name of names) await removeOne(place, name, recycle, step);
          });
        }),
      'volumes.plan': ({ volume, node, cron, mode, keep }) =>
        ask(async () => {
          const place = places.at(node);
          await place.acts.need(volume);
          const next = nextRun(cron, clock.now());
          if (next === undefined) throw fail('bad-input', `${cron} never comes.`);
          const before = store.get('backupPlans', place.key(volume));
          const plan: BackupPlan = {
            volume,
            ...(place.ref ? { node: place.ref } : {}),
            cron,
            mode,
            keep,
            nextRun: next,
            ...(before?.lastRun === undefined ? {} : { lastRun: before.lastRun }),
          };
          store.transact((transaction) => transaction.put('backupPlans', place.key(volume), plan));
          return plan;
        }),
      'volumes.unplan': ({ volume, node }) => {
        const isAt = ({ node: at }: BackupPlan): boolean =>
          node === undefined ? at === undefined : at?.id === node || at?.name === node;
        const key = store.keys('backupPlans').find((one) => {
          const plan = store.get('backupPlans', one);
          return plan?.volume === volume && isAt(plan);
        });
        if (key !== undefined) store.transact((transaction) => transaction.remove('backupPlans', key));
        return Promise.resolve(null);
      },

      'checkpoints.list': ({ service }) => Promise.resolve(checkpoints.list(service)),
      'checkpoints.restore': ({ service, revision }) =>
        ask(async () => {
          const row = checkpoints.find(service, revision);
          await Promise.resolve();
          return jobs.start('restore', service, async (step) => {
            await checkpoints.restore(row, step);
            const time = new Date(row.at).toISOString();
            const words = sentence('event.checkpointRestored', { service, revision: row.before, time });
            world.note({ kind: 'checkpoint.restored', health: 'ok', service, words });
          });
        }),

      'images.pull': ({ reference, node }) =>
        ask(async () => {
          const place = places.at(node);
          const live = place.engine();
          return Promise.resolve(
            jobs.start('pull', place.subject(reference), async (step) => {
              step.say(sentence('storage.pulling', { image: reference }));
              await live.pull(reference, { progress: ({ done, total }) => step.progress(done, total) }, step.signal);
              return reference;
            }),
          );
        }),
      'images.push': ({ reference, node }) =>
        ask(async () => {
          const place = places.at(node);
          const live = place.engine();
          if (!live.push) throw fail('unsupported', 'This engine sends no images.');
          const push = live.push.bind(live);
          return Promise.resolve(
            jobs.start('push', place.subject(reference), async (step) => {
              step.say(sentence('storage.pushing', { image: reference }));
              await push(reference, { progress: ({ done, total }) => step.progress(done, total) }, step.signal);
              return reference;
            }),
          );
        }),
      'images.build': (input) =>
        ask(async () => {
          await Promise.resolve();
          const { node, ...build } = input;
          return startBuild({ ...build, dockerfile: inside(input.dockerfile).join('/') }, node);
        }),
      'images.check': ({ references, node }) =>
        ask(async () => compareWithRegistries(places.at(node).engine(), references, world.engineProblem)),
      'images.tag': ({ reference, node, tag }) =>
        ask(async () => {
          await places.at(node).engine().tagImage(reference, tag);
          return null;
        }),
      'images.remove': ({ reference, node }) =>
        ask(async () => {
          await places.at(node).engine().removeImage(reference, false);
          return null;
        }),
      'images.prunePlan': ({ unused, node }) => ask(async () => imagePlan(places.at(node), unused)),
      'images.prune': ({ names, node }) =>
        ask(async () => {
          const place = places.at(node);
          const plan = await imagePlan(place, true);
          const allowed = new Set(plan.items.map((item) => item.name));
          const other = names.find((name) => !allowed.has(name));
          if (other !== undefined)
            throw fail('conflict', `${other} is not to be pruned: something uses it.`, 'Look at the preview again.');
          return jobs.start('prune', place.subject('images'), async (step) => {
            for (const name of names) {
              if (step.signal.aborted) throw fail('cancelled', 'Cancelled.');
              step.say(sentence('storage.pruning', { name }));
              await place.engine().removeImage(name, false);
            }
          });
        }),

      'networks.inspect': ({ id, node }) =>
        ask(async () => {
          const place = places.at(node);
          const live = place.engine();
          const [networks, views] = await Promise.all([live.networks(), world.lists.networks()]);
          const network = await live.inspectNetwork(id);
          const view = views.find((one) => one.id === network?.id && place.has(one));
          if (!network || !view) throw fail('not-found', `There is no network ${id}.`);
          const containers = [];
          for (const container of Object.keys(network.containers)) {
            const detail = await live.inspect(container);
            const address = detail?.networks[network.name]?.address ?? '';
            if (detail) containers.push({ name: detail.name, address });
          }
          const conflicts = networks
            .filter((other) => other.id !== network.id)
            .flatMap((other) =>
              other.subnets
                .filter((subnet) => network.subnets.some((own) => overlap(own, subnet)))
                .map((subnet) => ({ name: other.name, subnet })),
            );
          containers.sort((one, two) => one.name.localeCompare(two.name));
          return { ...view, labels: network.labels, containers, conflicts };
        }),

      'storage.log': ({ job }) => Promise.resolve({ lines: [...logs.of(job)] }),
      'storage.cancel': ({ job }) => {
        jobs.cancel(job);
        return Promise.resolve(null);
      },
    },
    streams: {
      'storage.watch': (_input, sink) => {
        const diff = new ListDiff<JobView>();
        return feed(sink, { clock, every: 200, changed: jobs.onChange, next: () => diff.next(jobs.all) });
      },
    },
    async build(input) {
      const { job } = startBuild(input);
      const view = await jobs.over(job);
      if (view?.problem) throw new PilothouseError(view.problem);
      if (view?.state !== 'done') throw fail('cancelled', 'Cancelled.');
    },
    setEngine(next) {
      places.setHome(next);
      if (!next) return;
      ticking = ticking
        .then(() => mend(places.at()))
        .catch((thrown: unknown) => log('warn', 'leftovers of storage acts could not be cleared', { thrown }))
        .then(lookAtRollouts);
    },
    async stop() {
      timer?.dispose();
      watching.dispose();
      await jobs.stop();
      await ticking;
      places.setHome(undefined);
    },
  };

  async function removeOne({ acts }: Place, name: string, recycle: boolean, step: Step): Promise<void> {
    await acts.remove(name, recycle, step);
    if (recycle) note('volume.recycled', 'off', sentence('event.volumeRecycled', { volume: name }));
  }

  /** Where a backup is restored to: what it takes the place of stays on its node, for the replicas that mount it do. */
  function restorePlace({ volume, node: from }: Manifest, { node, swap }: { node?: string; swap: boolean }): Place {
    const current = swap ? places.at().acts.declaredAs(volume)?.current : undefined;
    const lies = current === undefined ? undefined : places.ofVolume(current);
    const known = places.all().find(({ id }) => id === from?.id);
    const place = node === undefined ? (lies ?? known ?? places.at()) : places.at(node);
    if (lies && lies.id !== place.id)
      throw fail(
        'conflict',
        `${current ?? volume} lies on ${lies.name}.`,
        'Restore it there, or without taking its place.',
      );
    return place;
  }
}
