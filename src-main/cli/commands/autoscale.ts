/** autoscale …: what services scale by, what they decided, and what other rules would have done. */
import type { AutoscaleView, ScaleDecision } from '../../contract/api/autoscale';
import { say } from '../../contract/sentence';
import type { AutoscaleMetric, AutoscaleSpec } from '../../contract/spec';
import { UsageError, type Command, type Context } from '../command';
import { clockTime, harmless } from '../format';
import { parseTarget } from '../targets';
import { parseSpan } from '../times';

const ruleOptions = {
  min: { type: 'string' },
  max: { type: 'string' },
  cpu: { type: 'string' },
  memory: { type: 'string' },
  requests: { type: 'string' },
  latency: { type: 'string' },
} as const;
const ruleUsage = '--max N [--min N] [--cpu %] [--memory %] [--requests PER_SECOND] [--latency SPAN]';

function serviceName(context: Context): string {
  const target = parseTarget(context.word('service'));
  if (target.kind !== 'service') throw new UsageError('Rules belong to a service: write STACK/SERVICE.');
  return target.service;
}

/** The rules that the options say; without a metric HPA's own, 80 % of the CPU reservation. */
function policyOf(context: Context): AutoscaleSpec {
  const max = context.count('max', 1);
  if (max === undefined) throw new UsageError('Say how many replicas are the most: --max N.');
  const min = context.count('min') ?? 1;
  if (min > max) throw new UsageError(`--min ${min} is more than --max ${max}.`);
  const number = (name: 'cpu' | 'memory' | 'requests', type: AutoscaleMetric['type']): AutoscaleMetric[] => {
    const text = context.text(name);
    if (text === undefined) return [];
    const target = Number(text.replace(/%$/, ''));
    if (!(target > 0) || !Number.isFinite(target))
      throw new UsageError(`--${name} wants a number above 0, not ${text}.`);
    return [{ metric: name, type, target }];
  };
  const latency = context.text('latency');
  const metrics = [
    ...number('cpu', 'Utilization'),
    ...number('memory', 'Utilization'),
    ...number('requests', 'AverageValue'),
    ...(latency === undefined
      ? []
      : [{ metric: 'latency', type: 'Value' as const, target: parseSpan(latency, 'latency') }]),
  ];
  return { min, max, metrics: metrics.length > 0 ? metrics : [{ metric: 'cpu', type: 'Utilization', target: 80 }] };
}

function tell(context: Context, view: AutoscaleView): void {
  const { out } = context;
  const now = context.world.now();
  const range = view.min === undefined ? '' : `, ${view.min} to ${view.max}`;
  out.line(`${view.service}  ${view.replicas} replicas${range}  (rules: ${view.source})`);
  out.line(harmless(say(view.words), true));
  for (const { metric, type, target, value, replicas, problem } of view.readings) {
    const unit = type === 'Utilization' ? ' %' : '';
    const figure = value === undefined ? '–' : `${Math.round(value * 100) / 100}${unit}`;
    const asks = problem ? harmless(say(problem), true) : `asks for ${replicas}`;
    out.line(`  ${harmless(metric, true)}: ${figure} of ${target}${unit}, ${asks}`);
  }
  for (const { cron, nextAt } of view.schedules)
    out.line(`  schedule ${harmless(cron, true)}${nextAt === undefined ? '' : `, next ${clockTime(nextAt, now)}`}`);
  if (view.decisions.length === 0) return;
  out.line();
  out.table<ScaleDecision>(
    view.decisions,
    [
      { title: 'WHEN', text: ({ at }) => clockTime(at, now) },
      { title: 'REPLICAS', text: ({ from, to }) => (from === to ? `${from}` : `${from} → ${to}`) },
      { title: 'WHY', text: ({ words }) => harmless(say(words), true) },
    ],
    '',
  );
}

export const autoscale: Command = {
  verb: 'autoscale',
  usage: '[STACK/SERVICE]',
  summary: 'What scales by itself, and what was decided',
  async run(context) {
    const client = await context.client();
    if (context.words.length > 0) {
      const view = await client.call('autoscale.get', { service: serviceName(context) });
      context.out.value(view);
      return tell(context, view);
    }
    const views = await client.call('autoscale.list', {});
    context.out.value(views);
    context.out.table<AutoscaleView>(
      views,
      [
        { title: 'SERVICE', text: ({ service }) => service },
        { title: 'REPLICAS', text: ({ replicas }) => String(replicas), right: true },
        { title: 'RANGE', text: ({ min, max }) => (min === undefined ? '' : `${min}–${max}`) },
        { title: 'RULES', text: ({ source }) => source },
        { title: 'STATE', text: ({ words }) => harmless(say(words), true) },
      ],
      'Nothing scales by itself.',
    );
  },
};

export const autoscaleSet: Command = {
  verb: 'autoscale set',
  usage: `STACK/SERVICE ${ruleUsage}`,
  summary: "Scale by rules of your own instead of the file's",
  options: ruleOptions,
  async run(context) {
    const input = { source: 'own' as const, service: serviceName(context), policy: policyOf(context) };
    const view = await (await context.client()).call('autoscale.set', input);
    context.out.value(view);
    tell(context, view);
  },
};

function change(source: 'off' | 'file', summary: string): Command {
  return {
    verb: `autoscale ${source}`,
    usage: 'STACK/SERVICE',
    summary,
    async run(context) {
      const view = await (await context.client()).call('autoscale.set', { source, service: serviceName(context) });
      context.out.value(view);
      tell(context, view);
    },
  };
}

export const autoscaleOff = change('off', 'Let a service not scale by itself');
export const autoscaleFile = change('file', "Scale by the file's rules again");

export const autoscaleRehearse: Command = {
  verb: 'autoscale rehearse',
  usage: `STACK/SERVICE ${ruleUsage} [--since SPAN]`,
  summary: 'What rules would have done with the load there was',
  options: { ...ruleOptions, since: { type: 'string' } },
  async run(context) {
    const service = serviceName(context);
    const policy = policyOf(context);
    const to = context.world.now();
    const from = to - parseSpan(context.text('since') ?? '6h', 'since');
    const told = await (await context.client()).call('autoscale.rehearse', { service, policy, from, to });
    const { out } = context;
    out.value(told);
    const known = told.rehearsed.filter((count) => count !== null).length;
    if (known === 0) return out.line('Nothing was measured in that time.');
    out.line(`${service}: ${told.changes} changes, between ${told.fewest} and ${told.most} replicas`);
    const { actual, rehearsed } = told.replicaHours;
    out.line(`${rehearsed.toFixed(1)} hours of replicas instead of ${actual.toFixed(1)}`);
    let before: number | null = null;
    for (const [index, count] of told.rehearsed.entries()) {
      if (count === before) continue;
      before = count;
      if (count !== null) out.line(`  ${clockTime(told.t[index] ?? from, to)}  ${count}`);
    }
  },
};
