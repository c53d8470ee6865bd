/** serve, status, engine …, and what lies on the engine: images, volumes, networks. */
import { fail } from '../../contract/errors';
import type { EngineView, ImageView, NetworkView, NodeRef, VolumeView } from '../../contract/nouns';
import { say } from '../../contract/sentence';
import { homeFolder, openLog } from '../../serve';
import { exits, type Command } from '../command';
import { bytes, duration, harmless } from '../format';
import type { Column, Output } from '../output';

export const serve: Command = {
  verb: 'serve',
  usage: '',
  summary: 'Run Pilothouse without a window',
  async run(context) {
    const home = homeFolder();
    const { log, path } = openLog(home);
    // Loaded only here: no other verb needs the core, and all of them should start quickly.
    const { runCore } = await import('../../serve/run');
    const core = await runCore({ home, version: context.world.version, programs: context.world.programs, log });
    context.out.item({ socket: core.socket, home, log: path });
    context.out.line(`Pilothouse serves at ${core.socket}`);
    context.out.line('Your services go on running when this ends. End with Ctrl-C.');
    await context.world.interrupted;
    await core.stop();
  },
};

export const status: Command = {
  verb: 'status',
  usage: '',
  summary: 'How Pilothouse and its engine are',
  async run(context) {
    const client = await context.client();
    const [app, engines, services] = await Promise.all([
      client.call('app.status', {}),
      client.call('engines.list', {}),
      client.call('services.list', {}),
    ]);
    const selected = engines.find((engine) => engine.selected);
    context.out.value({ app, engines, services: services.length });
    const out = context.out;
    const now = context.world.now();
    out.line(`Pilothouse ${app.version}, up ${duration(now - app.startedAt)}, home ${harmless(app.home, true)}`);
    if (app.rescue) out.line(out.state('critical', say(app.rescue)));
    if (selected) showEngine(out, selected, now);
    else out.line(out.state('warning', 'No engine is selected. See what there is: pilothouse engine ls'));
    const bad = services.filter((service) => service.health === 'critical' || service.health === 'warning').length;
    const words = bad > 0 ? `${bad} of ${services.length} services need you` : `${services.length} services, all well`;
    out.line(
      out.state(
        bad > 0 ? 'critical' : services.length > 0 ? 'ok' : 'off',
        services.length > 0 ? words : 'Nothing declared yet',
      ),
    );
    out.line(
      out.paint(
        'grey',
        `loop delay ${app.loopDelay.toFixed(1)} ms, ${Math.round(app.linesPerSecond)} lines/s, ${Math.round(app.pointsPerSecond)} points/s, history ${bytes(app.historyBytes)}`,
      ),
    );
    return selected?.state === 'connected' ? exits.done : exits.noEngine;
  },
};

function showEngine(out: Output, engine: EngineView, now: number): void {
  const health =
    engine.state === 'away' ? 'critical' : engine.state === 'connecting' ? 'progress' : engine.words ? 'warning' : 'ok';
  const words = engine.words ? `, ${harmless(say(engine.words), true)}` : '';
  const latency = engine.latency === undefined ? '' : `, ${engine.latency} ms`;
  out.line(out.state(health, `${engine.name} at ${engine.endpoint} (${engine.source})${latency}${words}`));
  for (const limit of engine.limits ?? []) out.line(out.paint('grey', `  ${harmless(say(limit), true)}`));
  if (engine.state === 'away' && engine.nextTryAt)
    out.line(
      out.paint(
        'grey',
        `  away for ${duration(now - engine.since)}, next try in ${duration(Math.max(0, engine.nextTryAt - now))}`,
      ),
    );
}

export const engineList: Command = {
  verb: 'engine ls',
  usage: '',
  summary: 'The engines that were found',
  async run(context) {
    const engines = await (await context.client()).call('engines.find', {});
    const out = context.out;
    out.value(engines);
    out.table<EngineView>(
      engines,
      [
        { title: '', text: (row) => (row.selected ? '*' : ' ') },
        { title: 'ID', text: (row) => row.id.slice(0, 12) },
        { title: 'ENGINE', text: (row) => harmless(row.name, true) },
        {
          title: 'STATE',
          text: (row) =>
            out.state(
              row.state === 'connected' ? 'ok' : row.state === 'away' ? 'critical' : 'progress',
              row.words ? say(row.words) : row.state,
            ),
        },
        { title: 'FOUND BY', text: (row) => harmless(row.source, true) },
        { title: 'ENDPOINT', text: (row) => harmless(row.endpoint, true) },
      ],
      'No engine was found. Start Docker, or set DOCKER_HOST.',
    );
  },
};

export const engineUse: Command = {
  verb: 'engine use',
  usage: 'ID',
  summary: 'Work with another engine',
  async run(context) {
    const word = context.word('engine');
    const client = await context.client();
    const engines = await client.call('engines.list', {});
    const matching = engines.filter((engine) => engine.id.startsWith(word));
    const [engine] = matching;
    if (!engine || matching.length > 1)
      throw fail(
        'not-found',
        `${matching.length > 1 ? 'More than one engine begins' : 'No engine begins'} with ${word}.`,
        'See them with: pilothouse engine ls',
      );
    context.out.value(await client.call('engines.select', { engine: engine.id }));
    context.out.line(`Works with ${harmless(engine.name, true)} at ${harmless(engine.endpoint, true)}`);
  },
};

function age(createdAt: number, now: number): string {
  return createdAt > 0 ? duration(now - createdAt) : '–';
}

function listing<Row extends { node?: NodeRef }>(
  noun: string,
  call: 'images.list' | 'volumes.list' | 'networks.list',
  columnsOf: (out: Output, now: number) => Column<Row>[],
): Command {
  return {
    verb: `${noun} ls`,
    usage: '[--node NODE]',
    summary: `The ${noun}s of the engine, and of the nodes joined to it`,
    options: { node: { type: 'string' } },
    async run(context) {
      const all = (await (await context.client()).call(call, {})) as unknown as Row[];
      const wanted = context.text('node');
      const rows = all.filter(({ node }) => wanted === undefined || node?.name === wanted || node?.id === wanted);
      context.out.value(rows);
      const [first, ...others] = columnsOf(context.out, context.world.now());
      const node: Column<Row> = { title: 'NODE', text: (row) => harmless(row.node?.name ?? '', true) };
      const columns = first && rows.some((row) => row.node) ? [first, node, ...others] : [first, ...others];
      context.out.table(
        rows,
        columns.filter((column) => column !== undefined),
        `There are no ${noun}s.`,
      );
    },
  };
}

const users = (list: readonly string[]): string =>
  (list.length > 4 ? `${list.slice(0, 3).join(', ')} and ${list.length - 3} more` : list.join(', ')) || '–';

export const imageList = listing<ImageView>('image', 'images.list', (_out, now) => [
  { title: 'IMAGE', text: (row) => harmless(row.tags[0] ?? '<untagged>', true) },
  { title: 'ID', text: (row) => row.id.replace(/^sha256:/, '').slice(0, 12) },
  { title: 'SIZE', text: (row) => bytes(row.size), right: true },
  { title: 'AGE', text: (row) => age(row.createdAt, now), right: true },
  { title: 'USED BY', text: (row) => harmless(users(row.users), true) },
]);

export const volumeList = listing<VolumeView>('volume', 'volumes.list', (_out, now) => [
  { title: 'VOLUME', text: (row) => harmless(row.name, true) },
  { title: 'STACK', text: (row) => harmless(row.stack ?? '–', true) },
  { title: 'DRIVER', text: (row) => harmless(row.driver, true) },
  { title: 'SIZE', text: (row) => (row.size === undefined ? '–' : bytes(row.size)), right: true },
  { title: 'AGE', text: (row) => age(row.createdAt, now), right: true },
  { title: 'USED BY', text: (row) => harmless(users(row.users), true) },
]);

export const networkList = listing<NetworkView>('network', 'networks.list', () => [
  { title: 'NETWORK', text: (row) => harmless(row.name, true) },
  { title: 'STACK', text: (row) => harmless(row.stack ?? '–', true) },
  { title: 'DRIVER', text: (row) => harmless(row.driver, true) },
  { title: 'SUBNETS', text: (row) => harmless(row.subnets.join(', ') || '–', true) },
  { title: 'USED BY', text: (row) => harmless(users(row.users), true) },
]);
