/**
 * Docker, and whatever speaks its API (Podman, Docker Desktop, colima, …), as an engine of ours. `discover` finds the engines that
 * exist, `connect` makes one usable. Every call has a deadline and fails with a code of the port; everything that comes back is read
 * as untrusted. The rest of the room: `client` sends, `translate` and `requests` are the two directions of translation, `streams`,
 * `logs`, `events`, `stats` and `pull` the long answers, `cgroups` and `counters` the kernel's own figures.
 */
import { release } from 'node:os';
import { EngineError } from '../../core/engine';
import { readMounts } from './cgroups';
import { Client } from './client';
import { endpointId } from './discover';
import { targetOf, type FoundEngine } from './endpoint';
import { DockerEngine, type Deadlines } from './engine';
import { fields, text } from './parse';
import { lacksOf } from './podman';
import { explain } from './reasons';
import { isAtLeast } from './requests';
import { toFacts } from './translate';
import type { Signal } from '../../base/lifecycle';

export { discover, type Surroundings } from './discover';
export type { FoundEngine } from './endpoint';
export { DockerEngine, type Deadlines } from './engine';
export { readHostKey, trustHost, type HostKey } from './hostKeys';

/** The newest API version this code was written against, and the oldest whose answers it understands. */
const NEWEST_API = '1.47';
const OLDEST_API = '1.24';

/**
 * Connects: asks for the version, agrees on one, and learns who the engine is.
 * @throws EngineError `away`, `denied` (permission, plain TCP to another machine), `timeout`, `unsupported` (too old or too new)
 */
export async function connect(
  found: Pick<FoundEngine, 'endpoint' | 'problem' | 'tls'>,
  options: { deadlines?: Partial<Deadlines>; signal?: Signal } = {},
): Promise<DockerEngine> {
  const target = targetOf(found);
  const ask = { method: 'GET' as const, deadline: options.deadlines?.read ?? 10_000, signal: options.signal };
  const first = new Client(target);
  let api: string;
  let version: unknown;
  try {
    version = await first.ask({ ...ask, path: '/version' });
    api = agreeOn(fields(version));
  } catch (error) {
    throw error instanceof EngineError ? explain(error, target) : error;
  } finally {
    first.dispose();
  }
  const client = new Client(target, api);
  try {
    const info = await client.ask({ ...ask, path: '/info' });
    const facts = toFacts(info, version);
    // Podman makes up a new id for every answer.
    const ownId = facts.kind === 'docker' ? text(fields(info)['ID'], 128) : '';
    // The kernel is the same one only where the engine is not inside a virtual machine behind a local socket.
    const isHere =
      target.kind === 'socket' && process.platform === 'linux' && text(fields(info)['KernelVersion']) === release();
    const deadline = options.deadlines?.read ?? 10_000;
    const lacks = facts.kind === 'podman' ? await lacksOf(client, info, facts.version, deadline) : [];
    return new DockerEngine(client, {
      id: ownId || endpointId(found.endpoint),
      endpoint: found.endpoint,
      kind: facts.kind,
      api,
      lacks,
      mounts: isHere ? readMounts() : undefined,
      deadlines: options.deadlines ?? {},
    });
  } catch (error) {
    client.dispose();
    throw error;
  }
}

/** The newest API version that both sides speak. */
function agreeOn(version: ReturnType<typeof fields>): string {
  const newest = text(version['ApiVersion'], 16);
  const oldest = text(version['MinAPIVersion'], 16) || newest;
  if (!/^\d+\.\d+$/.test(newest)) throw new EngineError('refused', 'It does not answer as a Docker engine does');
  if (!isAtLeast(newest, OLDEST_API))
    throw new EngineError('unsupported', `It speaks API ${newest}; at least ${OLDEST_API} is needed`);
  if (!isAtLeast(NEWEST_API, oldest))
    throw new EngineError('unsupported', `It wants API ${oldest}; Pilothouse speaks up to ${NEWEST_API}`);
  return isAtLeast(NEWEST_API, newest) ? newest : NEWEST_API;
}
