/**
 * Backups on a real engine: random trees come back byte for byte, interrupted restores leave the old volume alone, and what is not ours
 * is not pruned. What lies in a volume is looked at with busybox, not with our own walk. PILOTHOUSE_RESTORES=100 interrupts as many.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createApp, type App } from '../../src-main/app';
import { systemClock } from '../../src-main/app/clock';
import { silent } from '../../src-main/base/log';
import { seeded } from '../../src-main/base/random';
import type { Caller } from '../../src-main/contract/api';
import type { JobView } from '../../src-main/contract/api/storage';
import type { ByteStream } from '../../src-main/core/engine';
import { engineKit, uniqueName } from './engine-kit';

const { engine, create, run, volume } = engineKit();
const caller: Caller = { kind: 'app', signal: { aborted: false, addEventListener() {}, removeEventListener() {} } };
const stack = `st${process.pid}`;
const seed = Date.now();
const random = seeded(seed);
const made: string[] = [];
let home = '';
let app: App;
const jobs = new Map<string, JobView>();

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'storage-'));
  app = await createApp({
    home,
    version: 'test',
    socket: '',
    clock: systemClock,
    random: seeded(process.pid),
    log: silent,
    engines: {
      find: () =>
        Promise.resolve([{ id: 'e', kind: 'docker', name: 'test', endpoint: engine().endpoint, source: 'test' }]),
      connect: () => Promise.resolve(engine()),
      release: () => {},
    },
  });
  await app.start();
  app.api.streams['storage.watch'](
    {},
    {
      send: ({ put }) => put.forEach((job) => jobs.set(job.id, job)),
      credit: () => 1000,
      onCredit: () => ({ dispose() {} }),
      end() {},
      fail() {},
    },
    caller,
  );
  await until(() => app.api.calls['volumes.list']({}, caller).then(() => true));
});

afterAll(async () => {
  await app.api.calls['stacks.remove']({ stack, volumes: true }, caller).catch(() => undefined);
  await until(async () => !(await engine().list()).some((row) => row.name.startsWith(`${stack}.`)));
  await app.stop();
  for (const row of (await engine().list()).filter((one) => one.name.startsWith('pilothouse-helper-')))
    await engine().remove(row.id, { force: true, anonymousVolumes: true });
  const left = (await engine().volumes()).map((one) => one.name);
  for (const name of left.filter((one) => made.includes(one) || one.startsWith(stack)))
    await engine().removeVolume(name);
  rmSync(home, { recursive: true, force: true });
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await holds().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('It did not come');
}

async function over(started: Promise<{ job: string }>): Promise<JobView> {
  const { job } = await started;
  await until(() => Promise.resolve(jobs.get(job)?.state !== 'running' && jobs.has(job)));
  return jobs.get(job) as JobView;
}

const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;

/** So many small trees as one tar: folders, files, links, pipes, odd names, all modes, many owners, old and new times. */
function trees(count: number): { tar: ByteStream; entries: number } {
  const archive = pack();
  let entries = 0;
  const add = (header: Parameters<typeof archive.entry>[0], content = Buffer.alloc(0)): void => {
    entries += 1;
    const mtime = new Date(Math.floor(random() * 2_000_000_000) * 1000);
    archive.entry(
      { mtime, uid: Math.floor(random() * 200_000), gid: Math.floor(random() * 70_000), ...header },
      content,
    );
  };
  const fill = async (): Promise<void> => {
    add({ name: 'pilothouse-data/', type: 'directory', mode: 0o2751 });
    for (let tree = 0; tree < count; tree++) {
      const root = `pilothouse-data/${tree} ${pick(['a', 'ü', '树', '-rf', 'new\nline', "quo'te"])}`;
      add({ name: `${root}/`, type: 'directory', mode: pick([0o700, 0o755, 0o1777, 0o2775]) });
      let folder = root;
      const files: string[] = [];
      for (let item = 0; item < 6; item++) {
        const name = `${folder}/${item}-${pick(['x', 'long'.repeat(40), 'ñ', ' '])}`;
        const kind = random();
        if (kind < 0.2) {
          add({ name: `${name}/`, type: 'directory', mode: pick([0o711, 0o500, 0o770]) });
          folder = name;
        } else if (kind < 0.3) add({ name, type: 'symlink', linkname: pick(['../x', '/etc/passwd', 'a'.repeat(150)]) });
        else if (kind < 0.4 && files[0]) add({ name, type: 'link', linkname: pick(files), mode: 0o644 });
        else if (kind < 0.43) add({ name, type: 'fifo', mode: 0o600 });
        else {
          const content = Buffer.alloc(pick([0, 1, 511, 512, 513, 4096, 20_000]));
          for (let at = 0; at < content.length; at++) content[at] = Math.floor(random() * 256);
          add({ name, mode: pick([0o600, 0o644, 0o755, 0o4755, 0o000, 0o6711]) }, content);
          files.push(name);
        }
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    archive.finalize();
  };
  void fill();
  return {
    tar: archive as AsyncIterable<Uint8Array>,
    get entries() {
      return entries;
    },
  };
}

/** What busybox sees in a volume: names, kinds, modes, owners, seconds, links, contents, and which names are one file. */
async function seen(name: string): Promise<string> {
  const id = await run({
    host: { mounts: [{ type: 'volume', source: name, target: '/v', readOnly: true, noCopy: true }] },
  });
  const script = [
    'cd /v',
    "find . -exec stat -c '%n|%f|%u|%g|%Y|%h|%N' {} + | sort | sha256sum",
    'find . -type f -exec sha256sum {} + | sort | sha256sum',
    'find . | wc -l',
  ].join('; ');
  const { output, exitCode } = await engine().exec(id, ['sh', '-c', script], { timeout: 60_000 });
  await engine().remove(id, { force: true, anonymousVolumes: true });
  expect(exitCode, output).toBe(0);
  return output;
}

async function fill(name: string, tar: ByteStream): Promise<void> {
  const id = await create({
    host: { mounts: [{ type: 'volume', source: name, target: '/pilothouse-data', readOnly: false, noCopy: true }] },
  });
  await engine().writeArchive(id, '/', tar);
  await engine().remove(id, { force: true, anonymousVolumes: true });
}

it('four hundred random trees come back as they were, restored and cloned', async () => {
  const name = await volume();
  const content = trees(400);
  await fill(name, content.tar);
  const before = await seen(name);
  const backup = await over(app.api.calls['volumes.backup']({ name, mode: 'live' }, caller));
  expect(backup, `seed ${seed}`).toMatchObject({ state: 'done' });
  const restored = uniqueName('restored');
  const copy = uniqueName('copy');
  made.push(restored, copy);
  expect(
    await over(app.api.calls['volumes.restore']({ backup: backup.result ?? '', to: restored, swap: false }, caller)),
  ).toMatchObject({ state: 'done' });
  expect(await over(app.api.calls['volumes.clone']({ name, to: copy }, caller))).toMatchObject({ state: 'done' });
  expect(await seen(restored), `seed ${seed}`).toBe(before);
  expect(await seen(copy), `seed ${seed}`).toBe(before);
  expect(await seen(name)).toBe(before);
  const [view] = await app.api.calls['volumes.backups']({ name }, caller);
  process.stdout.write(
    `trees: 400, entries ${view?.entries}, ${view?.bytes} bytes, packed to ${view?.packed}, seed ${seed}\n`,
  );
});

it('restores that are interrupted anywhere leave the old volume as it was, and nothing of the new one', async () => {
  const rounds = Number(process.env['PILOTHOUSE_RESTORES'] ?? 10);
  const name = await volume();
  await fill(name, trees(120).tar);
  const before = await seen(name);
  const backup = await over(app.api.calls['volumes.backup']({ name, mode: 'live' }, caller));
  const outcomes = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    const to = uniqueName('broken');
    made.push(to);
    const start = app.api.calls['volumes.restore']({ backup: backup.result ?? '', to, swap: false }, caller);
    const { job } = await start;
    const helpers = async (): Promise<string[]> =>
      (await engine().list()).filter((row) => row.name.startsWith('pilothouse-helper-')).map((row) => row.id);
    if (round % 2 === 0) {
      await new Promise((resolve) => setTimeout(resolve, random() * 300));
      await app.api.calls['storage.cancel']({ job }, caller);
    } else {
      // Somebody takes the helper away: the first one, which fills, or the second, which compares.
      const first = Math.floor(random() * 2);
      const gone = new Set<string>();
      for (let tries = 0; tries < 2_000 && jobs.get(job)?.state === 'running' && gone.size <= first; tries++) {
        for (const id of await helpers()) {
          if (gone.has(id)) continue;
          gone.add(id);
          if (gone.size <= first) continue;
          await new Promise((resolve) => setTimeout(resolve, random() * 30));
          await engine()
            .remove(id, { force: true, anonymousVolumes: true })
            .catch(() => undefined);
        }
      }
    }
    const end = await over(Promise.resolve({ job }));
    outcomes.set(end.state, (outcomes.get(end.state) ?? 0) + 1);
    const there = (await engine().volumes()).some((one) => one.name === to);
    // What was whole before the blow fell is kept; what was not is gone.
    expect(there, JSON.stringify(end)).toBe(end.state === 'done');
    if (there) expect(await seen(to)).toBe(before);
  }
  expect(await seen(name), `seed ${seed}`).toBe(before);
  process.stdout.write(`interrupted restores: ${rounds}, ${JSON.stringify(Object.fromEntries(outcomes))}\n`);
});

it('a running service gets its backup back; the old data stays; pruning takes that and nothing foreign', async () => {
  const text = `
name: ${stack}
services:
  db:
    image: busybox
    command: ['sh', '-c', 'while true; do date +%s%N >> /data/log; sleep 0.2; done']
    stop_grace_period: 1s
    volumes: ['data:/data']
volumes: { data: {} }
`;
  const foreign = await volume();
  await app.api.calls['stacks.apply']({ source: { files: [{ name: 'compose.yaml', text }] } }, caller);
  const ready = async (): Promise<boolean> =>
    (await app.api.calls['services.get']({ service: `${stack}/db` }, caller)).ready === 1;
  await until(ready);
  await app.api.calls['volumes.upload'](
    { name: `${stack}_data`, path: 'mark', content: Buffer.from('before').toString('base64') },
    caller,
  );
  const backup = await over(app.api.calls['volumes.backup']({ name: `${stack}_data`, mode: 'stopped' }, caller));
  expect(backup).toMatchObject({ state: 'done' });
  await until(ready);
  await app.api.calls['volumes.upload'](
    { name: `${stack}_data`, path: 'mark', content: Buffer.from('after').toString('base64') },
    caller,
  );
  const restored = await over(app.api.calls['volumes.restore']({ backup: backup.result ?? '', swap: true }, caller));
  expect(restored).toMatchObject({ state: 'done' });
  await until(ready);
  const current = restored.result ?? '';
  const mark = async (name: string): Promise<string | undefined> =>
    (await app.api.calls['volumes.preview']({ name, path: 'mark' }, caller)).text;
  expect([await mark(current), await mark(`${stack}_data`)]).toEqual(['before', 'after']);
  await until(async () => (await app.api.calls['volumes.inspect']({ name: current }, caller)).services.length === 1);
  const listed = await app.api.calls['volumes.browse']({ name: current, path: '' }, caller);
  expect(listed.entries.map((entry) => entry.name).sort()).toEqual(['log', 'mark']);
  await until(async () => (await app.api.calls['volumes.prunePlan']({}, caller)).items.length > 0);
  const plan = await app.api.calls['volumes.prunePlan']({}, caller);
  expect(plan.items.map((item) => item.name)).toEqual([`${stack}_data`]);
  await expect(app.api.calls['volumes.prune']({ names: [foreign], recycle: false }, caller)).rejects.toThrow(
    'not ours',
  );
  const before = (await engine().volumes()).map((one) => one.name);
  expect(await over(app.api.calls['volumes.prune']({ names: [`${stack}_data`], recycle: true }, caller))).toMatchObject(
    {
      state: 'done',
    },
  );
  const after = (await engine().volumes()).map((one) => one.name);
  expect(before.filter((name) => !after.includes(name))).toEqual([`${stack}_data`]);
  expect((await engine().list()).filter((row) => row.name.startsWith('pilothouse-helper-'))).toEqual([]);
});
