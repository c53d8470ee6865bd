/** What the tests of the Docker engine share: a connection, containers that are removed again, and readers of streams. */
import { afterAll, beforeAll } from 'vitest';
import type { CreateContainer, EngineErrorCode, EngineStream } from '../../src-main/core/engine';
import { EngineError } from '../../src-main/core/engine';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { containerRequest } from '../main/engine/docker/request';
import { testEngine } from '../support/engine';

/** A short name that no other run uses. */
export function uniqueName(what: string): string {
  return `t-${what}-${process.pid}-${(counter += 1)}`;
}
let counter = 0;

/** The connected engine of this run, and what a test file makes on it; everything is removed at the end. */
export function engineKit(): {
  engine: () => DockerEngine;
  create: (change?: Parameters<typeof containerRequest>[0]) => Promise<string>;
  run: (change?: Parameters<typeof containerRequest>[0]) => Promise<string>;
  shell: (script: string, change?: Parameters<typeof containerRequest>[0]) => Promise<string>;
  network: () => Promise<string>;
  volume: (driverOpts?: Record<string, string>) => Promise<string>;
} {
  let engine: DockerEngine | undefined;
  const [containers, networks, volumes]: string[][] = [[], [], []];
  const use = (): DockerEngine => {
    if (!engine) throw new Error('The engine is connected in beforeAll');
    return engine;
  };
  beforeAll(async () => {
    engine = await connect({ endpoint: testEngine().dockerHost });
  });
  afterAll(async () => {
    for (const id of containers ?? []) await use().remove(id, { force: true, anonymousVolumes: true });
    for (const id of networks ?? []) await use().removeNetwork(id);
    for (const name of volumes ?? []) await use().removeVolume(name);
    engine?.dispose();
  });
  const create = async (change: Parameters<typeof containerRequest>[0] = {}): Promise<string> => {
    const { id } = await use().create(containerRequest({ name: uniqueName('c'), ...change }));
    containers?.push(id);
    return id;
  };
  const run = async (change: Parameters<typeof containerRequest>[0] = {}): Promise<string> => {
    const id = await create({ command: ['sleep', '600'], ...change });
    await use().start(id);
    return id;
  };
  return {
    engine: use,
    create,
    run,
    shell: (script, change) => run({ ...change, command: ['sh', '-c', script] }),
    network: async () => {
      const name = uniqueName('net');
      const { id } = await use().createNetwork({
        name,
        driverOpts: {},
        internal: false,
        attachable: true,
        enableIpv6: false,
        labels: { 'io.pilothouse.test': name },
      });
      networks?.push(id);
      return name;
    },
    volume: async (driverOpts = {}) => {
      const name = uniqueName('vol');
      await use().createVolume({ name, driverOpts, labels: { 'io.pilothouse.test': name } });
      volumes?.push(name);
      return name;
    },
  };
}

/** Everything a stream delivers until it ends. */
export async function collect<T>(
  open: (take: (items: T[]) => void) => EngineStream<T>,
): Promise<{ items: T[]; code?: EngineErrorCode }> {
  const items: T[] = [];
  const { error } = await open((more) => items.push(...more)).ended;
  return { items, ...(error ? { code: error.code } : {}) };
}

/** The code a call fails with; undefined when it succeeds. */
export async function codeOf(call: Promise<unknown>): Promise<EngineErrorCode | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (error instanceof EngineError) return error.code;
    throw error;
  }
}

export type { CreateContainer };
