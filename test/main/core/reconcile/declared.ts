/** What the service of the simulated world may be declared as: indices of small tables, so that every combination is a valid spec. */
import type { ProbeSpec, ServiceSpec } from '../../../../src-main/contract/spec';
import { serviceSpec } from '../../../support/builders';

export interface Declared {
  /** 0 quiet, 1 crashes, 2 never healthy, 3 not to be had, 4 well, then unwell, then well again. */
  image: number;
  version: number;
  replicas: number;
  startFirst: boolean;
  parallelism: number;
  /** 0 pause, 1 rollback, 2 continue. */
  action: number;
  port: boolean;
  health: boolean;
  /** 0 rolling, 1 canary, 2 blue-green, 3 recreate. */
  strategy: number;
  /** 0 none, 1 readiness, 2 readiness and liveness. */
  probes: number;
  /** A one-shot service has to end well before it starts. */
  seeded: boolean;
  /** The autoscaler writes its count. */
  scaled: boolean;
  /** 0 goes anywhere, 1 has its data in one volume (so too when absent), 2 has identities, each with a volume of its own. */
  place?: number;
  /** Warm spares; none when absent. */
  spares?: number;
}

export const images = [
  { reference: 'web:1' },
  { reference: 'crash:1', program: { exit: { after: 300, code: 1 } } },
  { reference: 'sick:1', program: { readyAfter: 1e12 } },
  { reference: 'moody:1', program: { unhealthyAfter: 8000, healthyAgainAfter: 20_000 } },
  { reference: 'db:1', program: { readyAfter: 3000 } },
  { reference: 'seed:1', program: { exit: { after: 700, code: 0 } } },
];
const references = ['web:1', 'crash:1', 'sick:1', 'nowhere:1', 'moody:1'];
export const strategies = ['rolling', 'canary', 'blue-green', 'recreate'] as const;

/** The bounds of the autoscaler, and the requests a second that one replica should get. */
export const scaling = { min: 1, max: 4, target: 10 };

/** What web waits for in a calm world; slow to get ready. */
export const database: Record<string, Partial<ServiceSpec>> = {
  db: {
    image: 'db:1',
    healthcheck: { test: ['CMD', 'probe'], interval: 2000, timeout: 500, retries: 3, startPeriod: 0 },
  },
};

/** The one-shot that a `seeded` service waits for. */
export const seeding: Record<string, Partial<ServiceSpec>> = { seed: { image: 'seed:1' } };

function probe(given: Partial<ProbeSpec>): ProbeSpec {
  const usual = { initialDelay: 0, period: 3000, timeout: 1000, successThreshold: 1, failureThreshold: 2 };
  return { tcp: { port: 80 }, ...usual, ...given };
}

/** Strategies that divide the traffic, or switch it. */
export function isStagedIn(declared: Declared): boolean {
  return declared.strategy === 1 || declared.strategy === 2;
}

export function specOf(declared: Declared): Partial<ServiceSpec> {
  const base = serviceSpec();
  const update = {
    ...base.deploy.update,
    parallelism: declared.parallelism,
    order: declared.startFirst ? ('start-first' as const) : ('stop-first' as const),
    failureAction: (['pause', 'rollback', 'continue'] as const)[declared.action] ?? 'pause',
    monitor: 1000,
  };
  const strategy = strategies[declared.strategy] ?? 'rolling';
  const spec: Partial<ServiceSpec> = {
    image: references[declared.image] ?? 'web:1',
    environment: { VERSION: String(declared.version) },
    stopGracePeriod: 2000,
    mounts: declared.place === 0 ? [] : [{ type: 'volume', source: 'data', target: '/data', readOnly: false }],
    deploy: { ...base.deploy, replicas: declared.replicas, update, rollback: update },
    pilothouse: { rollout: { strategy, progressDeadline: 120_000 } },
  };
  const { pilothouse } = spec;
  // What goes anywhere, or has its data on several nodes, is reached by its ports.
  if (pilothouse && (declared.place === 0 || declared.place === 2)) pilothouse.spread = true;
  if (pilothouse && declared.place === 2) pilothouse.stateful = true;
  if (pilothouse && declared.spares) pilothouse.warmSpares = declared.spares;
  if (pilothouse?.rollout && strategy === 'canary')
    pilothouse.rollout.steps = [{ weight: 25, pause: 2000 }, { weight: 60 }];
  if (pilothouse?.rollout && strategy === 'blue-green') pilothouse.rollout.steps = [{ weight: 100, pause: 4000 }];
  if (pilothouse && isStagedIn(declared))
    pilothouse.traffic = { mode: 'http', algorithm: 'roundrobin', route: { port: 80 } };
  if (pilothouse && declared.probes > 0) {
    pilothouse.probes = { readiness: probe({}) };
    if (declared.probes > 1) pilothouse.probes.liveness = probe({ period: 5000, failureThreshold: 3 });
  }
  if (pilothouse && declared.scaled) {
    const { min, max, target } = scaling;
    const behavior = { scaleDown: { stabilization: 0 } };
    pilothouse.autoscale = { min, max, metrics: [{ metric: 'requests', type: 'AverageValue', target }], behavior };
  }
  if (declared.port) {
    spec.ports = [{ target: 80, protocol: 'tcp', published: { from: 8080, to: 8083 }, mode: 'ingress' }];
  }
  if (declared.health) {
    spec.healthcheck = { test: ['CMD', 'probe'], interval: 5000, timeout: 1000, retries: 2, startPeriod: 0 };
  }
  return spec;
}
