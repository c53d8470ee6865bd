/** The alerts room among its neighbours: figures and lines to look at, the rules that come along, and who sends its notices. */
import type { Clock } from '../base/clock';
import type { Log } from '../base/log';
import type { Random } from '../base/random';
import { never } from '../base/lifecycle';
import { createAlerts, type Alerts, type Deliver, type LogCount } from '../core/alerts';
import type { Logs } from '../core/logs';
import type { Metrics } from '../core/metrics';
import type { Sealer } from '../core/sealer';
import type { Store } from '../core/store';
import { createSender } from '../notify';
import defaults from '../../resources/alerts/default.yaml?raw';

export interface AlertParts {
  clock: Clock;
  random: Random;
  store: Store;
  log: Log;
  metrics: Metrics;
  logs: Logs;
  deliver?: Deliver | undefined;
  sealer: Sealer;
}

/** Makes the room; nothing runs before `start`. */
export function composeAlerts(parts: AlertParts): Alerts {
  const { clock, random, store, log, metrics, logs, deliver = createSender({ now: () => parts.clock.now() }) } = parts;
  return createAlerts({
    clock,
    random,
    store,
    log,
    metrics,
    defaults,
    deliver,
    sealer: channelSealer(parts.sealer),
    countLogs: (request) => countLines(logs, request),
  });
}

const sealedMark = 'sealed:';

/** Passwords and addresses of channels under the vault's key. What an earlier version kept in clear is sealed at its next change. */
function channelSealer(sealer: Sealer): { seal(text: string): string; open(text: string): string } {
  const context = 'alerts/channel';
  return {
    seal: (text) => `${sealedMark}${sealer.seal(text, context)}`,
    open: (text) => (text.startsWith(sealedMark) ? sealer.open(text.slice(sealedMark.length), context) : text),
  };
}

/** Counted by the facets of the search, so that a rule means what the same words mean on the log screen. */
async function countLines(logs: Logs, request: LogCount): Promise<ReadonlyMap<string, number>> {
  const { query, levels, stacks, services, from, to } = request;
  const scope = { ...(stacks ? { stacks } : {}), ...(services ? { services } : {}) };
  const input = { scope, query, ...(levels ? { levels } : {}), from, to, fields: ['service'] };
  const [facet] = await logs.calls['logs.facets'](input, { kind: 'app', signal: never });
  // Containers that are not ours have no stack; a rule says nothing of them.
  const ours = facet?.values.filter(({ value }) => value.includes('/')) ?? [];
  return new Map(ours.map(({ value, count }) => [value, count]));
}
