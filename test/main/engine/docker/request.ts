/** Requests for containers with as little in them as there can be. */
import type { CreateContainer } from '../../../../src-main/core/engine';

const host: CreateContainer['host'] = {
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
  tmpfs: {},
  limits: {},
  reservations: {},
  restartPolicy: { name: 'no', maxAttempts: 0 },
  ports: [],
  mounts: [],
};

/** A busybox that does nothing, changed by `change`. */
export function containerRequest(
  change: Partial<Omit<CreateContainer, 'host'>> & { host?: Partial<CreateContainer['host']> } = {},
): CreateContainer {
  return {
    name: 'test',
    image: 'busybox:latest',
    labels: {},
    environment: {},
    tty: false,
    stdinOpen: false,
    stopTimeout: 1_000,
    networks: [],
    ...change,
    host: { ...host, ...change.host },
  };
}
