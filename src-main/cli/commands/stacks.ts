/** plan, up, down, ps: whole stacks. */
import type { PlanView, ReplicaView, ServiceView } from '../../contract/nouns';
import { fail } from '../../contract/errors';
import { healthOrder } from '../../contract/nouns';
import { say } from '../../contract/sentence';
import { tellingBuilds } from '../builds';
import { UsageError, type Command, type Context } from '../command';
import { duration, harmless } from '../format';
import type { Column, Output } from '../output';
import { projectOf, projectOptions, projectUsage } from '../projects';
import { parseSpan } from '../times';
import { needEngine, waitReady } from '../wait';

const usualTimeout = 300_000;

export const plan: Command = {
  verb: 'plan',
  usage: projectUsage,
  summary: 'Show what up would do, without doing it',
  options: projectOptions,
  async run(context) {
    const client = await context.client();
    const { source, name } = projectOf(context);
    await needEngine(client);
    const view = await client.call('stacks.plan', name ? { source, name } : { source });
    context.out.value(view);
    showPlan(context.out, view);
  },
};

export const up: Command = {
  verb: 'up',
  usage: `${projectUsage} [--build] [--wait] [--timeout SPAN]`,
  summary: 'Apply a Compose project; what it builds is built first',
  // -d is what fingers know from docker compose; here nothing ever runs in the foreground.
  options: {
    ...projectOptions,
    build: { type: 'boolean' },
    wait: { type: 'boolean' },
    timeout: { type: 'string' },
    detach: { type: 'boolean', short: 'd' },
  },
  async run(context) {
    const timeout = timeoutOf(context);
    const client = await context.client();
    const { source, name } = projectOf(context);
    await needEngine(client);
    const input = { source, ...(name ? { name } : {}), ...(context.flag('build') ? { build: true } : {}) };
    const result = await tellingBuilds(context, client, () => client.call('stacks.apply', input));
    for (const warning of result.warnings) context.out.warning(warning);
    const what = result.changed ? `applied, version ${result.version}` : 'is unchanged';
    context.out.note(`${result.stack} ${what}`);
    if (context.flag('wait')) {
      const services = await client.call('services.list', { stack: result.stack });
      await waitReady(client, context.out, {
        wanted: (service) => service.stack === result.stack,
        keys: services.map((service) => service.key),
        timeout,
      });
      context.out.line(`${result.stack} is ready`);
    } else {
      context.out.line(`See how it goes: pilothouse ps ${result.stack}`);
    }
    context.out.value(result);
  },
};

export const down: Command = {
  verb: 'down',
  usage: `[STACK] [--volumes] [--timeout SPAN] ${projectUsage}`,
  summary: 'Remove a stack; its volumes stay unless --volumes is given',
  options: { ...projectOptions, volumes: { type: 'boolean', short: 'v' }, timeout: { type: 'string' } },
  async run(context) {
    const timeout = timeoutOf(context);
    const client = await context.client();
    const stack = context.words.length > 0 ? context.word('stack') : await projectName(context);
    await client.call('stacks.remove', { stack, volumes: context.flag('volumes') });
    await needEngine(client);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () =>
          finish(
            fail(
              'not-ready',
              `${stack} is not gone after ${Math.round(timeout / 1000)} s.`,
              `Look with: pilothouse ps ${stack}`,
            ),
          ),
        timeout,
      );
      let there = true;
      const watching = client.open(
        'stacks.watch',
        {},
        {
          item: (change) => {
            if (change.reset) there = false;
            if (change.put.some((row) => row.name === stack)) there = true;
            if (change.gone.includes(stack)) there = false;
            if (!there) finish();
          },
          end: () => finish(fail('engine-away', 'Pilothouse has ended.')),
        },
      );
      function finish(problem?: Error): void {
        clearTimeout(timer);
        queueMicrotask(() => watching.dispose());
        if (problem) reject(problem);
        else resolve();
      }
    });
    context.out.line(`${stack} is removed${context.flag('volumes') ? ', and its volumes' : '; its volumes are kept'}`);
    context.out.value({ stack, removed: true });
  },
};

export const ps: Command = {
  verb: 'ps',
  usage: '[STACK] [--replicas]',
  summary: 'List services, or their replicas',
  options: { replicas: { type: 'boolean', short: 'r' } },
  async run(context) {
    const client = await context.client();
    const stack = context.words.length > 0 ? context.word('stack') : undefined;
    const services = await client.call('services.list', stack ? { stack } : {});
    if (stack && services.length === 0) {
      const stacks = await client.call('stacks.list', {});
      if (!stacks.some((row) => row.name === stack))
        throw fail('not-found', `There is no stack ${stack}.`, 'See all with: pilothouse ps');
    }
    const sorted = [...services].sort(
      (one, two) => one.stack.localeCompare(two.stack) || worst(one) - worst(two) || one.name.localeCompare(two.name),
    );
    const now = context.world.now();
    if (context.flag('replicas')) {
      const replicas = sorted.flatMap((service) => service.replicaList);
      context.out.value(replicas);
      context.out.table(replicas, replicaColumns(context.out, now), 'There are no replicas.');
      return;
    }
    context.out.value(sorted);
    context.out.table(
      sorted,
      serviceColumns(context.out, now),
      'Nothing is declared yet. Apply a Compose file with: pilothouse up',
    );
  },
};

function worst(service: ServiceView): number {
  return healthOrder.indexOf(service.health);
}

function serviceColumns(out: Output, now: number): Column<ServiceView>[] {
  return [
    { title: 'SERVICE', text: (row) => row.key },
    { title: 'STATUS', text: (row) => out.state(row.health, say(row.words)) },
    { title: 'READY', text: (row) => (row.mode === 'job' ? '–' : `${row.ready}/${row.replicas}`), right: true },
    { title: 'REV', text: (row) => `r${row.revision}`, right: true },
    { title: 'RESTARTS', text: (row) => String(row.restarts), right: true },
    { title: 'SINCE', text: (row) => duration(now - row.since), right: true },
    { title: 'PORTS', text: (row) => row.ports.map(portText).join(', ') },
    { title: 'IMAGE', text: (row) => harmless(row.image, true) },
  ];
}

function portText(port: ServiceView['ports'][number]): string {
  return port.published === undefined
    ? `${port.target}/${port.protocol}`
    : `${port.published}→${port.target}/${port.protocol}`;
}

function replicaColumns(out: Output, now: number): Column<ReplicaView>[] {
  return [
    { title: 'REPLICA', text: (row) => row.id },
    { title: 'STATUS', text: (row) => out.state(row.health, say(row.words)) },
    { title: 'REV', text: (row) => `r${row.revision}`, right: true },
    { title: 'RESTARTS', text: (row) => String(row.restarts), right: true },
    { title: 'UP', text: (row) => (row.startedAt ? duration(now - row.startedAt) : '–'), right: true },
    { title: 'NODE', text: (row) => harmless(row.node, true) },
    { title: 'CONTAINER', text: (row) => row.container?.name ?? '–' },
  ];
}

/** The actions, what is kept last. */
function showPlan(out: Output, view: PlanView): void {
  for (const warning of view.warnings) out.warning(warning);
  const acts = view.actions.filter((action) => action.verb !== 'keep');
  if (acts.length === 0) return out.line(`${view.stack}: nothing to do, all is as declared`);
  out.table(
    acts,
    [
      { title: 'ACT', text: (row) => (row.destructive ? out.paint('red', row.verb) : row.verb) },
      { title: 'WHAT', text: (row) => `${row.noun} ${harmless(row.name, true)}` },
      { title: 'HOW', text: (row) => harmless(say(row.words), true) },
    ],
    '',
  );
  for (const action of acts) {
    for (const change of action.changes ?? [])
      out.line(
        `  ${harmless(action.name, true)}: ${harmless(change.path, true)} ${harmless(change.from ?? '∅', true)} → ${harmless(change.to ?? '∅', true)}`,
      );
  }
  const kept = view.actions.length - acts.length;
  if (kept > 0) out.line(out.paint('grey', `${kept} unchanged`));
}

function timeoutOf(context: Context): number {
  const text = context.text('timeout');
  return text === undefined ? usualTimeout : parseSpan(text, 'timeout');
}

/** The name of the project in this folder. */
async function projectName(context: Context): Promise<string> {
  const { source, name } = projectOf(context);
  if (name) return name;
  const checked = await (await context.client()).call('stacks.check', { source });
  if (!checked.name) throw new UsageError('Say which stack: pilothouse down STACK.');
  return checked.name;
}
