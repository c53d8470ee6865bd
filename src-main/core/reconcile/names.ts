/** What our containers, networks and volumes are called, and the labels they carry. */
import type { AttemptRow } from '../store';

/** Labels of everything we create. They say whose it is; they do not prove it (F9): see `ownership`. */
export const label = {
  install: 'io.pilothouse.install',
  stack: 'io.pilothouse.stack',
  service: 'io.pilothouse.service',
  slot: 'io.pilothouse.slot',
  generation: 'io.pilothouse.generation',
  revision: 'io.pilothouse.revision',
  hash: 'io.pilothouse.hash',
  nonce: 'io.pilothouse.nonce',
} as const;

/** `<stack>/<service>`, the key of a service. */
export function serviceKey(stack: string, service: string): string {
  return `${stack}/${service}`;
}

/** The stack and the name in a service's key. Stack names hold no slash. */
export function splitKey(key: string): { stack: string; name: string } {
  const at = key.indexOf('/');
  return { stack: key.slice(0, at), name: key.slice(at + 1) };
}

/** `<stack>/<service>.<slot>`, the id of a replica. */
export function replicaId(service: string, slot: number): string {
  return `${service}.${slot}`;
}

/** The slot in a replica's id, and the service's key before it. */
export function splitReplica(id: string): { service: string; slot: number } {
  const at = id.lastIndexOf('.');
  return { service: id.slice(0, at), slot: Number(id.slice(at + 1)) };
}

/** `<stack>.<service>.<slot>.g<generation>`: the container's name is the lock and the idempotency key of its creation (F7, I8). */
export function containerName(service: string, slot: number, generation: number): string {
  const { stack, name } = splitKey(service);
  return `${stack}.${name}.${slot}.g${generation}`;
}

/** The labels of one attempt's container. */
export function containerLabels(attempt: AttemptRow, installId: string): Record<string, string> {
  const { stack, name } = splitKey(attempt.service);
  return {
    [label.install]: installId,
    [label.stack]: stack,
    [label.service]: name,
    [label.slot]: String(attempt.slot),
    [label.generation]: String(attempt.generation),
    [label.revision]: String(attempt.revision),
    [label.hash]: attempt.hash,
    [label.nonce]: String(attempt.restartNonce),
  };
}
