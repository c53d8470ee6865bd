/** What lies on another node: volumes listed, looked into, backed up, restored, copied and pruned there; images and networks too; checkpoints. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ServiceView } from '../../src-main/contract/nouns';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { caller } from '../support/app';
import { waitUntil } from './app-kit';
import { startNodes, type Nodes } from './nodes-kit';

const stack = `ns${process.pid}`;
const service = `${stack}/db`;
const data = `${stack}_data`;
const node = 'far';

let nodes: Nodes;
let far: DockerEngine;

const compose = (version: number): string => `
name: ${stack}
services:
  db:
    image: busybox:latest
    command: [sh, -c, 'trap exit TERM; echo v${version} > /data/version; while true; do sleep 1 & wait $$!; done']
    stop_grace_period: 1s
    volumes: ['data:/data']
    deploy: { placement: { constraints: ["node.labels.disk == ssd"] }, update_config: { order: stop-first, monitor: 0s } }
    x-pilothouse: { checkpoint: { mode: stopped, keep: 2 } }
volumes: { data: {} }
`;

const calls = (): Nodes['calls'] => nodes.calls;
const view = (): Promise<ServiceView> => calls()['services.get']({ service }, caller);
const apply = (version: number): Promise<unknown> =>
  calls()['stacks.apply'](
    { source: { files: [{ name: 'compose.yaml', text: compose(version) }] }, name: stack },
    caller,
  );
const settled = (revision: number): Promise<unknown> =>
  waitUntil(
    `revision ${revision}`,
    async () => {
      const { ready, rollout, revision: now } = await view();
      const moving = rollout !== undefined && ['running', 'rolling-back', 'paused', 'failed'].includes(rollout.state);
      return ready === 1 && !moving && now === revision;
    },
    { tell: view },
  );
const read = async (name: string, at: { node?: string } = { node }): Promise<string | undefined> =>
  (await calls()['volumes.preview']({ name, path: 'mark', ...at }, caller)).text;
const write = (name: string, text: string, at: { node?: string } = { node }): Promise<unknown> =>
  calls()['volumes.upload']({ name, path: 'mark', content: Buffer.from(text).toString('base64'), ...at }, caller);
const there = async (on: DockerEngine): Promise<string[]> => (await on.volumes()).map(({ name }) => name);

beforeAll(async () => {
  nodes = await startNodes('places');
  far = await connect({ endpoint: nodes.second.dockerHost });
  await calls()['nodes.add']({ endpoint: nodes.second.dockerHost, name: node, labels: { disk: 'ssd' } }, caller);
  await nodes.until('the node', (one) => one?.state === 'ready');
  await apply(1);
  await settled(1);
  // A twin of its name that is somebody else's.
  await nodes.engine.createVolume({ name: data, driverOpts: {}, labels: {} });
}, 120_000);

afterAll(async () => {
  for (const name of await there(nodes.engine))
    if (name.startsWith(stack)) await nodes.engine.removeVolume(name).catch(() => undefined);
  far?.dispose();
  await nodes?.stop();
}, 120_000);

it('volumes are told apart by their nodes, and looked into where they lie', async () => {
  const rows = (await calls()['volumes.list']({}, caller)).filter(({ name }) => name === data);
  expect(rows.map((row) => [row.node?.name === node, row.ours, row.users.length])).toEqual(
    expect.arrayContaining([
      [true, true, 1],
      [false, false, 0],
    ]),
  );
  await write(data, 'kept');
  await write(data, 'foreign', {});
  expect([await read(data), await read(data, {})]).toEqual(['kept', 'foreign']);
  const { entries } = await calls()['volumes.browse']({ name: data, node, path: '', offset: 0, limit: 50 }, caller);
  expect(entries.map(({ name }) => name).sort()).toEqual(['mark', 'version']);
  const detail = await calls()['volumes.inspect']({ name: data, node }, caller);
  expect(detail).toMatchObject({ services: [service], node: { name: node } });
  expect(await calls()['volumes.inspect']({ name: data }, caller)).toMatchObject({ services: [], containers: [] });
});

it('a backup there comes back there, or on the other node when that is said; copies and prunes stay on their node', async () => {
  const backup = await nodes.over(calls()['volumes.backup']({ name: data, node, mode: 'stopped' }, caller));
  expect(backup).toMatchObject({ state: 'done', subject: `${data} @ ${node}` });
  const [listed] = await calls()['volumes.backups']({ name: data }, caller);
  expect(listed).toMatchObject({ id: backup.result, node: { name: node } });
  await settled(1);
  const restore = (to: string, at: { node?: string }): ReturnType<Nodes['over']> =>
    nodes.over(calls()['volumes.restore']({ backup: backup.result ?? '', to, swap: false, ...at }, caller));
  const home = (await nodes.calls['nodes.list']({}, caller)).find((one) => one.home)?.name ?? '';
  expect(await restore(`${stack}_here`, { node: home })).toMatchObject({ state: 'done' });
  expect(await restore(`${stack}_there`, {})).toMatchObject({ state: 'done' });
  expect([await read(`${stack}_there`), await read(`${stack}_here`, {})]).toEqual(['kept', 'kept']);
  const copied = await nodes.over(
    calls()['volumes.clone']({ name: `${stack}_there`, node, to: `${stack}_copy` }, caller),
  );
  expect(copied).toMatchObject({ state: 'done' });
  expect((await there(far)).filter((name) => name.startsWith(stack)).sort()).toEqual([
    ...[`${stack}_copy`, data, `${stack}_there`].sort(),
  ]);
  const plan = await calls()['volumes.plan'](
    { volume: data, node, cron: '0 3 * * *', mode: 'live', keep: { last: 1, daily: 0, weekly: 0 } },
    caller,
  );
  expect(plan.node?.name).toBe(node);
  expect((await calls()['volumes.inspect']({ name: data }, caller)).plan).toBeUndefined();
  for (const name of [`${stack}_there`, `${stack}_copy`])
    await nodes.over(calls()['volumes.remove']({ name, node, recycle: false }, caller));
  const swapped = await nodes.over(calls()['volumes.restore']({ backup: backup.result ?? '', swap: true }, caller));
  expect(swapped).toMatchObject({ state: 'done' });
  await settled(2);
  expect(await read(swapped.result ?? '')).toBe('kept');
  const prunable = async (at: { node?: string }): Promise<string[]> =>
    (await calls()['volumes.prunePlan'](at, caller)).items.map(({ name }) => name);
  expect(await prunable({ node })).toEqual([data]);
  expect(await prunable({})).not.toContain(data);
});

it('a checkpoint is made on the node of the data, and brought back there', async () => {
  const { revision } = await view();
  await write(await current(), 'before');
  await apply(2);
  await settled(revision + 1);
  const [checkpoint] = await calls()['checkpoints.list']({ service }, caller);
  expect(checkpoint?.volumes).toMatchObject([{ node: { name: node } }]);
  await write(await current(), 'spoiled');
  const back = await nodes.over(calls()['checkpoints.restore']({ service, revision: revision + 1 }, caller));
  expect(back).toMatchObject({ state: 'done' });
  await waitUntil(
    'the old data',
    async () => (await view()).ready === 1 && (await read(await current())) === 'before',
    {
      tell: view,
    },
  );
});

it('images and networks are those of their node', async () => {
  const tag = `${stack}:1`;
  await calls()['images.tag']({ reference: 'busybox:latest', node, tag }, caller);
  const holders = async (): Promise<(string | undefined)[]> =>
    (await calls()['images.list']({}, caller)).flatMap((row) => (row.tags.includes(tag) ? [row.node?.name] : []));
  expect(await holders()).toEqual([node]);
  expect((await calls()['images.prunePlan']({ node, unused: true }, caller)).items).not.toContainEqual(
    expect.objectContaining({ name: 'busybox:latest' }),
  );
  await calls()['images.remove']({ reference: tag, node }, caller);
  expect(await holders()).toEqual([]);
  const network = (await calls()['networks.list']({}, caller)).find(
    (row) => row.node?.name === node && row.stack === stack,
  );
  expect(network?.users).toEqual([`${service}.1`]);
  const detail = await calls()['networks.inspect']({ id: network?.id ?? '', node }, caller);
  expect(detail.containers).toHaveLength(1);
});

it('while a node is away the others are listed, and what is asked of it is refused with its name; a twin outlives the stack', async () => {
  await nodes.second.kill();
  await nodes.until('its absence', (one) => one?.state === 'away');
  expect((await calls()['volumes.list']({}, caller)).some((row) => row.name === data && !row.ours)).toBe(true);
  const browsed = calls()['volumes.browse']({ name: data, node, path: '', offset: 0, limit: 50 }, caller);
  await expect(browsed).rejects.toMatchObject({ problem: { code: 'engine-away', message: 'far does not answer.' } });
  await nodes.second.start();
  await nodes.until('its return', (one) => one?.state === 'ready');
  await calls()['stacks.remove']({ stack, volumes: true }, caller);
  const gone = async (): Promise<boolean> => (await calls()['stacks.list']({}, caller)).length === 0;
  await waitUntil('the end of the stack', gone, { limit: 60_000 });
  expect(await there(far)).not.toContain(data);
  expect(await there(nodes.engine)).toContain(data);
});

/** The volume that the replica mounts now. */
async function current(): Promise<string> {
  const rows = await far.list({ labels: { 'io.pilothouse.stack': stack } });
  const running = rows.find(({ state }) => state === 'running');
  const detail = await far.inspect(running?.id ?? '');
  return detail?.mounts.find(({ target }) => target === '/data')?.name ?? '';
}
