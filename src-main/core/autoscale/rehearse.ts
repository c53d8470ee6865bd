/**
 * What rules would have done with the load there was. The load stays as recorded and is spread over the replicas there would have
 * been; a latency is taken to fall as replicas are added. Replicas are ready at once.
 */
import type { Rehearsal } from '../../contract/api/autoscale';
import type { AutoscaleSpec, ServiceSpec } from '../../contract/spec';
import type { MetricsReader } from '../metrics';
import { emptyMemory } from './behavior';
import { loadOver, type Load, type LoadLine } from './loads';
import { boundsOf, propose } from './rules';
import type { Schedule } from './schedules';
import { step, type StepInput } from './step';

/** Steps that people read and that the tiers divide; the first is the loop's own. */
const steps = [15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200].map((seconds) => seconds * 1000);
const mostCells = 2000;
const hour = 3_600_000;

export interface RehearsalInput {
  service: string;
  spec: ServiceSpec;
  policy: AutoscaleSpec;
  schedules: readonly Schedule[];
  from: number;
  to: number;
}

export async function rehearse(reader: MetricsReader, input: RehearsalInput): Promise<Rehearsal> {
  const finest = reader.finest(input.from);
  const width = steps.find((one) => one >= finest && (input.to - input.from) / one <= mostCells) ?? 7_200_000;
  const from = Math.floor(input.from / width) * width;
  const cells = Math.min(mostCells * 2, Math.max(1, Math.ceil((input.to - from) / width)));
  const span = { from, to: from + cells * width, step: width };
  const lines: LoadLine[] = [];
  for (const metric of input.policy.metrics) lines.push(await loadOver(reader, input.service, metric, span));
  const wanted = await loadOver(reader, input.service, { metric: 'service_wanted', type: 'Value', target: 1 }, span);
  const actual = wanted.kind === 'problem' ? new Float64Array(cells).fill(NaN) : wanted.values;
  const { idleAfter } = input.policy;
  if (idleAfter === undefined) return play(input, { span, lines, actual });
  const asked = await loadOver(reader, input.service, { metric: 'requests', type: 'AverageValue', target: 1 }, span);
  const requests = asked.kind === 'problem' ? new Float64Array(cells).fill(NaN) : asked.values;
  return play(input, { span, lines, actual, rests: restsOver(idleAfter, { requests, actual, span }) });
}

/**
 * Where a service would have been at rest, cell by cell: nobody asked for long enough. What was not measured while it had replicas
 * counts as asked for.
 */
export function restsOver(
  idleAfter: number,
  { requests, actual, span }: { requests: Float64Array; actual: Float64Array; span: { from: number; step: number } },
): boolean[] {
  let quietSince = span.from;
  return [...actual].map((was, cell) => {
    const at = span.from + cell * span.step;
    const rate = requests[cell] ?? NaN;
    const asked = Number.isNaN(rate) ? was !== 0 : rate > 0;
    if (asked) quietSince = at + span.step;
    return !asked && at - quietSince >= idleAfter;
  });
}

/** The replay itself, over lines that were read. */
export function play(
  { policy, schedules, spec }: RehearsalInput,
  {
    span,
    lines,
    actual,
    rests,
  }: {
    span: { from: number; step: number };
    lines: LoadLine[];
    actual: Float64Array;
    /** Where the service would have been at rest, if it may rest at all. */
    rests?: readonly boolean[];
  },
): Rehearsal {
  const rehearsal: Rehearsal = {
    step: span.step,
    t: [],
    actual: [],
    rehearsed: [],
    readings: policy.metrics.map(({ metric, target }) => ({ metric, target, values: [] })),
    changes: 0,
    most: 0,
    fewest: 0,
    replicaHours: { actual: 0, rehearsed: 0 },
  };
  let memory = emptyMemory;
  let replicas: number | undefined;
  for (const [cell, was] of actual.entries()) {
    const at = span.from + cell * span.step;
    const bounds = boundsOf(policy, schedules, at);
    replicas ??= Number.isNaN(was) ? undefined : Math.min(bounds.max, Math.max(bounds.min, Math.round(was)));
    if (replicas === 0 && rests && !rests[cell]) {
      replicas = Math.max(1, bounds.min);
      rehearsal.changes += 1;
    }
    rehearsal.t.push(at);
    rehearsal.actual.push(Number.isNaN(was) ? null : Math.round(was));
    const current = replicas;
    const atRest = rests?.[cell] === true;
    if (current === undefined || Number.isNaN(was) || atRest) {
      rehearsal.rehearsed.push(atRest ? 0 : null);
      for (const reading of rehearsal.readings) reading.values.push(null);
      if (!atRest) continue;
      if (current !== 0) rehearsal.changes += 1;
      replicas = 0;
      rehearsal.replicaHours.actual += (was * span.step) / hour;
      continue;
    }
    const proposals = policy.metrics.map((metric, index) => {
      const load = loadFor(lines[index], cell, { was, current, each: metric.type === 'Value' });
      const seen = (values: ReadonlyMap<string, number>): { phase: 'up'; value: number; cold: false }[] =>
        [...values.values()].map((value) => ({ phase: 'up', value, cold: false }));
      return propose({ policy, metric, spec, current, ready: current, load, seen });
    });
    for (const [index, proposal] of proposals.entries())
      rehearsal.readings[index]?.values.push('problem' in proposal ? null : proposal.value);
    const look: StepInput = { policy, bounds, current, proposals, rolling: false, now: at };
    const outcome = step(look, memory);
    memory = outcome.memory;
    if (outcome.to !== current) rehearsal.changes += 1;
    replicas = outcome.to;
    rehearsal.rehearsed.push(outcome.to);
    rehearsal.replicaHours.actual += (was * span.step) / hour;
    rehearsal.replicaHours.rehearsed += (outcome.to * span.step) / hour;
  }
  const line = rehearsal.rehearsed.filter((value): value is number => value !== null);
  if (line.length > 0) [rehearsal.fewest, rehearsal.most] = [Math.min(...line), Math.max(...line)];
  return rehearsal;
}

function loadFor(
  line: LoadLine | undefined,
  cell: number,
  { was, current, each }: { was: number; current: number; each: boolean },
): Load {
  if (!line) return { kind: 'whole', value: undefined };
  if (line.kind === 'problem') return line;
  const value = line.values[cell] ?? NaN;
  if (Number.isNaN(value)) return line.kind === 'whole' ? { kind: 'whole', value: undefined } : none;
  // A sum over the replicas is the load itself; a figure such as a latency falls as replicas share it.
  if (line.kind === 'whole') return { kind: 'whole', value: each && current > 0 ? (value * was) / current : value };
  const values = new Map<string, number>();
  for (let index = 0; index < current; index++) values.set(String(index), value / current);
  return { kind: 'replicas', values };
}

const none: Load = { kind: 'replicas', values: new Map() };
