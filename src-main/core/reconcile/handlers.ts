/** Serves the calls and streams of contract/api/stacks.ts. */
import type { Clock } from '../../base/clock';
import type { Event } from '../../base/emitter';
import type { CallHandlers, StreamHandlers } from '../../contract/api';
import type { stackCalls, stackStreams } from '../../contract/api/stacks';
import { fail } from '../../contract/errors';
import { feed, ListDiff } from '../../contract/feed';
import type { ReplicaView, RevisionView, ServiceView, StackSource, StackView } from '../../contract/nouns';
import { sentence } from '../../contract/sentence';
import type { ServiceSpec } from '../../contract/spec';
import type { ContainerDetail, Engine } from '../engine';
import { renderStack, type ReadFile } from '../stack';
import type { ServiceRow, StackRow, Store, TableName } from '../store';
import { Adopt } from './adopt';
import { Apply } from './apply';
import type { Builder } from './builds';
import type { Controller } from './controller';
import { explain, subjectOf } from './explain';
import type { Fleet } from './fleet';
import { splitReplica } from './names';
import { storedSpec } from './preview';
import { revisionKey } from './rows';
import type { Configs } from './configs';
import type { Secrets } from './secrets';
import { wantedReplicas } from './slots';
import { stackViewOf } from './stackView';
import { Wishes } from './wishes';

export interface StackWorld {
  store: Store;
  clock: Clock;
  /** The selected engine, while it answers. */
  engine: () => Engine | undefined;
  /** The id of the selected engine, also while it is away. */
  engineId: () => string | undefined;
  /** The nodes, when the engine is several joined ones. */
  fleet?: () => Fleet | undefined;
  /** The controller of the selected engine. */
  controller: () => Controller | undefined;
  /** Reads what a source refers to (`env_file`, `configs.file`); by default only the source's own files are found. */
  readFile?: (source: StackSource) => ReadFile | undefined;
  /** Keeps the values of secrets. */
  secrets?: Secrets;
  /** Items of the config center that services use. */
  configs?: Configs;
  /** Builds images of the project's folders. */
  builder?: Builder;
  /** The last log lines of a container (by id), oldest first; for explanations. */
  lastLines?: (container: string, limit: number) => Promise<string[]>;
}

export interface StackHandlers {
  calls: CallHandlers<typeof stackCalls>;
  streams: StreamHandlers<typeof stackStreams>;
  /** For the room that backs volumes up before a rollout, and brings them back. */
  data: Pick<Wishes, 'endCheckpoint' | 'bringBack'>;
}

/** Lines and events asked for in an explanation. */
const explainLines = 8;
const explainEvents = 6;

/** Makes the handlers. */
export function stackHandlers(world: StackWorld): StackHandlers {
  const { store, clock } = world;
  const wishes = new Wishes(store, clock);
  const apply = new Apply(world, wishes);
  const adopt = new Adopt(world, apply, wishes);
  const act = (work: () => void): Promise<null> => {
    try {
      work();
      return Promise.resolve(null);
    } catch (thrown) {
      return Promise.reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  };
  const answer = async <T>(work: () => T | Promise<T>): Promise<T> => work();

  return {
    data: wishes,
    calls: {
      'stacks.list': () => answer(() => [...stackRows(store).values()]),
      'stacks.get': (input) =>
        answer(() => {
          const stack = needStack(store, input.stack);
          const specs = new Map<string, ServiceSpec>();
          for (const row of store.all('services')) {
            const revision = store.get('revisions', revisionKey(row.key, row.revision));
            if (row.stack === stack.name && !row.removing && revision) specs.set(row.name, revision.spec);
          }
          const view = stackRows(store).get(stack.name) ?? stackViewOf(stack, [], specs.size);
          return { view, source: stack.source, resolved: renderStack(storedSpec(stack, specs)) };
        }),
      'stacks.check': (input) => answer(() => apply.check(input.source, input.name)),
      'stacks.plan': (input) => apply.plan(input.source, input.name),
      'stacks.apply': (input) => {
        const { source, name, token, ifVersion, build } = input;
        return answer(() =>
          apply.apply(source, {
            build: build === true,
            ...(name === undefined ? {} : { name }),
            ...(token === undefined ? {} : { token }),
            ...(ifVersion === undefined ? {} : { ifVersion }),
          }),
        );
      },
      'stacks.planRemove': (input) => answer(() => apply.planRemove(input.stack, input.volumes)),
      'stacks.remove': (input) =>
        answer(() => {
          apply.remove(input.stack, input.volumes);
          return { stack: input.stack };
        }),

      'stacks.planAdopt': (input) => adopt.plan(input.containers, input.name),
      'stacks.adopt': (input) => adopt.adopt(input.containers, input.name),
      'stacks.release': (input) =>
        answer(() => {
          adopt.release(input.stack);
          return { stack: input.stack };
        }),

      'services.list': (input) =>
        answer(() => [...serviceRows(store).values()].filter((row) => !input.stack || row.stack === input.stack)),
      'services.get': (input) => answer(() => needService(store, input.service)),
      'services.yaml': (input) => answer(() => ({ yaml: wishes.revision(needRow(store, input.service)).yaml })),
      'services.scale': (input) => answer(() => wishes.scale(input.service, input.replicas)),
      'services.stop': (input) => act(() => wishes.stop(input.service)),
      'services.start': (input) => act(() => wishes.start(input.service)),
      'services.restart': (input) => act(() => wishes.restart(input.service)),
      'services.explain': async (input) => {
        const view = needService(store, input.service);
        const replica = subjectOf(view, input.slot);
        if (input.slot !== undefined && !replica)
          throw fail('not-found', `${input.service} has no replica ${input.slot}.`);
        const id = replica?.container?.id;
        const detail = id === undefined ? undefined : await inspect(world.engine(), id);
        const lastLines = id === undefined ? [] : await lines(world, id);
        const controller = world.controller();
        const planInput = controller?.inputOf(input.service);
        const rollout = store.get('rollouts', input.service);
        const events = store
          .all('events')
          .filter(
            (event) => event.service === input.service && (!replica || !event.replica || event.replica === replica.id),
          )
          .sort((one, other) => (one.id < other.id ? 1 : -1))
          .slice(0, explainEvents);
        return explain({
          view,
          ...(input.slot === undefined ? {} : { slot: input.slot }),
          ...(detail ? { detail } : {}),
          ...(rollout ? { rollout } : {}),
          ...(controller && planInput ? { input: planInput, nodeName: (node: string) => controller.nameOf(node) } : {}),
          events,
          lastLines,
          away: world.engine() === undefined,
        });
      },
      'services.revisions': (input) =>
        answer(() => {
          const row = needRow(store, input.service);
          return [...wishes.revisions(row.key).values()]
            .sort((one, other) => other.revision - one.revision)
            .map((revision): RevisionView => ({
              service: row.key,
              revision: revision.revision,
              image: revision.spec.image,
              createdAt: revision.createdAt,
              stable: revision.stable,
              active: revision.revision === row.revision,
              cause: revision.cause,
              yaml: revision.yaml,
            }));
        }),
      'replicas.restart': (input) => act(() => wishes.restartReplica(input.replica)),
      'replicas.get': (input) => answer(() => needReplica(store, input.replica)),

      'rollouts.pause': (input) => act(() => wishes.pauseRollout(input.service)),
      'rollouts.resume': (input) => act(() => wishes.resumeRollout(input.service)),
      'rollouts.promote': (input) => act(() => wishes.promote(input.service)),
      'rollouts.abort': (input) => act(() => wishes.abort(input.service)),
      'rollouts.undo': (input) => answer(() => wishes.undo(input.service, input.revision)),
    },
    streams: {
      'stacks.watch': (_input, sink) => {
        const diff = new ListDiff<StackView>();
        return feed(sink, {
          clock,
          changed: onTables(store, ['stacks', 'stackStatus']),
          next: () => diff.next(stackRows(store)),
        });
      },
      'services.watch': (_input, sink) => {
        const diff = new ListDiff<ServiceView>();
        return feed(sink, {
          clock,
          changed: onTables(store, ['services', 'serviceStatus']),
          next: () => diff.next(serviceRows(store)),
        });
      },
    },
  };
}

/** Fires when a row of one of the tables changed. */
function onTables(store: Store, tables: readonly TableName[]): Event<unknown> {
  return (listener) =>
    store.onCommit((changes) => {
      if (changes.some((change) => tables.includes(change.table))) listener(undefined);
    });
}

/** Views made for rows that no controller looks after now, kept so that equal ones stay identical. */
const idleStacks = new WeakMap<StackRow, StackView>();
const idleServices = new WeakMap<ServiceRow, ServiceView>();

function stackRows(store: Store): Map<string, StackView> {
  const views = new Map<string, StackView>();
  for (const stack of store.all('stacks')) {
    let view = store.get('stackStatus', stack.name) ?? idleStacks.get(stack);
    if (!view) {
      view = stackViewOf(stack, [], store.all('services').filter((row) => row.stack === stack.name).length);
      idleStacks.set(stack, view);
    }
    views.set(stack.name, view);
  }
  return views;
}

function serviceRows(store: Store): Map<string, ServiceView> {
  const views = new Map<string, ServiceView>();
  for (const row of store.all('services')) {
    const view = store.get('serviceStatus', row.key) ?? idleView(store, row);
    if (view) views.set(row.key, view);
  }
  return views;
}

/** A service that nobody has looked at yet, or that runs on an engine that is not selected. */
function idleView(store: Store, row: ServiceRow): ServiceView | undefined {
  const known = idleServices.get(row);
  if (known) return known;
  const spec = store.get('revisions', revisionKey(row.key, row.revision))?.spec;
  if (!spec) return undefined;
  const { cpus, memory } = spec.deploy.limits;
  const view: ServiceView = {
    key: row.key,
    stack: row.stack,
    name: row.name,
    image: spec.image,
    mode: spec.deploy.mode.endsWith('job') ? 'job' : spec.deploy.mode === 'global' ? 'global' : 'replicated',
    replicas: wantedReplicas(row, spec),
    declared: spec.deploy.replicas,
    ready: 0,
    stopped: row.stopped,
    paused: row.paused,
    health: 'progress',
    words: sentence('service.engineAway'),
    since: row.updatedAt,
    revision: row.revision,
    replicaList: [],
    ports: [],
    urls: [],
    limits: { ...(cpus === undefined ? {} : { cpus }), ...(memory === undefined ? {} : { memory }) },
    restarts: 0,
    dependsOn: spec.dependsOn.map((dependency) => dependency.service),
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
  idleServices.set(row, view);
  return view;
}

function needStack(store: Store, name: string): StackRow {
  const row = store.get('stacks', name);
  if (!row) throw fail('not-found', `There is no stack ${name}.`, 'See the list with pilothouse ps.');
  return row;
}

function needRow(store: Store, key: string): ServiceRow {
  const row = store.get('services', key);
  if (!row) throw fail('not-found', `There is no service ${key}.`, 'See the list with pilothouse ps.');
  return row;
}

function needService(store: Store, key: string): ServiceView {
  const row = needRow(store, key);
  const view = store.get('serviceStatus', key) ?? idleView(store, row);
  if (!view) throw fail('not-found', `${key} has no revision ${row.revision}.`);
  return view;
}

function needReplica(store: Store, id: string): ReplicaView {
  const { service } = splitReplica(id);
  const replica = needService(store, service).replicaList.find((one) => one.id === id);
  if (!replica) throw fail('not-found', `There is no replica ${id}.`);
  return replica;
}

async function inspect(engine: Engine | undefined, id: string): Promise<ContainerDetail | undefined> {
  try {
    return await engine?.inspect(id);
  } catch {
    // An explanation without this evidence is better than none.
    return undefined;
  }
}

async function lines(world: StackWorld, id: string): Promise<string[]> {
  try {
    return (await world.lastLines?.(id, explainLines)) ?? [];
  } catch {
    return [];
  }
}
