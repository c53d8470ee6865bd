/** How a service stands, for people and for the services that wait for it. Pure. */
import { healthOrder, type Health, type ReplicaView, type ServiceView } from '../../contract/nouns';
import { sentence, type Sentence } from '../../contract/sentence';
import { endsTls, isFrontable } from '../../contract/fronting';
import type { ServiceSpec } from '../../contract/spec';
import type { RevisionRow, RolloutRow } from '../store';
import { driftWords } from './drift';
import type { Replica } from './judge';
import { replicaId } from './names';
import { imageKey } from './request';
import { wantedSpares } from './spares';
import { engineDelay } from './restart';
import type { Action, PlanInput, ServiceStatus, SlotMemory } from './types';

export interface ViewInput {
  input: PlanInput;
  replicas: Replica[];
  keep: number[];
  add: number[];
  wanted: number;
  current: RevisionRow;
  slotMemory: Record<number, SlotMemory>;
  /** Of two ready replicas in a slot the old one serves: the new set waits for its switch. */
  showOld?: boolean;
  /** Why no node takes a replica, by slot. */
  refusals?: ReadonlyMap<number, Sentence>;
  rollout?: RolloutRow;
  actions?: Action[];
  /** Warm spares; they are no replicas, and stand apart. */
  spares?: readonly Replica[];
}

type Standing = Pick<ReplicaView, 'state' | 'health' | 'words'> & { nextTryAt?: number };

/** The whole view of a service. */
export function viewOf(parts: ViewInput): ServiceView {
  const { input, wanted, current } = parts;
  const { service, before } = input;
  const spec = current.spec;
  const list = replicaViews(parts);
  const ready = list.filter((replica) => replica.state === 'ready').length;
  const standing = serviceStanding(parts, list, ready);
  const drift = firstDrift(parts);
  const same = input.memory.health?.health === standing.health;
  const ports = portsOf(spec, list, input.fronted === true);
  const view: ServiceView = {
    key: service.key,
    stack: service.stack,
    name: service.name,
    image: spec.image,
    mode: input.job ? 'job' : spec.deploy.mode.startsWith('global') ? 'global' : 'replicated',
    replicas: wanted,
    declared: spec.deploy.replicas,
    ready: Math.min(ready, wanted),
    stopped: service.stopped,
    paused: service.paused,
    health: standing.health,
    words: standing.words,
    since: (same ? input.memory.health?.since : undefined) ?? input.now,
    revision: service.revision,
    replicaList: list,
    ports,
    urls: ports.flatMap((port) => (port.url === undefined ? [] : [port.url])),
    limits: limitsOf(spec),
    restarts: list.reduce((sum, replica) => sum + replica.restarts, 0),
    dependsOn: spec.dependsOn.map((dependency) => dependency.service),
    createdAt: service.createdAt,
    updatedAt: service.updatedAt,
  };
  if (parts.rollout) {
    const {
      service: _s,
      resumedAt: _r,
      stepAt: _a,
      promoted: _p,
      switchedAt: _w,
      settled: _t,
      ...rollout
    } = parts.rollout;
    view.rollout = rollout;
  }
  if (drift) view.drift = drift;
  const { job, fronted = false, capabilities } = input;
  const wantsSpares = input.placer ? 0 : wantedSpares(service, spec, { job, fronted, capabilities });
  const { spares = [] } = parts;
  if (wantsSpares > 0 || spares.length > 0)
    view.spares = { wanted: wantsSpares, warm: spares.filter(({ phase }) => phase === 'paused').length };
  if (before) steady(view, before);
  return view;
}

/** Times that only wobble with the clocks stay as they were, so that an unchanged view is equal to the one before. */
function steady(view: ServiceView, before: ServiceView): void {
  const old = new Map(before.replicaList.map((replica) => [replica.id, replica]));
  for (const replica of view.replicaList) {
    const was = old.get(replica.id)?.nextTryAt;
    if (was !== undefined && replica.nextTryAt !== undefined && Math.abs(was - replica.nextTryAt) < 500) {
      replica.nextTryAt = was;
    }
  }
}

/** What dependents are told. A service that was once fully ready is healthy while at least one replica is ready. */
export function statusOf(parts: ViewInput): ServiceStatus {
  const { replicas, wanted, keep, current } = parts;
  const here = replicas.filter((replica) => !replica.leaving && replica.matches);
  const finished = here.filter((replica) => replica.phase === 'finished');
  const ready = new Set(replicas.filter((replica) => replica.ready).map((replica) => replica.slot)).size;
  const good = finished.filter((replica) => replica.attempt.finished?.exitCode === 0);
  return {
    started: wanted > 0 && (finished.length > 0 || replicas.some((replica) => replica.phase === 'running')),
    healthy: wanted > 0 && (ready >= wanted || (ready > 0 && current.stable)),
    completed: wanted > 0 && keep.length >= wanted && good.length >= wanted,
    failed: finished.length > good.length,
    live: replicas.some((replica) => replica.live),
  };
}

function replicaViews(parts: ViewInput): ReplicaView[] {
  const { input, replicas, keep, add } = parts;
  const bySlot = new Map<number, Replica[]>();
  for (const replica of replicas) {
    // A tombstone is nothing to look at.
    if (replica.leaving && replica.phase === 'intended' && !replica.busy) continue;
    const list = bySlot.get(replica.slot);
    if (list) list.push(replica);
    else bySlot.set(replica.slot, [replica]);
  }
  const slots = new Set([...keep, ...add, ...bySlot.keys()]);
  const views: ReplicaView[] = [];
  for (const slot of [...slots].sort((left, right) => left - right)) {
    const shown = representative(bySlot.get(slot) ?? [], parts.showOld === true);
    views.push(shown ? replicaView(shown, parts) : pendingView(slot, input, parts));
  }
  return views;
}

/** Of two replicas in one slot the one that serves is shown, else the newer one that is not going. */
function representative(replicas: Replica[], showOld: boolean): Replica | undefined {
  let best: Replica | undefined;
  for (const replica of replicas) {
    if (!best || score(replica, showOld) > score(best, showOld)) best = replica;
  }
  return best;
}

function score(replica: Replica, showOld: boolean): number {
  const old = showOld && replica.ready && !replica.matches ? 8e9 : 0;
  // While a rollout goes back the one that stays is shown, though it is the elder.
  const right = replica.matches ? 1e9 : 0;
  return old + (replica.ready ? 4e9 : 0) + (replica.leaving ? 0 : 2e9) + right + replica.attempt.generation;
}

function replicaView(replica: Replica, parts: ViewInput): ReplicaView {
  const { input } = parts;
  const { attempt } = replica;
  const detail = replica.detail ?? replica.last;
  const { nextTryAt, ...standing } = standingOf(replica, parts);
  const view: ReplicaView = {
    id: replicaId(attempt.service, attempt.slot),
    stack: input.service.stack,
    service: input.service.name,
    slot: attempt.slot,
    generation: attempt.generation,
    revision: replica.matches ? input.service.revision : attempt.revision,
    ...standing,
    node: attempt.node,
    image: replica.spec.image,
    restarts: (detail?.restartCount ?? 0) + replica.failures + (replica.memory.carried ?? 0),
    addresses: {},
    ports: detail && detail.state === 'running' ? detail.ports : [],
  };
  const machine = attempt.node === input.node ? undefined : input.placer?.node(attempt.node)?.address;
  if (machine !== undefined) view.machine = machine;
  if (nextTryAt !== undefined) view.nextTryAt = nextTryAt;
  if (detail) {
    view.container = { id: detail.id, name: detail.name };
    view.createdAt = detail.createdAt;
    if (detail.startedAt !== undefined) view.startedAt = detail.startedAt;
    if (detail.state !== 'running' && detail.exitCode !== undefined) view.exitCode = detail.exitCode;
    if (detail.oomKilled || replica.memory.oom !== undefined) view.oomKilled = true;
    for (const [name, network] of Object.entries(detail.networks)) view.addresses[name] = network.address;
  }
  return view;
}

function pendingView(slot: number, input: PlanInput, parts: ViewInput): ReplicaView {
  const { service } = input;
  return {
    id: replicaId(service.key, slot),
    stack: service.stack,
    service: service.name,
    slot,
    generation: service.generations[String(slot)] ?? 0,
    revision: service.revision,
    ...waiting(parts, parts.slotMemory[slot], slot),
    node: input.node,
    image: parts.current.spec.image,
    restarts: 0,
    addresses: {},
    ports: [],
  };
}

/** Why a replica that has no container yet has none. */
function waiting(parts: ViewInput, slot?: SlotMemory, at?: number): Standing {
  const { input, current } = parts;
  if (input.gate.start) return { state: 'pending', health: 'progress', words: input.gate.start.words };
  if (input.resources === 'waiting')
    return { state: 'pending', health: 'progress', words: sentence('service.preparing') };
  if (input.resources !== 'ready') return { state: 'pending', health: 'critical', words: input.resources };
  const refusal = at === undefined ? undefined : parts.refusals?.get(at);
  if (refusal) return { state: 'pending', health: 'warning', words: refusal };
  if (input.room) return { state: 'pending', health: 'warning', words: input.room.words };
  const image = input.image(imageKey(current));
  if (image?.state === 'pulling') return { state: 'creating', health: 'progress', words: image.words };
  if (image?.state === 'failed') {
    return { state: 'backoff', health: 'critical', words: image.words, ...due(input, image.nextTryAt) };
  }
  if (slot?.nextTryAt !== undefined && slot.nextTryAt > input.monotonic) {
    return {
      state: 'backoff',
      health: 'critical',
      words: slot.problem ?? sentence('replica.pending'),
      ...due(input, slot.nextTryAt),
    };
  }
  return { state: 'pending', health: 'progress', words: sentence('replica.pending') };
}

function due(input: PlanInput, at: number): { nextTryAt: number } {
  return { nextTryAt: Math.round(input.now + Math.max(0, at - input.monotonic)) };
}

function standingOf(replica: Replica, parts: ViewInput): Standing {
  const { input } = parts;
  const { detail, attempt } = replica;
  if (replica.leaving || replica.busy === 'remove') return progress('stopping', 'replica.stopping');
  if (replica.busy === 'create') return progress('creating', 'replica.creating');
  if (replica.busy === 'start') return progress('starting', 'replica.starting');
  if (
    attempt.waking &&
    (replica.phase === 'paused' || (replica.phase === 'running' && !replica.ready && !replica.unwell))
  )
    return progress('starting', 'replica.waking');
  switch (replica.phase) {
    case 'intended':
    case 'created':
      if (replica.problem) {
        const late = replica.notBefore > input.monotonic ? due(input, replica.notBefore) : {};
        return { state: 'backoff', health: 'critical', words: replica.problem, ...late };
      }
      return waiting(parts);
    case 'running': {
      if (replica.ready) return { state: 'ready', health: 'ok', words: sentence('replica.ready') };
      if (detail?.health === 'unhealthy') {
        const output = (detail.healthLog.at(-1)?.output ?? '').trim().slice(0, 200);
        return { state: 'unhealthy', health: 'critical', words: sentence('replica.unhealthy', { output }) };
      }
      return replica.probes ? probed(replica, replica.probes) : progress('starting', 'replica.starting');
    }
    case 'paused':
      return { state: 'paused', health: 'warning', words: sentence('replica.paused') };
    case 'restarting': {
      const next = (detail?.finishedAt ?? input.now) + engineDelay(detail?.restartCount ?? 0);
      return { ...ended(replica), nextTryAt: Math.max(next, detail?.finishedAt ?? 0) };
    }
    case 'exited':
      if (replica.notBefore > input.monotonic) return { ...ended(replica), ...due(input, replica.notBefore) };
      if (replica.problem) return { state: 'backoff', health: 'critical', words: replica.problem };
      if (input.gate.start) return { state: 'pending', health: 'progress', words: input.gate.start.words };
      return ended(replica);
    case 'finished': {
      const exit = attempt.finished?.exitCode ?? detail?.exitCode ?? 0;
      if (exit === 0) return { state: 'done', health: 'off', words: sentence('replica.done') };
      const oom = detail?.oomKilled === true ? oomWords(replica.spec) : undefined;
      return { state: 'failed', health: 'critical', words: oom ?? sentence('replica.failed', { exit }) };
    }
    case 'unknown': {
      const was = replica.last?.state;
      const state = was === 'running' ? 'unhealthy' : 'pending';
      return { state, health: 'warning', words: replica.nodeWords ?? sentence('replica.unknown') };
    }
    case 'gone':
    case 'foreign':
      return progress('pending', 'replica.pending');
    case 'removing':
    case 'dead':
      return progress('stopping', 'replica.stopping');
  }
}

/** Words of replicas that run and say themselves that they want no requests now. */
const isUnwilling: Partial<Record<Sentence['code'], true>> = { 'replica.readinessFails': true };
/** Words of replicas of which nothing certain is known, or that no node takes. */
const isDoubtful: Partial<Record<Sentence['code'], true>> = {
  'replica.unknown': true,
  'replica.nodeAway': true,
  'replica.dataAway': true,
  'replica.dataKept': true,
  'replica.folderKept': true,
  'replica.networkKept': true,
  'replica.keptWith': true,
  'replica.unplaced': true,
};
const probeWords = {
  startup: 'replica.startupFails',
  readiness: 'replica.readinessFails',
  liveness: 'replica.livenessFails',
} as const;

/** A running replica that its probes do not call ready. */
function probed(replica: Replica, probes: NonNullable<Replica['probes']>): Standing {
  const { failing, dead } = probes;
  if (!failing) return progress('starting', 'replica.starting');
  const words = sentence(probeWords[failing.kind], { output: failing.output.slice(0, 200) });
  if (dead) return { state: 'unhealthy', health: 'critical', words };
  // Before it was ever ready, a failing probe is how starting looks.
  if (!replica.memory.wasReady) return { state: 'starting', health: 'progress', words };
  return { state: 'unhealthy', health: 'warning', words };
}

function progress(state: ReplicaView['state'], code: Sentence['code']): Standing {
  return { state, health: 'progress', words: sentence(code) };
}

function ended(replica: Replica): Standing {
  const { detail } = replica;
  const exit = detail?.exitCode ?? 0;
  const attempt = Math.max(1, (detail?.restartCount ?? 0) + replica.failures) + 1;
  const words = detail?.oomKilled === true && exit !== 0 ? oomWords(replica.spec) : undefined;
  return { state: 'backoff', health: 'critical', words: words ?? sentence('replica.backoff', { exit, attempt }) };
}

function oomWords(spec: ServiceSpec): Sentence {
  const bytes = spec.deploy.limits.memory;
  const limit = bytes === undefined ? '?' : `${Math.round(bytes / 1048576)} MiB`;
  return sentence('replica.oom', { limit });
}

function serviceStanding(parts: ViewInput, list: ReplicaView[], ready: number): { health: Health; words: Sentence } {
  const { input, wanted, rollout } = parts;
  const { service } = input;
  const counts = { ready, wanted };
  const stoppingOnly = list.length > 0;
  if (service.removing) return { health: 'progress', words: sentence('service.removing') };
  if (service.stopped) {
    return stoppingOnly
      ? { health: 'progress', words: sentence('service.stopping') }
      : { health: 'off', words: sentence('service.stopped') };
  }
  if (service.paused) return { health: 'off', words: sentence('service.paused') };
  if (wanted === 0) {
    return stoppingOnly
      ? { health: 'progress', words: sentence('service.stopping') }
      : { health: 'off', words: sentence(service.resting === true ? 'service.resting' : 'service.empty') };
  }
  const staying = list.filter((replica) => replica.state !== 'stopping');
  const failed = staying.find((replica) => replica.state === 'failed');
  if (failed)
    return { health: 'critical', words: sentence('service.failed', { exit: failed.exitCode ?? exitOf(parts) }) };
  if (staying.length >= wanted && staying.every((replica) => replica.state === 'done')) {
    return { health: 'off', words: sentence('service.done') };
  }
  if (rollout?.state === 'running' || rollout?.state === 'rolling-back') {
    const code = rollout.state === 'running' ? 'service.updating' : 'service.rollingBack';
    return { health: 'progress', words: sentence(code, { replaced: rollout.replaced, total: rollout.total }) };
  }
  const serving = ready > 0 ? 'warning' : 'critical';
  if (rollout && (rollout.state === 'paused' || rollout.state === 'failed')) {
    return { health: rollout.state === 'failed' ? serving : 'warning', words: rollout.words };
  }
  const stuck = staying.find((replica) => replica.state !== 'backoff' && replica.health === 'critical');
  const backing = staying.find((replica) => replica.state === 'backoff' && replica.health === 'critical');
  if (backing) {
    const words = backing.words.code === 'replica.backoff' ? sentence('service.backoff', counts) : backing.words;
    return { health: serving, words };
  }
  if (stuck) {
    const words = stuck.state === 'unhealthy' ? sentence('service.unhealthy', counts) : stuck.words;
    return { health: serving, words };
  }
  const paused = staying.find((replica) => replica.state === 'paused');
  if (paused) return { health: 'warning', words: paused.words };
  if (ready < wanted) {
    if (input.gate.start && ready === 0) {
      return { health: 'progress', words: sentence('service.waiting', { dependency: input.gate.start.dependency }) };
    }
    const unwilling = staying.some((replica) => replica.state === 'unhealthy' && replica.words.code in isUnwilling);
    if (unwilling) return { health: serving, words: sentence('service.notReady', counts) };
    const doubtful = staying.find((replica) => replica.words.code in isDoubtful);
    if (doubtful) return { health: 'warning', words: doubtful.words };
    return {
      health: 'progress',
      words: sentence(parts.current.stable ? 'service.scaling' : 'service.starting', counts),
    };
  }
  const drift = firstDrift(parts);
  if (drift) return { health: 'warning', words: sentence('service.drifted') };
  if (list.length > wanted) return { health: 'progress', words: sentence('service.scaling', counts) };
  return { health: 'ok', words: sentence('service.running') };
}

function exitOf(parts: ViewInput): number {
  return (
    parts.replicas.find((replica) => (replica.attempt.finished?.exitCode ?? 0) !== 0)?.attempt.finished?.exitCode ?? 1
  );
}

function firstDrift(parts: ViewInput): Sentence | undefined {
  for (const replica of parts.replicas) {
    if (replica.phase !== 'running' || replica.leaving) continue;
    const revision = parts.input.revisions.get(replica.attempt.revision);
    const words = driftWords(replica, revision?.parts ?? parts.input.parts);
    if (words) return words;
  }
  return undefined;
}

const webPorts = new Set([80, 3000, 4200, 5000, 5173, 8000, 8008, 8080, 8081, 8088, 8888, 9000, 9090]);

function portsOf(spec: ServiceSpec, list: ReplicaView[], fronted: boolean): ServiceView['ports'] {
  return spec.ports.map((port) => {
    const binds = list.find((replica) => replica.ports.some((one) => one.target === port.target));
    const bound = binds?.ports.find((one) => one.target === port.target);
    const machine = (fronted && isFrontable(spec, port) ? undefined : binds?.machine) ?? 'localhost';
    const published = port.published?.from ?? bound?.published;
    const view: ServiceView['ports'][number] = { target: port.target, protocol: port.protocol };
    if (published === undefined) return view;
    view.published = published;
    const speaksHttp = port.appProtocol === undefined ? webPorts.has(port.target) : /^https?$/.test(port.appProtocol);
    const ended = port.published !== undefined && endsTls(spec, port.published.from) && isFrontable(spec, port);
    const secure = ended || port.appProtocol === 'https' || port.target === 443;
    if (port.protocol === 'tcp' && (speaksHttp || secure)) {
      const host = port.hostIp === undefined || ['0.0.0.0', '::', ''].includes(port.hostIp) ? machine : port.hostIp;
      view.url = `${secure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${published}`;
    }
    return view;
  });
}

function limitsOf(spec: ServiceSpec): ServiceView['limits'] {
  const { cpus, memory } = spec.deploy.limits;
  return { ...(cpus === undefined ? {} : { cpus }), ...(memory === undefined ? {} : { memory }) };
}

/** The worst of several healths. */
export function worst(healths: readonly Health[]): Health {
  for (const health of healthOrder) if (healths.includes(health)) return health;
  return 'off';
}
