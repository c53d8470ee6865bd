/** Figures as a sentence says them. */
import type { AutoscaleMetric } from '../../contract/spec';

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function writeFigure({ metric, type }: Pick<AutoscaleMetric, 'metric' | 'type'>, value: number): string {
  if (type === 'Utilization') return `${Math.round(value)} %`;
  if (metric === 'latency') return `${Math.round(value)} ms`;
  if (metric === 'requests') return `${short(value)}/s`;
  if (metric !== 'memory') return short(value);
  let [rest, unit] = [value, 0];
  while (rest >= 1024 && unit < units.length - 1) [rest, unit] = [rest / 1024, unit + 1];
  return `${short(rest)} ${units[unit]}`;
}

function short(value: number): string {
  return String(Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3)));
}
