/** Requests for containers with as little in them as there can be. */
import type { CreateContainer } from '../../../../src-main/core/engine';
import { plainHost } from '../../../support/builders';

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
    host: { ...plainHost(), ...change.host },
  };
}
