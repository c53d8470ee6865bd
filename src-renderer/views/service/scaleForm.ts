/** The form of scaling rules: what is typed, and the policy it means. */
import { idleBounds } from '../../../src-main/contract/resting';
import type { AutoscaleMetric, AutoscaleSpec } from '../../../src-main/contract/spec';

export type Kind = 'cpu' | 'memory' | 'requests' | 'latency' | 'query';
export const kinds: readonly Kind[] = ['cpu', 'memory', 'requests', 'latency', 'query'];

export interface MetricField {
  kind: Kind;
  type: AutoscaleMetric['type'];
  target: string;
  /** Of a metric that is none of ours. */
  query: string;
}

export interface ScaleForm {
  min: string;
  max: string;
  /** Seconds of less before it shrinks. */
  window: string;
  metrics: MetricField[];
  /** Seconds without a request after which it goes to zero; empty: never. */
  idle: string;
}

/** What was typed wrong, by field; `metrics` by row. */
export interface Wrong {
  bounds: boolean;
  window: boolean;
  idle: boolean;
  metrics: ('target' | 'query' | undefined)[];
}

const usualWindow = 300_000;

export function metricField(kind: Kind): MetricField {
  const type = kind === 'cpu' || kind === 'memory' ? 'Utilization' : kind === 'latency' ? 'Value' : 'AverageValue';
  const target = { cpu: '70', memory: '80', requests: '100', latency: '250', query: '10' }[kind];
  return { kind, type, target, query: '' };
}

export function formOf(policy: AutoscaleSpec | undefined, replicas: number): ScaleForm {
  if (!policy)
    return { min: '1', max: String(Math.max(3, replicas * 2)), window: '300', metrics: [metricField('cpu')], idle: '' };
  return {
    min: String(policy.min),
    max: String(policy.max),
    window: String((policy.behavior?.scaleDown?.stabilization ?? usualWindow) / 1000),
    idle: policy.idleAfter === undefined ? '' : String(policy.idleAfter / 1000),
    metrics: policy.metrics.map(({ metric, type, target }) => {
      const kind = kinds.find((one) => one === metric) ?? 'query';
      return { kind, type, target: String(target), query: kind === 'query' ? metric : '' };
    }),
  };
}

export function wrongIn(form: ScaleForm): Wrong {
  const [min, max, window] = [whole(form.min), whole(form.max), whole(form.window)];
  return {
    bounds: min === undefined || max === undefined || min > max || max < 1 || max > 1000,
    window: window === undefined || window > 3600,
    idle: form.idle.trim() !== '' && !isIdle(form.idle),
    metrics: form.metrics.map(({ kind, target, query }) => {
      if (kind === 'query' && query.trim() === '') return 'query';
      return Number(target) > 0 && Number.isFinite(Number(target)) ? undefined : 'target';
    }),
  };
}

/** The policy; what the form does not show of the one before stays as it was. Undefined while something is wrong. */
export function policyOf(form: ScaleForm, before: AutoscaleSpec | undefined): AutoscaleSpec | undefined {
  const wrong = wrongIn(form);
  if (
    wrong.bounds ||
    wrong.window ||
    wrong.idle ||
    wrong.metrics.some((one) => one !== undefined) ||
    form.metrics.length === 0
  )
    return undefined;
  const stabilization = Number(form.window) * 1000;
  const down = { ...before?.behavior?.scaleDown, stabilization };
  const usual = stabilization === usualWindow && before?.behavior?.scaleDown === undefined;
  const behavior = { ...before?.behavior, ...(usual ? {} : { scaleDown: down }) };
  return {
    min: Number(form.min),
    max: Number(form.max),
    metrics: form.metrics.map(({ kind, type, target, query }) => ({
      metric: kind === 'query' ? query.trim() : kind,
      type,
      target: Number(target),
    })),
    ...(Object.keys(behavior).length > 0 ? { behavior } : {}),
    ...(form.idle.trim() === '' ? {} : { idleAfter: Math.round(Number(form.idle) * 1000) }),
    ...(before?.wakeTimeout === undefined ? {} : { wakeTimeout: before.wakeTimeout }),
  };
}

function isIdle(text: string): boolean {
  const milliseconds = Number(text) * 1000;
  return /^\d+(\.\d+)?$/.test(text.trim()) && milliseconds >= idleBounds.least && milliseconds <= idleBounds.most;
}

function whole(text: string): number | undefined {
  return /^\d{1,4}$/.test(text.trim()) ? Number(text) : undefined;
}
