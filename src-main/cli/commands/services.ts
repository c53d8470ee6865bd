/** scale, restart, stop, start, rollout …, explain: single services. */
import type { Client } from '../../contract/client';
import type { PlacementView, RevisionView } from '../../contract/nouns';
import { say } from '../../contract/sentence';
import { UsageError, type Command, type Context } from '../command';
import { clockTime, harmless } from '../format';
import { chosenServices, parseTarget } from '../targets';
import { parseSpan } from '../times';
import { waitReady } from '../wait';

const usualTimeout = 300_000;
const waitOptions = { wait: { type: 'boolean' }, timeout: { type: 'string' } } as const;

async function waitFor(context: Context, client: Client, keys: readonly string[]): Promise<void> {
  const text = context.text('timeout');
  const timeout = text === undefined ? usualTimeout : parseSpan(text, 'timeout');
  if (!context.flag('wait')) return;
  await waitReady(client, context.out, { wanted: (service) => keys.includes(service.key), keys, timeout });
}

export const scale: Command = {
  verb: 'scale',
  usage: 'STACK/SERVICE=N… [--wait] [--timeout SPAN]',
  summary: 'Set how many replicas run',
  options: waitOptions,
  async run(context) {
    const wishes = context.words.map((word) => {
      const match = /^([^=]+)=(\d{1,4})$/.exec(word);
      const target = match?.[1] ? parseTarget(match[1]) : undefined;
      if (!match || target?.kind !== 'service') throw new UsageError(`${word} is no wish: write STACK/SERVICE=N.`);
      return { service: target.service, replicas: Number(match[2]) };
    });
    if (wishes.length === 0) throw new UsageError('Say what to scale: STACK/SERVICE=N.');
    const client = await context.client();
    const results = [];
    for (const wish of wishes) {
      const { from, to } = await client.call('services.scale', wish);
      context.out.note(`${wish.service} ${from} → ${to}`);
      results.push({ service: wish.service, from, to });
    }
    await waitFor(
      context,
      client,
      wishes.map((wish) => wish.service),
    );
    context.out.value(results);
  },
};

function act(verb: 'restart' | 'stop' | 'start', summary: string, done: string): Command {
  return {
    verb,
    usage: 'STACK|STACK/SERVICE… [--wait] [--timeout SPAN]',
    summary,
    options: waitOptions,
    async run(context) {
      const client = await context.client();
      const replica = context.words.length === 1 ? parseTarget(context.words[0] ?? '') : undefined;
      if (verb === 'restart' && replica?.kind === 'replica') {
        await client.call('replicas.restart', { replica: replica.replica });
        context.out.line(`${replica.replica} ${done}`);
        context.out.value({ replica: replica.replica });
        return;
      }
      const services = await chosenServices(client, context.words);
      for (const service of services) {
        await client.call(`services.${verb}`, { service: service.key });
        context.out.note(`${service.key} ${done}`);
      }
      const keys = services.map((service) => service.key);
      await waitFor(context, client, keys);
      context.out.value({ services: keys });
    },
  };
}

export const restart = act('restart', 'Replace the replicas one by one', 'restarts');
export const stop = act('stop', 'Stop services; they stay declared', 'stops');
export const start = act('start', 'Start stopped services', 'starts');

function serviceName(context: Context): string {
  const target = parseTarget(context.word('service'));
  if (target.kind !== 'service') throw new UsageError('A rollout belongs to a service: write STACK/SERVICE.');
  return target.service;
}

export const rolloutStatus: Command = {
  verb: 'rollout status',
  usage: 'STACK/SERVICE',
  summary: 'How far the current rollout is',
  async run(context) {
    const client = await context.client();
    const service = await client.call('services.get', { service: serviceName(context) });
    const rollout = service.rollout;
    context.out.value(rollout ?? null);
    if (!rollout) return context.out.line(`${service.key} runs r${service.revision}; there was no rollout`);
    context.out.line(`${service.key} r${rollout.from} → r${rollout.to}: ${harmless(say(rollout.words), true)}`);
    context.out.line(`${rollout.replaced} of ${rollout.total} replaced, ${rollout.strategy}`);
    const signs = { done: '✓', active: '…', failed: '✗', waiting: '·' };
    for (const step of rollout.steps) context.out.line(`  ${signs[step.state]} ${harmless(say(step.words), true)}`);
  },
};

export const rolloutHistory: Command = {
  verb: 'rollout history',
  usage: 'STACK/SERVICE',
  summary: 'The revisions of a service',
  async run(context) {
    const client = await context.client();
    const revisions = await client.call('services.revisions', { service: serviceName(context) });
    context.out.value(revisions);
    const now = context.world.now();
    context.out.table<RevisionView>(
      revisions,
      [
        { title: 'REV', text: (row) => `r${row.revision}`, right: true },
        { title: '', text: (row) => (row.active ? context.out.paint('green', 'active') : row.stable ? 'stable' : '') },
        { title: 'MADE', text: (row) => clockTime(row.createdAt, now) },
        { title: 'IMAGE', text: (row) => harmless(row.image, true) },
        { title: 'WHY', text: (row) => harmless(say(row.cause), true) },
      ],
      'There are no revisions.',
    );
  },
};

export const rolloutUndo: Command = {
  verb: 'rollout undo',
  usage: 'STACK/SERVICE [--to REVISION] [--wait] [--timeout SPAN]',
  summary: 'Back to the last stable revision, or to a given one',
  options: { ...waitOptions, to: { type: 'string' } },
  async run(context) {
    const service = serviceName(context);
    const to = context.text('to')?.replace(/^r/, '');
    if (to !== undefined && !/^[1-9]\d{0,8}$/.test(to))
      throw new UsageError(`--to wants a revision such as 3, not ${to}.`);
    const client = await context.client();
    const result = await client.call('rollouts.undo', to ? { service, revision: Number(to) } : { service });
    context.out.note(`${service} goes back to r${result.to}`);
    await waitFor(context, client, [service]);
    context.out.value({ service, to: result.to });
  },
};

function steer(verb: 'pause' | 'resume' | 'promote' | 'abort', summary: string, done: string): Command {
  return {
    verb: `rollout ${verb}`,
    usage: 'STACK/SERVICE',
    summary,
    async run(context) {
      const service = serviceName(context);
      await (await context.client()).call(`rollouts.${verb}`, { service });
      context.out.line(`${service}: ${done}`);
      context.out.value({ service });
    },
  };
}

export const rolloutPause = steer('pause', 'Hold the rollout where it is', 'the rollout is paused');
export const rolloutResume = steer('resume', 'Go on with a paused rollout', 'the rollout goes on');
export const rolloutPromote = steer(
  'promote',
  'Let a canary go on to its next step, or a blue-green rollout switch',
  'it goes on',
);
export const rolloutAbort = steer('abort', 'Give the rollout up and go back', 'the rollout is given up');

/** Why a replica is on its node: the reason, the best nodes with the parts of their scores, and who could not take it. */
function placementLines(told: PlacementView, now: number): string[] {
  const text = (words: PlacementView['words']): string => harmless(say(words), true);
  const when = told.at === undefined ? '' : `${clockTime(told.at, now)}  `;
  const at = told.revision === undefined ? '' : ` (r${told.revision})`;
  const width = Math.max(0, ...told.rated.map(({ node }) => harmless(node, true).length));
  const rated = told.rated.map(({ node, score, parts }) => {
    const shown = parts.filter(({ value }) => value !== 0).map((one) => `${text(one.words)} ${one.value.toFixed(2)}`);
    return `  ${harmless(node, true).padEnd(width)}  ${score.toFixed(2)}  ${shown.join(', ')}`.trimEnd();
  });
  const more =
    told.fit > told.rated.length && told.rated.length > 0 ? [`  and ${told.fit - told.rated.length} more`] : [];
  const refused = told.refused.map(({ words, nodes }) => {
    const names = nodes.length > 0 ? ` – ${harmless(nodes.join(', '), true)}` : '';
    return `  not: ${text(words)}${names}`;
  });
  return [`${when}${text(told.words)}${at}`, ...rated, ...more, ...refused];
}

export const explain: Command = {
  verb: 'explain',
  usage: 'STACK/SERVICE[.REPLICA]',
  summary: 'Why a service is as it is, and what would mend it',
  async run(context) {
    const target = parseTarget(context.word('service'));
    if (target.kind === 'stack') throw new UsageError('Explain which service? Write STACK/SERVICE.');
    const client = await context.client();
    const input =
      target.kind === 'replica' ? { service: target.service, slot: target.slot } : { service: target.service };
    const told = await client.call('services.explain', input);
    const out = context.out;
    out.value(told);
    const now = context.world.now();
    out.line(`${out.state(told.health, told.subject)}  ${out.paint('bold', harmless(say(told.question), true))}`);
    for (const cause of told.cause) out.line(harmless(say(cause)));
    if (told.evidence.length > 0) out.line();
    for (const one of told.evidence) {
      const when = one.at === undefined ? '' : `${clockTime(one.at, now)}  `;
      const text = harmless(one.text).trimEnd();
      out.line(`  ${when}${harmless(say(one.label), true)}: ${one.bad ? out.paint('red', text) : text}`);
    }
    if (told.placement) {
      out.line();
      for (const line of placementLines(told.placement, now)) out.line(`  ${line}`);
    }
    if (told.ruledOut.length > 0) out.line();
    for (const one of told.ruledOut) out.line(out.paint('grey', `  not: ${harmless(say(one), true)}`));
    if (told.fixes.length > 0) out.line();
    for (const fix of told.fixes) {
      const detail = fix.detail ? ` – ${harmless(say(fix.detail), true)}` : '';
      out.line(`  ${fix.primary ? '→' : ' '} ${harmless(say(fix.words), true)}${detail}`);
    }
  },
};
