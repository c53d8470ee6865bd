/**
 * Volumes on a real engine: random trees come back byte for byte, folders are listed a page at a time, and what is not ours is not pruned.
 * What lies in a volume is looked at with busybox, not with our own walk. PILOTHOUSE_TREES=1000 makes as many trees.
 */
import { afterAll, expect, it } from 'vitest';
import { caller } from '../support/app';
import { waitUntil } from './app-kit';
import { uniqueName } from './engine-kit';
import { seed, storageKit, trees } from './storage-kit';

const { engine, run, volume, call, made, over, seen, fill, helpers } = storageKit();
const stack = `st${process.pid}`;
made.push(stack);

afterAll(async () => {
  await call['stacks.remove']({ stack, volumes: true }, caller).catch(() => undefined);
  const gone = async (): Promise<boolean> => !(await engine().list()).some((row) => row.name.startsWith(`${stack}.`));
  await waitUntil('the end of the stack', gone);
});

/** Runs a script of busybox in a volume. */
async function inVolume(name: string, script: string): Promise<string> {
  const id = await run({
    host: { mounts: [{ type: 'volume', source: name, target: '/v', readOnly: false, noCopy: true }] },
  });
  const { output, exitCode } = await engine().exec(id, ['sh', '-c', `cd /v && ${script}`], { timeout: 120_000 });
  await engine().remove(id, { force: true, anonymousVolumes: true });
  expect(exitCode, output).toBe(0);
  return output;
}

const odd = String.raw`
mkdir -p odd && cd odd
truncate -s 5M sparse && printf end >> sparse
printf x > one && ln one two && ln -s one link && ln -s '/etc/passwd' out && mkfifo pipe
printf y > "$(printf 'new\nline')" && printf z > "$(printf -- '-rf')"
printf q > "$(printf '\001\033[31m')" && printf u > "$(printf 'raw\377')"
mkdir locked && printf s > locked/inside && chmod 000 locked && chown 999:998 one && chmod 4755 sparse
`;

it('random trees, sparse files and odd names come back as they were, restored and cloned', async () => {
  const count = Number(process.env['PILOTHOUSE_TREES'] ?? 150);
  const name = await volume();
  await fill(name, trees(count).tar);
  await inVolume(name, odd);
  const before = await seen(name);
  const backup = await over(call['volumes.backup']({ name, mode: 'live' }, caller));
  expect(backup, `seed ${seed}`).toMatchObject({ state: 'done' });
  const restored = uniqueName('restored');
  const copy = uniqueName('copy');
  made.push(restored, copy);
  const restore = over(call['volumes.restore']({ backup: backup.result ?? '', to: restored, swap: false }, caller));
  expect(await restore).toMatchObject({ state: 'done' });
  expect(await over(call['volumes.clone']({ name, to: copy }, caller))).toMatchObject({ state: 'done' });
  expect(await seen(restored), `seed ${seed}`).toBe(before);
  expect(await seen(copy), `seed ${seed}`).toBe(before);
  expect(await seen(name)).toBe(before);
  const [view] = await call['volumes.backups']({ name }, caller);
  process.stdout.write(
    `trees: ${count}, entries ${view?.entries}, ${view?.bytes} bytes, packed to ${view?.packed}, seed ${seed}\n`,
  );
});

it('a folder is listed a page at a time, whatever its names say', async () => {
  const name = await volume();
  await inVolume(
    name,
    `${odd.trim()}
cd .. && mkdir many && cd many && seq 1 3000 | xargs touch && mkdir zz && chmod 700 .`,
  );
  const browse = (path: string, offset = 0, limit = 500): ReturnType<(typeof call)['volumes.browse']> =>
    call['volumes.browse']({ name, path, offset, limit }, caller);
  const root = await browse('');
  expect(root).toMatchObject({
    total: 2,
    truncated: false,
    entries: [{ name: 'many' }, { name: 'odd', type: 'folder' }],
  });
  const { entries, total } = await browse('odd');
  const found = new Map(entries.map((entry) => [entry.name, entry]));
  expect(total).toBe(11);
  expect(entries[0]).toMatchObject({ name: 'locked', type: 'folder', mode: 0 });
  expect(found.get('new\nline')).toMatchObject({ type: 'file', size: 1 });
  expect(found.get('-rf')).toMatchObject({ type: 'file', size: 1 });
  expect(found.get('\u0001\u001b[31m')).toMatchObject({ type: 'file', size: 1 });
  // No text: it is shown, not lost.
  expect(found.get('raw\ufffd')).toMatchObject({ type: 'other' });
  expect(found.get('out')).toMatchObject({ type: 'link', target: '/etc/passwd' });
  expect(found.get('pipe')).toMatchObject({ type: 'other' });
  expect(found.get('one')).toMatchObject({ uid: 999, gid: 998 });
  expect(found.get('sparse')).toMatchObject({ size: 5 * 1024 * 1024 + 3, mode: 0o4755 });
  expect((await browse('odd/locked')).entries).toMatchObject([{ name: 'inside', size: 1 }]);
  const pages = [await browse('many', 0, 1000), await browse('many', 1000, 1000), await browse('many', 3000, 1000)];
  expect(pages.map((page) => [page.total, page.entries.length])).toEqual([
    [3001, 1000],
    [3001, 1000],
    [3001, 1],
  ]);
  expect(pages[0]?.entries.slice(0, 3).map((entry) => entry.name)).toEqual(['zz', '1', '10']);
  for (const path of ['odd/one', 'odd/out', 'odd/link', 'odd/nothing'])
    await expect(browse(path)).rejects.toMatchObject({
      problem: { code: expect.stringMatching(/bad-input|not-found/) },
    });
  expect(await helpers()).toEqual([]);
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
  await call['stacks.apply']({ source: { files: [{ name: 'compose.yaml', text }] } }, caller);
  const ready = async (): Promise<boolean> =>
    (await call['services.get']({ service: `${stack}/db` }, caller)).ready === 1;
  await waitUntil('the service', ready);
  await call['volumes.upload'](
    { name: `${stack}_data`, path: 'mark', content: Buffer.from('before').toString('base64') },
    caller,
  );
  const backup = await over(call['volumes.backup']({ name: `${stack}_data`, mode: 'stopped' }, caller));
  expect(backup).toMatchObject({ state: 'done' });
  await waitUntil('the service', ready);
  await call['volumes.upload'](
    { name: `${stack}_data`, path: 'mark', content: Buffer.from('after').toString('base64') },
    caller,
  );
  const restored = await over(call['volumes.restore']({ backup: backup.result ?? '', swap: true }, caller));
  expect(restored).toMatchObject({ state: 'done' });
  await waitUntil('the service', ready);
  const current = restored.result ?? '';
  const mark = async (name: string): Promise<string | undefined> =>
    (await call['volumes.preview']({ name, path: 'mark' }, caller)).text;
  expect([await mark(current), await mark(`${stack}_data`)]).toEqual(['before', 'after']);
  await waitUntil(
    'the new user',
    async () => (await call['volumes.inspect']({ name: current }, caller)).services.length === 1,
  );
  const listed = await call['volumes.browse']({ name: current, path: '', offset: 0, limit: 500 }, caller);
  expect(listed.entries.map((entry) => entry.name).sort()).toEqual(['log', 'mark']);
  await waitUntil('the plan', async () => (await call['volumes.prunePlan']({}, caller)).items.length > 0);
  const plan = await call['volumes.prunePlan']({}, caller);
  expect(plan.items.map((item) => item.name)).toEqual([`${stack}_data`]);
  await expect(call['volumes.prune']({ names: [foreign], recycle: false }, caller)).rejects.toThrow('not ours');
  const before = (await engine().volumes()).map((one) => one.name);
  expect(await over(call['volumes.prune']({ names: [`${stack}_data`], recycle: true }, caller))).toMatchObject({
    state: 'done',
  });
  const after = (await engine().volumes()).map((one) => one.name);
  expect(before.filter((name) => !after.includes(name))).toEqual([`${stack}_data`]);
  expect(await helpers()).toEqual([]);
});
