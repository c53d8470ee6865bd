/**
 * A stateful service on a real engine: each replica keeps its volume through updates and scaling, its volumes are backed up before an
 * update, and going back brings image and data back together.
 */
import { afterAll, expect, it } from 'vitest';
import { caller } from '../support/app';
import { waitUntil } from './app-kit';
import { storageKit } from './storage-kit';

const { engine, call, made, over } = storageKit();
const stack = `cp${process.pid}`;
const service = `${stack}/db`;
made.push(stack);

const source = (version: number): { files: { name: string; text: string }[] } => ({
  files: [
    {
      name: 'compose.yaml',
      text: `
name: ${stack}
services:
  db:
    image: busybox
    init: true
    command: ['sh', '-c', 'echo v${version} >> /data/log; exec sleep 100000']
    stop_grace_period: 0s
    volumes: ['data:/data']
    deploy: { replicas: 2, update_config: { order: stop-first, monitor: 0s } }
    x-pilothouse: { stateful: true, checkpoint: { mode: ${version === 2 ? 'stopped' : 'live'}, keep: 1 } }
volumes: { data: {} }
`,
    },
  ],
});

/** What runs: slot, version, and the volume it keeps its data in. */
async function running(): Promise<{ slot: string; version: string; volume: string; createdAt: number }[]> {
  const rows = (await engine().list()).filter((row) => row.name.startsWith(`${stack}.db.`) && row.state === 'running');
  const details = await Promise.all(rows.map((row) => engine().inspect(row.id)));
  return details
    .filter((detail) => detail !== undefined)
    .map((detail) => ({
      slot: detail.labels['io.pilothouse.slot'] ?? '',
      version: /echo (v\d+)/.exec(detail.command.join(' '))?.[1] ?? '',
      volume: detail.mounts.find((mount) => mount.target === '/data')?.name ?? '',
      createdAt: detail.createdAt,
    }))
    .sort((one, two) => one.slot.localeCompare(two.slot));
}

/** Waits until two replicas of a version are ready and nothing is being rolled out. */
async function settled(version: string): Promise<void> {
  const now = (): ReturnType<(typeof call)['services.get']> => call['services.get']({ service }, caller);
  const is = async (): Promise<boolean> => {
    const view = await now();
    const moving = view.rollout && ['running', 'rolling-back', 'paused', 'failed'].includes(view.rollout.state);
    const there = await running();
    return view.ready === 2 && !moving && there.length === 2 && there.every((one) => one.version === version);
  };
  await waitUntil(`two replicas of ${version}`, is, { tell: async () => [await now(), await running()] });
}

async function mark(volume: string, text?: string): Promise<string | undefined> {
  if (text !== undefined)
    await call['volumes.upload']({ name: volume, path: 'mark', content: Buffer.from(text).toString('base64') }, caller);
  return (await call['volumes.preview']({ name: volume, path: 'mark' }, caller)).text;
}

afterAll(async () => {
  await call['stacks.remove']({ stack, volumes: true }, caller).catch(() => undefined);
  const gone = async (): Promise<boolean> => !(await engine().list()).some((row) => row.name.startsWith(`${stack}.`));
  await waitUntil('the end of the stack', gone);
});

it(
  'volumes follow their slots; a checkpoint comes before an update and brings image and data back',
  { timeout: 300_000 },
  async () => {
    await call['stacks.apply']({ source: source(1) }, caller);
    await settled('v1');
    const first = await running();
    expect(first.map(({ slot, volume }) => [slot, volume])).toEqual([
      ['1', `${stack}_data-1`],
      ['2', `${stack}_data-2`],
    ]);
    await mark(`${stack}_data-1`, 'one');
    await mark(`${stack}_data-2`, 'two');

    const plan = await call['stacks.plan']({ source: source(2) }, caller);
    expect(plan.actions.filter((action) => action.verb === 'checkpoint')).toMatchObject([
      { noun: 'service', name: service, words: { args: { volumes: `${stack}_data`, mode: 'stopped' } } },
    ]);
    await call['stacks.apply']({ source: source(2) }, caller);
    await settled('v2');
    const second = await running();
    expect(second.map(({ volume }) => volume)).toEqual(first.map(({ volume }) => volume));
    const [checkpoint, ...others] = await call['checkpoints.list']({ service }, caller);
    expect(others).toEqual([]);
    expect(checkpoint).toMatchObject({ before: 1, revision: 2, mode: 'stopped' });
    expect(checkpoint?.volumes.map(({ volume }) => volume).sort()).toEqual([`${stack}_data-1`, `${stack}_data-2`]);
    for (const one of second) expect(one.createdAt).toBeGreaterThan(checkpoint?.at ?? Infinity);

    await mark(`${stack}_data-1`, 'spoiled');
    await mark(`${stack}_data-2`, 'spoiled');
    expect(await over(call['checkpoints.restore']({ service, revision: 2 }, caller))).toMatchObject({ state: 'done' });
    await settled('v1');
    const third = await running();
    expect(await Promise.all(third.map(({ volume }) => mark(volume)))).toEqual(['one', 'two']);
    expect(await mark(`${stack}_data-1`)).toBe('spoiled');

    // Down and up again: the slot finds its own data.
    await call['services.scale']({ service, replicas: 1 }, caller);
    await waitUntil('one replica', async () => (await running()).length === 1);
    await call['services.scale']({ service, replicas: 2 }, caller);
    await settled('v1');
    expect((await running()).map(({ volume }) => volume)).toEqual(third.map(({ volume }) => volume));

    // The next update goes on from the data that was brought back, and its checkpoint takes the place of the older one.
    await call['stacks.apply']({ source: source(3) }, caller);
    await settled('v3');
    expect((await running()).map(({ volume }) => volume)).toEqual(third.map(({ volume }) => volume));
    const kept = await call['checkpoints.list']({ service }, caller);
    expect(kept).toMatchObject([{ mode: 'live' }]);
    const backups = await call['volumes.backups']({}, caller);
    expect(
      backups
        .filter((one) => one.reason === 'checkpoint')
        .map((one) => one.id)
        .sort(),
    ).toEqual(kept.flatMap((one) => one.volumes.map((volume) => volume.backup)).sort());
  },
);
