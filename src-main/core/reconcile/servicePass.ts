/** One pass over one service: look, plan, write down, and set the acts going. Passes are short; acts run in the pools meanwhile. */
import { wantsGateway } from '../../contract/fronting';
import { sentence, type Sentence } from '../../contract/sentence';
import type { ServiceSpec } from '../../contract/spec';
import type { ContainerDetail } from '../engine';
import type { Probes, ProbeTarget } from '../probes';
import type { AttemptRow, RevisionRow, ServiceRow, StackRow, Transaction } from '../store';
import type { StackParts } from '../stack';
import type { Outcome } from './acts';
import { imageOf } from './builds';
import { awaited, gateOf } from './gates';
import { replicaId, serviceKey, splitKey } from './names';
import { isOurs } from './ownership';
import { Placer } from './placer';
import { planService, tombstoneAge } from './plan';
import { resourcesOf } from './resources';
import { Rest } from './rest';
import { isJob, retryDelay } from './restart';
import { roomFor } from './room';
import { revisionKey } from './rows';
import { startRollout } from './rollout';
import { same } from './same';
import type { Action, AttemptMemory, ImageState, PlanInput, ReplicaInput, Seen, ServicePlan, Verb } from './types';
import { stackKey, type World } from './world';

const verbs: Record<'create' | 'start' | 'remove' | 'connect' | 'update' | 'rename' | 'sleep' | 'wake', Verb> = {
  create: 'create',
  start: 'start',
  remove: 'remove',
  connect: 'mend',
  update: 'mend',
  rename: 'mend',
  sleep: 'sleep',
  wake: 'wake',
};

/** How long a service's acts wait after an answer that did not come, milliseconds. */
const afterUnsure = 1000;

export class ServicePass {
  /** What runs now, by attempt. Waiting tasks are not in it: they can still be taken back. */
  private readonly busy = new Map<string, Verb>();
  private readonly rest: Rest;
  private readonly isBusy = (name: string): boolean => this.busy.has(name);

  constructor(private readonly world: World) {
    this.rest = new Rest(world, this.busy);
  }

  /** Brings one service nearer to what is wanted. */
  async run(key: string): Promise<void> {
    const { world } = this;
    if (world.isAway() || world.disposed()) return;
    const silent = this.silentNodes();
    const attempts = world.rows.attemptsOf(key).values();
    const asked = silent ? [...attempts].filter(({ node }) => !silent.has(node)) : attempts;
    await world.observer.look(asked, this.isBusy);
    if (world.isAway() || world.disposed()) return;
    const service = world.store.get('services', key);
    const stack = service && world.store.get('stacks', service.stack);
    if (!service || !stack) {
      world.prober?.follow(key, []);
      this.rest.forget(key);
      this.sweepOrphans(key);
      return;
    }
    if (stack.engine !== world.engine.id) return;
    const rest = this.rest.of(service, stack);
    if (rest) {
      this.wakeAt(key, rest.wakeAt);
      return;
    }
    const input = this.input(key, service, stack);
    if (!input) return;
    const plan = planService(input);
    this.settle(key, service, input, plan);
    this.probe(key, input);
    this.rest.note(key, plan);
    this.wakeAt(key, plan.wakeAt);
    if (service.removing && plan.empty) world.queue.addNow(stackKey(service.stack));
  }

  private wakeAt(key: string, at: number | undefined): void {
    const { queue, clock } = this.world;
    if (at !== undefined) queue.addAfter(key, Math.max(1, at - clock.monotonic()));
  }

  /** Everything the planner needs, from what is known now. */
  input(key: string, service: ServiceRow, stack: StackRow): PlanInput | undefined {
    const { world } = this;
    const revisions = world.rows.revisionsOf(key);
    const revision = revisions.get(service.revision);
    if (!revision) return undefined;
    const siblings = siblingsOf(world, service.stack);
    const parts: StackParts = revision.parts ?? stack.spec;
    const replicas: ReplicaInput[] = [];
    for (const attempt of world.rows.attemptsOf(key).values()) {
      const { seen, last } = world.observer.seen(attempt.name);
      const busy = this.busy.get(attempt.name);
      const replica: ReplicaInput = { attempt, seen };
      if (last) replica.last = last;
      if (busy) replica.busy = busy;
      if (world.unsent.has(attempt.name)) replica.unsent = true;
      const probes = this.probesOf(attempt, revision, revisions);
      if (probes && world.prober && isRunning(seen)) replica.probes = world.prober.verdict(attempt.name, seen, probes);
      replicas.push(replica);
    }
    const rollout = world.store.get('rollouts', key);
    const before = world.store.get('serviceStatus', key);
    const judged = rollout?.state === 'running' && revision.spec.pilothouse.rollout?.analysis !== undefined;
    const fresh = replicas.flatMap(({ attempt }) =>
      attempt.hash === revision.hash ? (attempt.containerId ?? []) : [],
    );
    const traffic = judged ? world.measure?.(fresh) : undefined;
    const fronted = world.engine.capabilities.gateway === true && wantsGateway(revision.spec, service);
    const { fleet } = world;
    const placer = fleet && new Placer({ store: world.store, rows: world.rows, fleet, stack, service, fronted });
    const room = placer
      ? undefined
      : roomFor({
          store: world.store,
          engine: world.engine.id,
          capacity: world.capacity?.(),
          service,
          revision,
          attempts: replicas.map(({ attempt }) => attempt),
        });
    return {
      ...(placer ? { placer } : {}),
      ...(traffic ? { traffic } : {}),
      ...(room ? { room } : {}),
      installId: world.installId,
      capabilities: world.engine.capabilities,
      node: world.engine.id,
      service,
      revisions,
      parts,
      job: isJob(revision.spec, awaited(siblings).has(service.name)),
      replicas,
      ...(rollout ? { rollout } : {}),
      gate: gateOf({
        stack: service.stack,
        name: service.name,
        spec: revision.spec,
        siblings,
        status: (other) => world.statuses.get(other),
      }),
      resources: this.resources(service, stack, revision),
      image: (name) => world.images.state(name) ?? this.imageOnNodes(name),
      memory: world.memory.get(key) ?? { attempts: {}, slots: {} },
      outage: world.outage,
      fronted,
      now: world.clock.now(),
      monotonic: world.clock.monotonic(),
      ...(before ? { before } : {}),
    };
  }

  /** Nodes that do not answer: nobody is asked about what is on them. Undefined where there is one. */
  private silentNodes(): ReadonlySet<string> | undefined {
    return this.world.fleet && new Set(this.world.fleet.nodes().flatMap(({ id, away }) => (away ? [id] : [])));
  }

  /** An image as the nodes have it together: what is still being got, or could not be had, comes first. */
  private imageOnNodes(key: string): ImageState | undefined {
    const { fleet, images } = this.world;
    const states = fleet?.nodes().flatMap(({ id }) => images.state(`${key} on ${id}`) ?? []) ?? [];
    return states.find(({ state }) => state !== 'ready') ?? states[0];
  }

  /** Probes change nothing in a container, so one that is what is wanted is probed as the newest revision says. */
  private probesOf(
    attempt: AttemptRow,
    current: RevisionRow,
    revisions: ReadonlyMap<number, RevisionRow>,
  ): Probes | undefined {
    const revision = attempt.hash === current.hash ? current : revisions.get(attempt.revision);
    return revision?.spec.pilothouse.probes;
  }

  /** Tells the prober which containers run now. */
  private probe(key: string, input: PlanInput): void {
    const { prober } = this.world;
    const current = input.revisions.get(input.service.revision);
    if (!prober || !current) return;
    const targets: ProbeTarget[] = [];
    for (const { attempt, seen } of input.replicas) {
      const probes = this.probesOf(attempt, current, input.revisions);
      if (probes && isRunning(seen) && attempt.state !== 'removing')
        targets.push({ name: attempt.name, detail: seen, probes });
      else if (probes && seen === 'unknown') targets.push(...prober.known(attempt.name));
    }
    prober.follow(key, targets);
  }

  private resources(service: ServiceRow, stack: StackRow, revision: RevisionRow): 'ready' | 'waiting' | Sentence {
    const needed = resourcesOf(stack, { name: service.name, spec: revision.spec, replicas: service.replicas });
    if (needed.length === 0) return 'ready';
    const known = this.world.resources.get(service.stack);
    if (!known) return 'waiting';
    for (const name of needed) {
      const problem = known.problems.get(name);
      if (problem) return problem;
    }
    return needed.every((name) => known.ready.has(name)) ? 'ready' : 'waiting';
  }

  /** Writes the plan down in one transaction, then lets its acts begin. When the commit fails nothing is done. */
  private settle(key: string, service: ServiceRow, input: PlanInput, plan: ServicePlan): void {
    const { world } = this;
    const notes = new Map<string, string | undefined>();
    for (const action of plan.actions) this.tell(service, action, notes);
    if (plan.rollout && plan.rollout.state !== input.rollout?.state) this.tellRollout(service, plan);
    this.tellHealth(key, input, plan);
    const changedView = !same(plan.view, input.before);
    const durable =
      plan.rollout !== undefined ||
      plan.stable !== undefined ||
      plan.actions.some((action) => ['forget', 'note', 'remove'].includes(action.do) || isFresh(action));
    if (durable || changedView || world.recorder.dirty) {
      world.store.transact((transaction) => {
        this.write(transaction, key, plan);
        if (changedView) transaction.put('serviceStatus', key, plan.view);
        world.recorder.into(transaction);
      });
    }
    for (const action of plan.actions) {
      if (action.do === 'forget') {
        world.observer.forget(action.name);
        world.unsent.delete(action.name);
        world.starts.cancel(action.name);
      } else if (isFresh(action)) {
        const { name } = action.attempt;
        world.unsent.add(name);
        world.observer.setGone(name);
      }
    }
    for (const name of Object.keys(plan.memory.attempts)) {
      if (!world.rows.attemptsOf(key).has(name)) delete plan.memory.attempts[name];
    }
    world.memory.set(key, plan.memory);
    if (world.statuses.set(key, plan.status)) this.wakeNeighbours(service);
    if (changedView) world.onView(service.stack);
    this.launch(key, input, plan.actions);
    if (plan.revert !== undefined || plan.stable !== undefined) world.queue.addNow(key);
  }

  private write(transaction: Transaction, key: string, plan: ServicePlan): void {
    const { world } = this;
    const generations: Record<string, number> = {};
    for (const action of plan.actions) {
      if (action.do === 'forget') transaction.remove('attempts', action.name);
      else if (action.do === 'note') {
        const row = transaction.get('attempts', action.name);
        if (row) transaction.put('attempts', action.name, { ...row, ...action.change });
      } else if (action.do === 'remove') {
        const row = transaction.get('attempts', action.name);
        if (row && row.state !== 'removing') {
          transaction.put('attempts', action.name, { ...row, state: 'removing', cause: action.reason });
        }
      } else if (isFresh(action)) {
        const { attempt } = action;
        transaction.put('attempts', attempt.name, attempt);
        generations[String(attempt.slot)] = attempt.generation;
      }
    }
    const service = transaction.get('services', key);
    if (service && Object.keys(generations).length > 0) {
      transaction.put('services', key, { ...service, generations: { ...service.generations, ...generations } });
    }
    if (plan.rollout) transaction.put('rollouts', key, plan.rollout);
    if (plan.stable !== undefined) {
      const row = transaction.get('revisions', revisionKey(key, plan.stable));
      if (row) transaction.put('revisions', revisionKey(key, plan.stable), { ...row, stable: true });
    }
    if (plan.revert !== undefined) {
      const row = transaction.get('services', key);
      const bad = row?.revision ?? 0;
      if (row) {
        transaction.put('services', key, { ...row, revision: plan.revert, updatedAt: world.clock.now() });
        const back = startRollout(row, {
          from: bad,
          to: plan.revert,
          now: world.clock.now(),
          strategy: plan.rollout?.strategy ?? 'rolling',
          total: row.replicas,
          back: true,
        });
        transaction.put('rollouts', key, back);
      }
    }
  }

  /** Sets acts going. What waits from an older plan and is not wanted any more is taken back. */
  private launch(key: string, input: PlanInput, actions: Action[]): void {
    const { world } = this;
    const wanted = new Map<string, Verb>();
    const mends = new Map<string, Extract<Action, { do: 'connect' | 'update' | 'rename' }>[]>();
    for (const action of actions) {
      if (action.do === 'create') wanted.set(action.attempt.name, 'create');
      else if (action.do in verbs && 'name' in action) wanted.set(action.name, verbs[action.do as keyof typeof verbs]);
    }
    for (const name of world.rows.attemptsOf(key).keys()) {
      const verb = wanted.get(name);
      if (verb === undefined || verb === 'remove' || verb === 'mend') world.starts.cancel(name);
      if (verb !== 'remove') world.stops.cancel(name);
    }
    for (const action of actions) {
      switch (action.do) {
        case 'create':
          this.begin(key, action.attempt.name, 'create', async () => {
            const request = this.request(input, action.attempt);
            const missing = await world.nodeResources?.ensure(action.attempt, request);
            // Nothing was sent: there is certainly no container.
            if (missing) world.unsent.add(action.attempt.name);
            return missing ?? world.acts.create(action.attempt.name, request);
          });
          break;
        case 'start':
          this.begin(key, action.name, 'start', () => {
            const attempt = world.store.get('attempts', action.name);
            if (!attempt) return Promise.resolve({ ok: false, kind: 'stale' });
            return world.acts.start(action.name, action.id, this.request(input, attempt));
          });
          break;
        case 'remove':
          this.begin(key, action.name, 'remove', () => world.acts.remove(action));
          break;
        case 'sleep':
        case 'wake':
          this.begin(key, action.name, action.do, () => {
            const attempt = world.store.get('attempts', action.name);
            if (!attempt) return Promise.resolve({ ok: false, kind: 'stale' });
            return world.acts[action.do](action.name, action.id, this.request(input, attempt));
          });
          break;
        case 'connect':
        case 'update':
        case 'rename':
          mends.set(action.name, [...(mends.get(action.name) ?? []), action]);
          break;
        case 'image':
          world.images.ensure(key, action);
          break;
        default:
          break;
      }
    }
    for (const [name, list] of mends) {
      this.begin(key, name, 'mend', async () => {
        for (const action of list) {
          const outcome = await world.acts.mend(action);
          if (!outcome.ok) return outcome;
        }
        return { ok: true };
      });
    }
  }

  private request(input: PlanInput, attempt: AttemptRow): Parameters<World['acts']['create']>[1] {
    const revision = input.revisions.get(attempt.revision) ?? input.revisions.get(input.service.revision);
    if (!revision) throw new Error(`${attempt.name} has no revision`);
    return {
      spec: revision.spec,
      parts: revision.parts ?? input.parts,
      job: input.job,
      capabilities: input.capabilities,
    };
  }

  private begin(key: string, name: string, verb: Verb, act: () => Promise<Outcome>): void {
    const { world } = this;
    const pool = verb === 'remove' ? world.stops : world.starts;
    if (this.busy.has(name) || pool.waits(name)) return;
    pool.add(name, async () => {
      if (world.disposed()) return;
      this.busy.set(name, verb);
      if (verb === 'create') world.unsent.delete(name);
      world.observer.invalidate(name);
      this.show(key);
      try {
        const outcome = await act();
        if (!world.disposed()) this.finished(key, name, verb, outcome);
      } catch (thrown) {
        world.log('error', 'act failed', { container: name, verb, error: String(thrown) });
      } finally {
        this.busy.delete(name);
        world.observer.invalidate(name);
        if (!world.disposed()) world.queue.addNow(key);
      }
    });
  }

  /** An act has begun: its replica looks different now. Cheap, since the pass that is asked for has nothing to ask the engine. */
  private show(key: string): void {
    this.world.queue.add(key);
  }

  private finished(key: string, name: string, verb: Verb, outcome: Outcome): void {
    const { world } = this;
    const row = world.store.get('attempts', name);
    const memory = world.memory.get(key);
    const replica = row ? replicaId(row.service, row.slot) : undefined;
    const about = { ...this.about(key), ...(replica === undefined ? {} : { replica }) };
    if (outcome.ok) {
      if (!row) return;
      const id = replica ?? key;
      if (verb === 'remove') {
        world.store.transact((transaction) => {
          transaction.remove('attempts', name);
          this.event(row, {
            kind: 'replica.removed',
            health: 'off',
            words: sentence('event.replicaRemoved', { replica: id }),
          });
          world.recorder.into(transaction);
        });
        world.observer.forget(name);
      } else if (verb === 'mend') {
        world.recorder.record({
          ...about,
          kind: 'replica.mended',
          health: 'ok',
          words: sentence('event.replicaMended', { replica: id }),
        });
      } else if (verb !== 'sleep' && verb !== 'wake') {
        const known = memory?.attempts[name];
        if (known) {
          delete known.problem;
          delete known.nextTryAt;
        }
        if (row.spare) return;
        this.event(row, {
          kind: 'replica.started',
          health: 'progress',
          words: sentence('event.replicaStarted', { replica: id }),
        });
      }
      return;
    }
    if (!memory) return;
    const entry = { ...memory.attempts[name] };
    memory.attempts[name] = entry;
    const monotonic = world.clock.monotonic();
    switch (outcome.kind) {
      case 'unsure':
        entry.nextTryAt = monotonic + afterUnsure;
        if (outcome.error.code === 'away') world.onAway(outcome.error);
        return;
      case 'taken':
        entry.taken = true;
        world.recorder.record({
          ...about,
          kind: 'replica.nameTaken',
          health: 'warning',
          words: sentence('replica.nameTaken', { name }),
        });
        return;
      case 'no-image': {
        world.unsent.add(name);
        const revision = row && world.store.get('revisions', revisionKey(row.service, row.revision));
        world.images.reset(revision && imageOf(revision.spec));
        return;
      }
      case 'stale':
        return;
      case 'refused': {
        if (!row) return;
        if (verb === 'create' && row.containerId === undefined) world.unsent.add(name);
        const failures = (row.failures ?? 0) + 1;
        entry.problem = outcome.words;
        entry.nextTryAt = monotonic + retryDelay('create', failures, name);
        world.store.transact((transaction) => {
          const now = transaction.get('attempts', name);
          if (now && (verb === 'create' || verb === 'start')) transaction.put('attempts', name, { ...now, failures });
          world.recorder.record({ ...about, kind: 'replica.failed', health: 'critical', words: outcome.words });
          world.recorder.into(transaction);
        });
        return;
      }
    }
  }

  private about(key: string): { stack: string; service: string } {
    return { stack: splitKey(key).stack, service: key };
  }

  /** Records an event about a replica, with what led to it, and makes it the cause of what follows. */
  private event(
    row: Pick<AttemptRow, 'service' | 'slot' | 'containerId'>,
    event: { kind: string; health: 'ok' | 'progress' | 'warning' | 'critical' | 'off'; words: Sentence; at?: number },
  ): string {
    const { world } = this;
    const replica = replicaId(row.service, row.slot);
    const cause = world.causes.get(replica) ?? world.store.get('services', row.service)?.event;
    const id = world.recorder.record({
      ...this.about(row.service),
      ...event,
      replica,
      ...(row.containerId === undefined ? {} : { container: row.containerId }),
      ...(cause === undefined ? {} : { cause }),
    });
    world.causes.set(replica, id);
    return id;
  }

  /** What of a plan goes on the time line at once. */
  private tell(service: ServiceRow, action: Action, told: Map<string, string | undefined>): void {
    const { world } = this;
    const row = 'name' in action ? world.store.get('attempts', action.name) : undefined;
    const replica = row ? replicaId(row.service, row.slot) : '';
    if (action.do === 'note' && row && action.event?.kind === 'exited') {
      const { exitCode, oomKilled, at } = action.event;
      if (world.outage(at, row.node)) {
        world.onOutageEnd(service.key);
        return;
      }
      // A user's act explains only its first consequences, not a crash that comes later.
      world.causes.delete(replica);
      const oom = oomKilled && exitCode !== 0;
      const words = oom
        ? sentence('event.replicaOom', { replica })
        : sentence('event.replicaExited', { replica, exit: exitCode });
      const health = exitCode === 0 ? 'ok' : 'critical';
      told.set(
        row.name,
        world.recorder.record({
          ...this.about(row.service),
          kind: oom ? 'replica.oom' : 'replica.exited',
          health,
          words,
          replica,
          actor: 'engine',
          ...(health === 'critical' ? { mark: 'event' as const } : {}),
          ...(row.containerId === undefined ? {} : { container: row.containerId }),
        }),
      );
      world.causes.set(replica, told.get(row.name) ?? '');
    } else if (action.do === 'note' && row && action.event?.kind === 'adopted') {
      this.event(row, { kind: 'replica.adopted', health: 'ok', words: sentence('event.replicaAdopted', { replica }) });
    } else if (action.do === 'note' && row && action.event?.kind === 'woken') {
      this.event(row, {
        kind: 'replica.woken',
        health: 'progress',
        words: sentence('event.replicaWoken', { replica }),
      });
    } else if (action.do === 'forget' && action.gone && row) {
      world.causes.delete(replica);
      const id = world.recorder.record({
        ...this.about(row.service),
        kind: 'replica.gone',
        health: 'warning',
        words: sentence('event.replicaGone', { replica }),
        replica,
        actor: 'engine',
        mark: 'event',
      });
      world.causes.set(replica, id);
    } else if (isFresh(action)) {
      const { attempt } = action;
      const id = replicaId(attempt.service, attempt.slot);
      const words = sentence(attempt.spare ? 'event.spareCreated' : 'event.replicaCreated', { replica: id });
      this.event(attempt, { kind: attempt.spare ? 'spare.created' : 'replica.created', health: 'progress', words });
    }
  }

  /** Changes of health and pauses, seen by comparing what is remembered now with what was before. */
  private tellHealth(key: string, input: PlanInput, plan: ServicePlan): void {
    for (const [name, now] of Object.entries(plan.memory.attempts)) {
      const before = input.memory.attempts[name];
      const row = this.world.rows.attemptsOf(key).get(name);
      if (!before || !row || row.state === 'removing') continue;
      if (restartedInOutage(before, now, row, input.outage)) this.world.onOutageEnd(key);
      const replica = replicaId(row.service, row.slot);
      if (now.wasReady && !before.wasReady) {
        const duration = `${(Math.max(0, input.now - (row.wokenAt ?? row.createdAt)) / 1000).toFixed(1)} s`;
        const words = sentence('event.replicaReady', { replica, duration });
        this.event(row, { kind: 'replica.ready', health: 'ok', words });
        this.world.causes.delete(replica);
      } else if (
        before.unhealthySince !== undefined &&
        now.unhealthySince === undefined &&
        now.readySince !== undefined
      ) {
        this.event(row, {
          kind: 'replica.healthy',
          health: 'ok',
          words: sentence('event.replicaHealthy', { replica }),
        });
      }
      const goesOn = before.startedAt === now.startedAt && now.runningSince !== undefined && now.wasReady === true;
      const probed = input.replicas.some((one) => one.attempt.name === name && one.probes !== undefined);
      if (probed && goesOn && before.wasReady && now.unhealthySince === undefined) {
        if (before.readySince !== undefined && now.readySince === undefined) {
          const words = sentence('event.replicaNotReady', { replica });
          this.event(row, { kind: 'replica.notReady', health: 'warning', words });
        } else if (before.readySince === undefined && now.readySince !== undefined && !before.unhealthySince) {
          const words = sentence('event.replicaWilling', { replica });
          this.event(row, { kind: 'replica.willing', health: 'ok', words });
        }
      }
      if (now.unhealthySince !== undefined && before.unhealthySince === undefined) {
        const words = sentence('event.replicaUnhealthy', { replica });
        this.event(row, { kind: 'replica.unhealthy', health: 'critical', words });
      }
      if (now.paused && !before.paused) {
        this.event(row, {
          kind: 'replica.paused',
          health: 'warning',
          words: sentence('event.replicaPaused', { replica }),
        });
      } else if (before.paused && !now.paused && now.runningSince !== undefined) {
        this.event(row, {
          kind: 'replica.unpaused',
          health: 'ok',
          words: sentence('event.replicaUnpaused', { replica }),
        });
      }
    }
  }

  private tellRollout(service: ServiceRow, plan: ServicePlan): void {
    const { rollout } = plan;
    if (!rollout) return;
    const bad = rollout.state === 'failed' || rollout.state === 'paused';
    const kinds = { done: 'rollout.done', 'rolled-back': 'rollout.rolledBack' } as const;
    const kind = bad ? 'rollout.failed' : kinds[rollout.state as keyof typeof kinds];
    if (!kind) return;
    this.world.recorder.record({
      ...this.about(service.key),
      kind,
      health: bad ? 'critical' : 'ok',
      words: rollout.words,
      mark: 'rollout',
      ...(service.event === undefined ? {} : { cause: service.event }),
    });
  }

  private wakeNeighbours(service: ServiceRow): void {
    const { world } = this;
    for (const [name, spec] of siblingsOf(world, service.stack)) {
      const depends = spec.dependsOn.some((dependency) => dependency.service === service.name);
      const key = serviceKey(service.stack, name);
      if (depends) world.queue.addNow(key);
    }
    const own = world.store.get('revisions', revisionKey(service.key, service.revision))?.spec;
    for (const dependency of own?.dependsOn ?? []) world.queue.addNow(serviceKey(service.stack, dependency.service));
    if (service.removing) world.queue.addNow(stackKey(service.stack));
  }

  /** Attempts of services that are not declared any more: late containers of forgotten creates. */
  private sweepOrphans(key: string): void {
    const { world } = this;
    for (const attempt of [...world.rows.attemptsOf(key).values()]) {
      const here = attempt.node === world.engine.id || world.fleet?.nodes().some(({ id }) => id === attempt.node);
      if (!here || this.busy.has(attempt.name)) continue;
      const { seen } = world.observer.seen(attempt.name);
      if (seen === 'unknown') continue;
      if (seen === 'gone' || !isOurs(seen, attempt, world.installId)) {
        const age = world.clock.now() - attempt.createdAt;
        const late = attempt.containerId === undefined && !world.unsent.has(attempt.name);
        if (late && age >= 0 && age < tombstoneAge) {
          world.queue.addAfter(key, tombstoneAge - age + 1);
          continue;
        }
        world.store.transact((transaction) => transaction.remove('attempts', attempt.name));
        world.observer.forget(attempt.name);
        world.unsent.delete(attempt.name);
        continue;
      }
      const { id } = seen;
      const reason = sentence('reason.removed');
      world.store.transact((transaction) =>
        transaction.put('attempts', attempt.name, { ...attempt, containerId: id, state: 'removing', cause: reason }),
      );
      const stop = ['running', 'paused', 'restarting'].includes(seen.state);
      this.begin(key, attempt.name, 'remove', () =>
        world.acts.remove({ do: 'remove', name: attempt.name, id, stop, timeout: 10_000, reason }),
      );
    }
  }
}

/** The engine came back and started the container itself: it ended for the engine's sake, without our ever seeing it ended. */
function restartedInOutage(
  before: AttemptMemory,
  now: AttemptMemory,
  row: AttemptRow,
  outage: PlanInput['outage'],
): boolean {
  if (before.startedAt === undefined || now.startedAt === undefined || now.startedAt === before.startedAt) return false;
  const { node } = row;
  return outage(now.startedAt, node) && !(row.failedAt !== undefined && outage(row.failedAt, node));
}

function isRunning(seen: Seen): seen is ContainerDetail {
  return typeof seen !== 'string' && seen.state === 'running';
}

function isFresh(action: Action): action is Extract<Action, { do: 'create' }> {
  return action.do === 'create' && action.fresh;
}

/** The specs of a stack's declared services, by name. */
export function siblingsOf(world: Pick<World, 'rows' | 'store'>, stack: string): Map<string, ServiceSpec> {
  const specs = new Map<string, ServiceSpec>();
  for (const service of world.rows.servicesOf(stack).values()) {
    const revision = world.store.get('revisions', revisionKey(service.key, service.revision));
    if (revision) specs.set(service.name, revision.spec);
  }
  return specs;
}
