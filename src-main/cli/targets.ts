/** The names a user types: `shop`, `shop/web`, `shop/web.2`. */
import type { Client } from '../contract/client';
import { fail } from '../contract/errors';
import type { LogScope, ServiceView } from '../contract/nouns';
import { UsageError } from './command';

const stack = /^[a-z0-9][a-z0-9_-]*$/;
const service = /^([a-z0-9][a-z0-9_-]*)\/([a-zA-Z0-9][a-zA-Z0-9._-]*)$/;

export type Target =
  | { kind: 'stack'; stack: string }
  | { kind: 'service'; service: string; stack: string }
  | { kind: 'replica'; replica: string; service: string; slot: number; stack: string };

/** Reads a name. A service whose own name ends in `.2` is told apart by asking for it with `services`. */
export function parseTarget(text: string): Target {
  if (stack.test(text)) return { kind: 'stack', stack: text };
  const match = service.exec(text);
  if (!match) throw new UsageError(`${text} is no name: write STACK, STACK/SERVICE or STACK/SERVICE.REPLICA.`);
  const owner = match[1] ?? '';
  const slot = /^(.+)\.([1-9]\d*)$/.exec(text);
  if (slot?.[1]?.includes('/'))
    return { kind: 'replica', replica: text, service: slot[1], slot: Number(slot[2]), stack: owner };
  return { kind: 'service', service: text, stack: owner };
}

/** The keys of the services that the names mean; a stack means all of its services. */
export async function chosenServices(client: Client, names: readonly string[]): Promise<ServiceView[]> {
  if (names.length === 0) throw new UsageError('Say which: STACK or STACK/SERVICE.');
  const all = await client.call('services.list', {});
  const chosen = new Map<string, ServiceView>();
  for (const name of names) {
    const target = parseTarget(name);
    const found = all.filter((one) => (target.kind === 'stack' ? one.stack === target.stack : one.key === name));
    if (found.length === 0) throw unknown(name, all);
    for (const one of found) chosen.set(one.key, one);
  }
  return [...chosen.values()];
}

/** What logs and figures to take for these names; none means everything. */
export function scopeOf(names: readonly string[]): LogScope {
  const scope: LogScope = {};
  for (const name of names) {
    const target = parseTarget(name);
    if (target.kind === 'stack') (scope.stacks ??= []).push(target.stack);
    else if (target.kind === 'service') (scope.services ??= []).push(target.service);
    else (scope.replicas ??= []).push(target.replica);
  }
  return scope;
}

function unknown(name: string, all: readonly ServiceView[]): Error {
  const target = parseTarget(name);
  const known = target.kind === 'stack' ? [...new Set(all.map((one) => one.stack))] : all.map((one) => one.key);
  const hint =
    known.length > 0 ? `There is: ${known.slice(0, 12).join(', ')}.` : 'Nothing is declared yet: pilothouse up.';
  return fail('not-found', `There is no ${target.kind === 'stack' ? 'stack' : 'service'} ${name}.`, hint);
}
