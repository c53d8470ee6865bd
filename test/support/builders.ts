/** Things that tests need, complete and dull; each test overrides only what it is about. */
import { bareHost, type CreateContainer } from '../../src-main/core/engine';
import type { ServiceSpec } from '../../src-main/contract/spec';
import { seeded } from '../../src-main/base/random';
import { MemoryEngine, type MemoryEngineOptions } from '../../src-main/engine/memory';
import { FakeClock } from './clock';

/** What a user's container gets of its host when nothing is said. */
export function plainHost(): CreateContainer['host'] {
  return { ...bareHost(), capDrop: [], securityOpt: [] };
}

/** A request for a plain container from a quiet image. `host` is merged over the defaults. */
export function createRequest(
  given: Partial<Omit<CreateContainer, 'host'>> & { host?: Partial<CreateContainer['host']> } = {},
): CreateContainer {
  const { host, ...rest } = given;
  return {
    name: 'shop.web.1.g1',
    image: 'web:1',
    labels: {},
    environment: {},
    tty: false,
    stdinOpen: false,
    stopTimeout: 10_000,
    networks: [],
    ...rest,
    host: { ...plainHost(), ...host },
  };
}

/** A service as the parser makes it from nothing but an image. */
export function serviceSpec(given: Partial<ServiceSpec> = {}): ServiceSpec {
  const update = {
    parallelism: 1,
    delay: 0,
    failureAction: 'pause' as const,
    monitor: 5000,
    maxFailureRatio: 0,
    order: 'stop-first' as const,
  };
  return {
    image: 'web:1',
    pullPolicy: 'missing',
    environment: {},
    labels: {},
    tty: false,
    stdinOpen: false,
    readOnly: false,
    privileged: false,
    capAdd: [],
    capDrop: [],
    securityOpt: [],
    groupAdd: [],
    devices: [],
    extraHosts: [],
    dns: [],
    dnsSearch: [],
    dnsOpt: [],
    sysctls: {},
    ulimits: {},
    tmpfs: [],
    stopGracePeriod: 10_000,
    ports: [],
    expose: [],
    networks: [{ network: 'default', aliases: [], priority: 0 }],
    mounts: [],
    configs: [],
    secrets: [],
    dependsOn: [],
    deploy: {
      mode: 'replicated',
      replicas: 1,
      labels: {},
      limits: {},
      reservations: {},
      placement: { constraints: [], preferences: [] },
      update,
      rollback: update,
    },
    pilothouse: {},
    ...given,
  };
}

/** A memory engine on a fake clock; equal seeds give equal runs. The image `web:1` is on its disk, quiet and obedient. */
export function memoryEngine(options: Partial<MemoryEngineOptions> & { seed?: number; clock?: FakeClock } = {}): {
  engine: MemoryEngine;
  clock: FakeClock;
} {
  const clock = options.clock ?? new FakeClock();
  const { seed = 1, ...rest } = options;
  const engine = new MemoryEngine({ random: seeded(seed), images: [{ reference: 'web:1' }], ...rest, clock });
  return { engine, clock };
}
