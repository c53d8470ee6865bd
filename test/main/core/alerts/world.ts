/** A room of alerts on a clock moved by hand: series are written each second, notices arrive in a list. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { silent } from '../../../../src-main/base/log';
import { seeded } from '../../../../src-main/base/random';
import {
  channelInput,
  routing,
  ruleInput,
  type RuleInput,
  type AlertView,
} from '../../../../src-main/contract/api/alerts';
import type { EventView } from '../../../../src-main/contract/nouns';
import {
  createAlerts,
  type Alerts,
  type AlertsOptions,
  type Delivery,
  type Outgoing,
} from '../../../../src-main/core/alerts';
import { parseDuration } from '../../../../src-main/core/metrics';
import { MetricStore } from '../../../../src-main/core/metrics/store/metricStore';
import { Store } from '../../../../src-main/core/store';
import { FakeClock } from '../../../support/clock';
import { memoryFiles, memoryRows, type MemoryRows } from '../../../support/disks';
import { codec } from '../metrics/support';

export const second = 1000;
export const minute = 60_000;
export const never = { aborted: false, addEventListener: () => undefined, removeEventListener: () => undefined };
export const caller = { kind: 'window' as const, signal: never };
export const defaultRules = readFileSync(
  join(import.meta.dirname, '../../../../resources/alerts/default.yaml'),
  'utf8',
);

export function rule(given: Partial<RuleInput> & { query?: string } = {}): RuleInput {
  const { query = 'cpu > 2', ...rest } = given;
  return ruleInput.parse({ name: 'Busy', source: { kind: 'metric', query }, severity: 'critical', ...rest });
}

/** A value each second; undefined is not measured. */
export type Script = Record<string, (elapsed: number) => number | undefined>;

export interface Sent {
  at: number;
  key: string;
  outgoing: Outgoing;
}

export interface World {
  alerts: Alerts;
  clock: FakeClock;
  store: Store;
  rows: MemoryRows;
  sent: Sent[];
  /** What the far end answers. */
  answer: (sent: Sent) => Delivery | Promise<Delivery>;
  measuring: boolean;
  /** Milliseconds since the beginning of the world. */
  elapsed(): number;
  script: Script;
  logLines: Map<string, number>;
  /** Counts lines; by default they are `logLines` whenever it is asked. */
  countLines: AlertsOptions['countLogs'];
  play(duration: number): Promise<void>;
  /** The same state in a new process. */
  restart(): void;
  states(): Promise<string[]>;
  views(): Promise<AlertView[]>;
  event(event: Partial<EventView> & { kind: string }): void;
}

export function world(given: { defaults?: string } = {}): World {
  const clock = new FakeClock();
  const begin = clock.now();
  const rows = memoryRows();
  const metricStore = new MetricStore({ files: memoryFiles(), codec, log: silent, retention: () => 30 * 86_400_000 });
  const pushed = new Map<string, { metric: string; labels: Record<string, string>; value: number; until: number }>();
  const self: World = {
    alerts: undefined as unknown as Alerts,
    clock,
    store: undefined as unknown as Store,
    rows,
    sent: [],
    answer: () => ({ delivered: true }),
    measuring: true,
    elapsed: () => clock.now() - begin,
    script: {},
    logLines: new Map(),
    countLines: () => Promise.resolve(self.logLines),
    async play(duration) {
      const end = clock.monotonic() + duration;
      while (clock.monotonic() < end) {
        const now = clock.now();
        metricStore.tick(now);
        if (self.measuring) writeScript();
        for (const [key, { metric, labels, value, until }] of pushed) {
          const series = metricStore.find(metric, labels);
          if (until < clock.monotonic()) pushed.delete(key);
          else if (series) metricStore.put(series, value);
        }
        await clock.advance(Math.min(second, end - clock.monotonic()));
      }
    },
    restart() {
      self.alerts.stop();
      build();
    },
    views: () => self.alerts.calls['alerts.list']({ limit: 1000 }, caller),
    async states() {
      const views = await self.views();
      return views.map(({ name, state, labels }) => `${name} ${labels['service'] ?? '-'} ${state}`).sort();
    },
    event(event) {
      const id = `e${self.store.keys('events').length}`;
      const row = {
        id,
        at: clock.now(),
        actor: 'engine',
        health: 'warning',
        count: 1,
        words: { code: 'service.running' },
        ...event,
      };
      self.store.transact((transaction) => transaction.put('events', id, row as EventView));
    },
  };
  const writeScript = (): void => {
    for (const [name, valueOf] of Object.entries(self.script)) {
      const [, metric = '', inside = ''] = /^(\w+)(?:\{(.*)\})?$/.exec(name) ?? [];
      const labels = Object.fromEntries(
        [...inside.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = '', value = '']) => [label, value]),
      );
      const value = valueOf(clock.now() - begin);
      const series = metricStore.find(metric, labels);
      if (series && value !== undefined) metricStore.put(series, value);
    }
  };
  const build = (): void => {
    self.store = new Store(rows);
    self.alerts = createAlerts({
      clock,
      random: seeded(1),
      store: self.store,
      log: silent,
      defaults: given.defaults ?? 'groups: []',
      metrics: {
        reader: metricStore,
        measuring: () => self.measuring,
        record: (metric, labels, { value, hold = 15_000 }) => {
          const until = clock.monotonic() + hold;
          pushed.set(JSON.stringify([metric, labels]), { metric, labels: { ...labels }, value, until });
        },
      },
      countLogs: (request) => self.countLines(request),
      deliver: async (outgoing, key) => {
        const sent = { at: clock.now() - begin, key, outgoing };
        self.sent.push(sent);
        return self.answer(sent);
      },
    });
    self.alerts.start();
  };
  build();
  return self;
}

/** A webhook that is told of everything, at once. */
export async function addWebhook(
  to: World,
  over: { groupWait?: number; groupInterval?: number; sendResolved?: boolean } = {},
): Promise<void> {
  const { groupWait = 0, groupInterval = 60_000, sendResolved = true } = over;
  const channel = channelInput.parse({
    name: 'Hook',
    sendResolved,
    target: { kind: 'webhook', url: 'https://hook.example/in' },
  });
  await to.alerts.calls['channels.put']({ id: 'hook', channel }, caller);
  const next = routing.parse({ groupBy: ['alertname'], groupWait, groupInterval, channels: ['hook'] });
  await to.alerts.calls['routing.set']({ routing: next }, caller);
}

/** The webhook's JSON of what was sent. */
export function bodies(
  to: World,
): { status: string; alerts: { status: string; labels: Record<string, string>; fingerprint: string }[] }[] {
  return to.sent.map(
    ({ outgoing }) => JSON.parse(outgoing.kind === 'http' ? outgoing.body : '{}') as ReturnType<typeof bodies>[number],
  );
}

/** `2m30s` in milliseconds. */
export function at(text: string): number {
  return parseDuration(text) ?? 0;
}
