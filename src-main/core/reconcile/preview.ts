/** A change as people read it before they agree: what will be created, replaced, changed, removed and kept. Pure. */
import { frontablePorts, wantsGateway } from '../../contract/fronting';
import type { PlanAction } from '../../contract/nouns';
import { sentence } from '../../contract/sentence';
import type { ServiceSpec, StackSpec } from '../../contract/spec';
import { hashValue } from '../stack';
import type { AttemptRow, ResourceRow, StackRow } from '../store';
import { budgetFor } from './budget';
import type { Build } from './builds';
import { checkpointedVolumes, type Change, type ServiceChange } from './change';
import { awaited } from './gates';
import { neededResources } from './resources';
import { isJob } from './restart';
import { isOrdered, wantedReplicas } from './slots';

export interface PreviewInput {
  change: Change;
  attempts: (service: string) => Iterable<AttemptRow>;
  /** The stack's resource rows by `network:<name>` or `volume:<name>`. */
  resources: ReadonlyMap<string, ResourceRow>;
  /** Images that are on the engine; undefined when it could not be asked. */
  images: ReadonlySet<string> | undefined;
  /** Where a service's new replicas go. */
  node: (service: string) => string;
  /** The engine can run a gateway. */
  gateway: boolean;
  /** Images that are built here. */
  builds: readonly Build[];
}

const buildWords = { missing: 'plan.buildMissing', changed: 'plan.buildChanged', wanted: 'plan.buildWanted' } as const;
const longest = 200;
const mostChanges = 50;

/** The actions of applying a change, resources first. */
export function previewChange(input: PreviewInput): PlanAction[] {
  const { change, resources, images } = input;
  const staying = change.services.filter((service) => service.kind !== 'remove');
  const specs = new Map<string, ServiceSpec>();
  for (const { row, revision } of staying) if (revision) specs.set(row.name, revision.spec);
  const jobs = awaited(specs);
  const services = staying.flatMap(({ row, revision }) =>
    revision ? [{ name: row.name, spec: revision.spec, replicas: row.replicas }] : [],
  );
  const needed = neededResources(change.stack, services);
  const actions: PlanAction[] = [];
  for (const [key, { kind, name, spec }] of needed) {
    const quiet = { noun: kind, name, destructive: false };
    if (spec.external) actions.push({ ...quiet, verb: 'keep', words: sentence('plan.useExternal') });
    else if (resources.has(key)) actions.push({ ...quiet, verb: 'keep', words: sentence('plan.keep') });
    else if (kind === 'network') actions.push({ ...quiet, verb: 'create', words: sentence('plan.createNetwork') });
    else actions.push({ ...quiet, verb: 'create', words: sentence('plan.createVolume') });
  }
  for (const [key, row] of resources) {
    if (needed.has(key)) continue;
    const words = sentence(row.kind === 'network' ? 'plan.removeNetwork' : 'plan.keepVolume');
    const verb = row.kind === 'network' ? 'remove' : 'keep';
    actions.push({ verb, noun: row.kind, name: row.name, words, destructive: false });
  }
  for (const { wish, due } of input.builds) {
    const base = { noun: 'image' as const, name: wish.image, destructive: false };
    if (!due) actions.push({ ...base, verb: 'keep', words: sentence('plan.keep') });
    else actions.push({ ...base, verb: 'build', words: sentence(buildWords[due], { folder: wish.build.context }) });
  }
  const pulled = new Set<string>();
  for (const { kind, revision } of staying) {
    if (!revision || kind === 'same' || kind === 'settings' || kind === 'scale') continue;
    const { image, pullPolicy } = revision.spec;
    const missing = images !== undefined && !images.has(image);
    if (pulled.has(image) || pullPolicy === 'never' || !(missing || pullPolicy === 'always')) continue;
    pulled.add(image);
    actions.push({ verb: 'pull', noun: 'image', name: image, words: sentence('plan.pullImage'), destructive: false });
  }
  for (const { row, revision, from, rollout } of staying) {
    if (!revision || !from || rollout?.checkpoint !== true) continue;
    const volumes = checkpointedVolumes(revision.spec, from).join(', ');
    const words = sentence('plan.checkpoint', { volumes, mode: revision.spec.pilothouse.checkpoint?.mode ?? '' });
    actions.push({ verb: 'checkpoint', noun: 'service', name: row.key, words, destructive: false });
  }
  for (const service of change.services) {
    actions.push(serviceAction(service, input, { job: jobs.has(service.row.name) }));
  }
  if (input.gateway) actions.push(...gatewayActions(staying));
  return actions;
}

/** Ports that the gateway will publish, or publishes. */
function gatewayActions(services: readonly ServiceChange[]): PlanAction[] {
  return services.flatMap(({ row, revision, kind }) => {
    if (!revision || !wantsGateway(revision.spec, row)) return [];
    return frontablePorts(revision.spec).map((port): PlanAction => ({
      verb: kind === 'new' || kind === 'start' ? 'publish' : 'keep',
      noun: 'gateway',
      name: row.key,
      words: sentence('plan.useGateway', { port: port.published.from }),
      destructive: false,
    }));
  });
}

function serviceAction(change: ServiceChange, input: PreviewInput, options: { job: boolean }): PlanAction {
  const { row, before, revision, from, kind } = change;
  const name = row.key;
  const running = [...input.attempts(row.key)].filter((attempt) => attempt.state !== 'removing').length;
  const base = { noun: 'service' as const, name, destructive: false };
  const spec = revision?.spec;
  const wanted = spec ? wantedReplicas(row, spec) : 0;
  const changes = spec && from ? changesOf(from.spec, spec) : undefined;
  const withChanges = changes && changes.length > 0 ? { changes } : {};
  switch (kind) {
    case 'new':
    case 'start': {
      const job = spec !== undefined && isJob(spec, options.job);
      const words = job
        ? sentence('plan.runJob')
        : sentence('plan.createReplicas', { count: wanted, image: spec?.image ?? '' });
      return { ...base, verb: kind === 'new' ? 'create' : 'start', words, node: input.node(name) };
    }
    case 'replace': {
      if (running === 0) {
        const words = sentence('plan.createReplicas', { count: wanted, image: spec?.image ?? '' });
        return { ...base, verb: 'create', words, node: input.node(name), ...withChanges };
      }
      const count = Math.min(running, wanted);
      const words = sentence('plan.replaceReplicas', {
        count,
        how: spec ? howOf(spec, wanted, input.gateway && wantsGateway(spec, row)) : '',
      });
      return { ...base, verb: 'replace', words, node: input.node(name), ...withChanges };
    }
    case 'scale': {
      const to = row.replicas;
      const words = sentence('plan.scale', { from: before?.replicas ?? 0, to });
      return { ...base, verb: 'scale', words, ...withChanges, destructive: to < (before?.replicas ?? 0) };
    }
    case 'settings':
      return { ...base, verb: 'update', words: sentence('plan.keep'), ...withChanges };
    case 'same':
      return { ...base, verb: 'keep', words: sentence('plan.keep') };
    case 'remove':
      return { ...base, verb: 'remove', words: sentence('plan.removeService', { count: running }), destructive: true };
  }
}

function howOf(spec: ServiceSpec, wanted: number, fronted: boolean): string {
  const budget = budgetFor(spec, wanted, { rollback: false, restart: false, ordered: isOrdered(spec, fronted) });
  if (budget.recreate) return 'all at once, old ones first';
  const order = budget.surge > 0 ? 'start-first' : 'stop-first';
  return `${order}, ${budget.parallel} at a time`;
}

/** What removing a stack means. */
export function previewRemove(
  stack: StackRow,
  options: {
    services: readonly { key: string; replicas: number }[];
    resources: ReadonlyMap<string, ResourceRow>;
    volumes: boolean;
  },
): PlanAction[] {
  const actions: PlanAction[] = options.services.map(({ key, replicas }) => ({
    verb: 'remove',
    noun: 'service',
    name: key,
    words: sentence('plan.removeService', { count: replicas }),
    destructive: true,
  }));
  for (const row of options.resources.values()) {
    if (row.kind === 'network') {
      actions.push({
        verb: 'remove',
        noun: 'network',
        name: row.name,
        words: sentence('plan.removeNetwork'),
        destructive: false,
      });
    } else if (options.volumes) {
      actions.push({
        verb: 'remove',
        noun: 'volume',
        name: row.name,
        words: sentence('plan.removeVolume'),
        destructive: true,
      });
    } else {
      actions.push({
        verb: 'keep',
        noun: 'volume',
        name: row.name,
        words: sentence('plan.keepVolume'),
        destructive: false,
      });
    }
  }
  actions.push({
    verb: 'remove',
    noun: 'stack',
    name: stack.name,
    words: sentence('stack.removing'),
    destructive: true,
  });
  return actions;
}

/** The token of a plan: changes when the wish, the stored rows or the set of replicas do. */
export function planToken(change: Change, attempts: (service: string) => Iterable<AttemptRow>): string {
  return hashValue({
    version: change.stack.version,
    changed: change.changed,
    spec: change.stack.spec,
    services: change.services.map((service) => ({
      kind: service.kind,
      before: service.before && [service.before.revision, service.before.replicas, service.before.restartNonce],
      hash: service.revision?.hash,
      spec: service.revision?.spec,
      attempts: [...attempts(service.row.key)]
        .filter((attempt) => attempt.state !== 'removing')
        .map((attempt) => attempt.name)
        .sort(),
    })),
  });
}

/** Field paths that differ, both sides as short text. Values that look secret are not shown. */
export function changesOf(from: unknown, to: unknown): { path: string; from?: string; to?: string }[] {
  const before = flatten(from);
  const after = flatten(to);
  const changes: { path: string; from?: string; to?: string }[] = [];
  for (const path of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const old = before.get(path);
    const now = after.get(path);
    // Which image was built is told by its own line.
    if (old === now || path === 'build.id' || changes.length >= mostChanges) continue;
    const secret = /(?:pass|secret|token|credential|private|api_?key)/i.test(path);
    const text = (value: string): string => (secret ? '••••' : value.slice(0, longest));
    changes.push({
      path,
      ...(old === undefined ? {} : { from: text(old) }),
      ...(now === undefined ? {} : { to: text(now) }),
    });
  }
  return changes;
}

function flatten(value: unknown, path = '', into = new Map<string, string>()): Map<string, string> {
  if (typeof value === 'object' && value !== null) {
    const entries = Array.isArray(value)
      ? value.map((item, index) => [`[${index}]`, item] as const)
      : Object.entries(value);
    for (const [key, item] of entries) {
      flatten(item, path === '' || key.startsWith('[') ? `${path}${key}` : `${path}.${key}`, into);
    }
  } else if (value !== undefined) into.set(path, String(value));
  return into;
}

/** The whole project as stored, put together again from its rows. */
export function storedSpec(stack: StackRow, services: ReadonlyMap<string, ServiceSpec>): StackSpec {
  return { ...stack.spec, services: Object.fromEntries(services) };
}
