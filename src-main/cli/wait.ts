/** Waiting until services are as wished, while showing how it goes. */
import type { Client } from '../contract/client';
import { fail, PilothouseError } from '../contract/errors';
import type { ServiceView } from '../contract/nouns';
import { say } from '../contract/sentence';
import type { Output } from './output';
import { harmless } from './format';

/** A service is settled when it is as wished and nothing moves; it has failed when it will not get there by itself. */
export function settled(service: ServiceView): 'yes' | 'no' | 'failed' {
  const rollout = service.rollout?.state;
  if (rollout === 'failed' || rollout === 'rolled-back') return 'failed';
  if (rollout === 'running' || rollout === 'rolling-back' || service.health === 'progress') return 'no';
  if (service.replicaList.some((replica) => replica.state === 'failed')) return 'failed';
  if (service.health === 'off' || service.paused) return 'yes';
  if (service.mode === 'job') return service.replicaList.every((replica) => replica.state === 'done') ? 'yes' : 'no';
  return service.health === 'ok' && service.ready >= service.replicas ? 'yes' : 'no';
}

export interface WaitOptions {
  /** Which services count; those that are missing are not settled. */
  wanted: (service: ServiceView) => boolean;
  /** Keys that must be there. */
  keys: readonly string[];
  /** Milliseconds. */
  timeout: number;
}

/** Throws `engine-away` when no engine answers. One that is being looked for or connected is given a moment. */
export async function needEngine(client: Client): Promise<void> {
  for (let round = 0; ; round++) {
    const engine = (await client.call('engines.list', {})).find((one) => one.selected);
    if (engine?.state === 'connected') return;
    // Right after its start the app may not even have looked.
    if (round >= 20 || engine?.state === 'away') {
      const reason = engine?.words ? `: ${harmless(say(engine.words), true)}` : '';
      throw fail(
        'engine-away',
        engine ? `${engine.name} does not answer${reason}.` : 'No container engine was found.',
        'See the engine with: pilothouse status',
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** A state must hold so long before it is believed: the first item may still be from before the act. Milliseconds. */
const steady = 400;

/** Resolves when all are settled. Throws `not-ready` when one failed or time ran out. */
export async function waitReady(client: Client, out: Output, options: WaitOptions): Promise<void> {
  await needEngine(client);
  const services = new Map<string, ServiceView>();
  const shown = new Map<string, string>();
  await new Promise<void>((resolve, reject) => {
    let calm: ReturnType<typeof setTimeout> | undefined;
    const timer = setTimeout(() => finish(notReady(services, options)), options.timeout);
    const watching = client.open(
      'services.watch',
      {},
      {
        item: (change) => {
          if (change.reset) services.clear();
          for (const key of change.gone) services.delete(key);
          for (const service of change.put) {
            if (!options.wanted(service)) continue;
            services.set(service.key, service);
            const text = out.state(service.health, say(service.words));
            if (shown.get(service.key) === text) continue;
            shown.set(service.key, text);
            out.note(`${service.key.padEnd(24)} ${text}`);
          }
          look();
        },
        end: (problem) => finish(problem ? new PilothouseError(problem) : fail('engine-away', 'Pilothouse has ended.')),
      },
    );
    function look(): void {
      clearTimeout(calm);
      const all = options.keys.map((key) => services.get(key));
      const failed = all.find((service) => service && settled(service) === 'failed');
      if (failed) calm = setTimeout(() => finish(failure(failed)), steady);
      else if (all.every((service) => service && settled(service) === 'yes')) calm = setTimeout(() => finish(), steady);
    }
    function finish(problem?: PilothouseError): void {
      clearTimeout(timer);
      clearTimeout(calm);
      queueMicrotask(() => watching.dispose());
      if (problem) reject(problem);
      else resolve();
    }
  });
}

function failure(service: ServiceView): PilothouseError {
  return fail(
    'not-ready',
    `${service.key} did not become ready: ${harmless(say(service.rollout?.words ?? service.words), true)}.`,
    `See why with: pilothouse explain ${service.key}`,
  );
}

function notReady(services: ReadonlyMap<string, ServiceView>, options: WaitOptions): PilothouseError {
  const late = options.keys.find((key) => {
    const service = services.get(key);
    return !service || settled(service) !== 'yes';
  });
  const service = late === undefined ? undefined : services.get(late);
  const state = service ? `: ${harmless(say(service.words), true)}` : '';
  return fail(
    'not-ready',
    `${late ?? 'A service'} is not ready after ${Math.round(options.timeout / 1000)} s${state}.`,
    `See why with: pilothouse explain ${late ?? 'STACK/SERVICE'}`,
  );
}
