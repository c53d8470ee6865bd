/** Scaling by itself: what holds, what was decided and why, and what other rules would have done. */
import { z } from 'zod';
import { holdBounds, idleBounds } from '../resting';
import type { Sentence } from '../sentence';
import type { AutoscaleMetric, AutoscaleSpec } from '../spec';
import { act, read } from './define';
import { serviceKey, time } from './inputs';

/** One metric at one look. */
export interface ScaleReading extends AutoscaleMetric {
  /** Percent of the reservation for Utilization, else the mean or the whole in the metric's unit. */
  value?: number;
  /** Replicas it asks for. */
  replicas?: number;
  problem?: Sentence;
}

export interface ScaleDecision {
  at: number;
  from: number;
  /** Equal to `from` when it was held. */
  to: number;
  words: Sentence;
  readings: ScaleReading[];
}

export interface ScheduleView {
  cron: string;
  timezone?: string;
  replicas?: number;
  min?: number;
  max?: number;
  nextAt?: number;
}

export interface AutoscaleView {
  service: string;
  /** Where its rules come from: the file, set here, nowhere, or switched off here. */
  source: 'file' | 'own' | 'none' | 'off';
  /** The rules that hold, or would if it were on. */
  policy?: AutoscaleSpec;
  /** What the file says, for the way back. */
  declared?: AutoscaleSpec;
  /** Allowed now; a schedule may have moved them. */
  min?: number;
  max?: number;
  replicas: number;
  /** What the metrics ask for. */
  wanted?: number;
  words: Sentence;
  lookedAt?: number;
  readings: ScaleReading[];
  schedules: ScheduleView[];
  /** Going to zero when nobody asks; absent: not asked for. Milliseconds. */
  rest?: {
    idleAfter: number;
    /** How long a request waits for a replica. */
    hold?: number;
    /** How long nobody has asked, as far as is known. */
    quiet?: number;
    /** Why it does not. */
    why?: Sentence;
  };
  /** Newest first. */
  decisions: ScaleDecision[];
}

/** What a policy would have done. Times are epoch milliseconds; null is a time without figures. */
export interface Rehearsal {
  step: number;
  t: number[];
  /** Replicas there were. */
  actual: (number | null)[];
  /** Replicas there would have been. */
  rehearsed: (number | null)[];
  readings: { metric: string; target: number; values: (number | null)[] }[];
  changes: number;
  most: number;
  fewest: number;
  /** Hours of replicas, there and as rehearsed, over the times with figures. */
  replicaHours: { actual: number; rehearsed: number };
}

const rules = z.strictObject({
  stabilization: z.number().int().min(0).max(3_600_000).optional(),
  tolerance: z.number().min(0).max(10).optional(),
  selectPolicy: z.enum(['Max', 'Min', 'Disabled']).optional(),
  policies: z
    .array(
      z.strictObject({
        type: z.enum(['Replicas', 'Percent']),
        value: z.number().int().min(1).max(10_000),
        period: z.number().int().min(1000).max(1_800_000),
      }),
    )
    .max(8)
    .optional(),
});

const policy = z
  .strictObject({
    min: z.number().int().min(0).max(1000),
    max: z.number().int().min(1).max(1000),
    metrics: z
      .array(
        z.strictObject({
          metric: z.string().min(1).max(2000),
          type: z.enum(['Utilization', 'AverageValue', 'Value']),
          target: z.number().positive().max(1e15),
        }),
      )
      .min(1)
      .max(16),
    behavior: z.strictObject({ scaleUp: rules.optional(), scaleDown: rules.optional() }).optional(),
    idleAfter: z.number().int().min(idleBounds.least).max(idleBounds.most).optional(),
    wakeTimeout: z.number().int().min(holdBounds.least).max(holdBounds.most).optional(),
  })
  .refine(({ min, max }) => min <= max, 'The fewest are more than the most.');

export const autoscaleCalls = {
  /** Every service that has rules or schedules. */
  'autoscale.list': read<AutoscaleView[]>()(z.strictObject({})),
  'autoscale.get': read<AutoscaleView>()(z.strictObject({ service: serviceKey })),
  /** Rules of one's own in place of the file's, none at all, or the file's again. */
  'autoscale.set': act<AutoscaleView>()(
    z.discriminatedUnion('source', [
      z.strictObject({ source: z.literal('own'), service: serviceKey, policy }),
      z.strictObject({ source: z.literal('off'), service: serviceKey }),
      z.strictObject({ source: z.literal('file'), service: serviceKey }),
    ]),
  ),
  /** Plays recorded metrics through rules. The load is as it was; it is spread over the replicas there would have been. */
  'autoscale.rehearse': read<Rehearsal>()(z.strictObject({ service: serviceKey, policy, from: time, to: time })),
};
