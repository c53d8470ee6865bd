/** What guards of config releases look at: errors in the logs of replicas, and what the gateway measured of their answers. */
import { never } from '../base/lifecycle';
import type { Rates, RateSpan } from '../core/config';
import type { Logs } from '../core/logs';
import type { MetricsReader } from '../core/metrics';

/** Milliseconds. */
const second = 1000;

/** What cannot be read now is left out, and is looked at again a second later. */
export function guardRates(
  logs: Pick<Logs, 'calls'>,
  reader: MetricsReader,
): (replicas: readonly string[], span: RateSpan) => Promise<Rates> {
  return async (replicas, { from, late, to }) => {
    if (to <= from) return {};
    const wanted = new Set(replicas);
    const values = async (metric: string, since: number): Promise<{ step: number; series: Float64Array[] }> => {
      const step = Math.max(second, reader.finest(since));
      const where = ({ replica = '' }: Readonly<Record<string, string>>): boolean => wanted.has(replica);
      const slices = await reader.read({ metric, where, from: Math.ceil(since / second) * second, to, step });
      return { step, series: slices.map(({ average }) => average.filter((value) => !Number.isNaN(value))) };
    };
    /** How many there were, of a rate a second. */
    const count = async (metric: string): Promise<number> => {
      const { step, series } = await values(metric, from);
      return series.reduce((sum, cells) => sum + total(cells) * (step / second), 0);
    };
    /** Of the slowest of them. */
    const slowest = async (): Promise<Rates['p95']> => {
      const { series } = await values('gateway_latency_p95', late);
      const known = series.filter((cells) => cells.length > 0);
      if (known.length === 0) return undefined;
      const means = known.map((cells) => total(cells) / cells.length);
      return {
        mean: Math.max(...means),
        most: Math.max(...known.map((cells) => cells.reduce((a, b) => Math.max(a, b)))),
      };
    };
    const [errors, answers, failures, p95] = await Promise.all([
      errorsIn(logs, replicas, from, to).catch(() => undefined),
      count('gateway_requests').catch(() => undefined),
      count('gateway_errors').catch(() => undefined),
      slowest().catch(() => undefined),
    ]);
    return {
      ...(errors === undefined ? {} : { errors }),
      ...(answers === undefined ? {} : { answers }),
      ...(failures === undefined ? {} : { failures }),
      ...(p95 === undefined ? {} : { p95 }),
    };
  };
}

async function errorsIn(
  logs: Pick<Logs, 'calls'>,
  replicas: readonly string[],
  from: number,
  to: number,
): Promise<number> {
  const { total: found } = await logs.calls['logs.histogram'](
    { scope: { replicas: [...replicas] }, query: '', levels: ['error', 'fatal'], from, to, buckets: 1 },
    { kind: 'app', signal: never },
  );
  return found;
}

function total(cells: Float64Array): number {
  return cells.reduce((sum, value) => sum + value, 0);
}
