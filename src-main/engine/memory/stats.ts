/** The counters of a container, computed from its program's curves. */
import type { Clock } from '../../base/clock';
import { hash32 } from '../../base/random';
import type { StatsSample } from '../../core/engine';
import type { Container } from './container';

/** Adds up what the process used since it was last counted, and returns its counters; undefined when nothing runs. */
export function sample(container: Container, clock: Clock): StatsSample | undefined {
  const process = container.process;
  if (!process || (container.state !== 'running' && container.state !== 'paused')) return undefined;
  const seed = hash32(container.id);
  const now = clock.monotonic();
  const age = Math.max(0, now - process.startedAt);
  const passed = Math.max(0, now - process.countedAt);
  process.countedAt = now;
  const limit = container.limits.cpus ?? Infinity;
  if (container.state === 'running') {
    const wanted = Math.max(0, process.program.cpu(age, seed));
    process.cpuNanos += Math.min(wanted, limit) * passed * 1e6;
    process.throttledNanos += Math.max(0, wanted - limit) * passed * 1e6;
    process.networkBytes += (Math.max(0, process.program.network(age, seed)) * passed) / 1000;
  }
  const grown = ((process.program.grows ?? 0) * age) / 1000;
  const memory = Math.max(0, process.program.memory(age, seed)) + grown;
  const memoryLimit = container.limits.memory;
  const result: StatsSample = {
    id: container.id,
    at: clock.now(),
    cpuNanos: Math.round(process.cpuNanos),
    memory: Math.round(Math.min(memory, memoryLimit ?? Infinity)),
    networkRx: Math.round(process.networkBytes),
    networkTx: Math.round(process.networkBytes * 1.7),
    blockRead: Math.round(process.networkBytes / 9),
    blockWrite: Math.round(process.networkBytes / 5),
    pids: 1 + (seed % 9),
  };
  if (memoryLimit !== undefined) result.memoryLimit = memoryLimit;
  if (container.limits.cpus !== undefined) result.cpuThrottledNanos = Math.round(process.throttledNanos);
  return result;
}

/** Milliseconds after the start at which the process outgrows its memory limit, if it does. */
export function outgrowsAfter(container: Container): number | undefined {
  const program = container.process?.program;
  const limit = container.limits.memory;
  if (!program?.grows || limit === undefined) return undefined;
  return Math.max(0, ((limit - program.memory(0, hash32(container.id))) / program.grows) * 1000);
}
