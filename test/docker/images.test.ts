/** Images on a real engine: built from a folder without what is ignored, sent to a registry that wants a login, and compared with it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { testEngine } from '../support/engine';
import { caller } from '../support/app';
import { storageKit } from './storage-kit';

const { engine, run, call, over } = storageKit();
const folder = mkdtempSync(join(tmpdir(), 'images-'));
const context = join(folder, 'context');
let registry: ChildProcess;
let image = '';

beforeAll(async () => {
  const program = [process.execPath, join(__dirname, 'engine-registry.mjs')];
  const [command = '', ...argv] = testEngine().runInNamespace(program);
  const child = spawn(command, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  registry = child;
  const port = await new Promise<string>((resolve) =>
    child.stdout.once('data', (chunk: Buffer) => resolve(String(chunk).trim())),
  );
  image = `localhost:${port}/shop/built:1`;
  process.env['DOCKER_CONFIG'] = folder;
  const auth = Buffer.from('me:s3cret').toString('base64');
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths: { [`localhost:${port}`]: { auth } } }));
  mkdirSync(join(context, 'src', 'deep'), { recursive: true });
  mkdirSync(join(context, 'node_modules', 'big'), { recursive: true });
  writeFileSync(join(context, 'node_modules', 'big', 'file'), 'no');
  writeFileSync(join(context, 'src', 'kept.txt'), 'kept');
  writeFileSync(join(context, 'src', 'deep', 'secret.key'), 'no');
  writeFileSync(join(context, 'src', 'deep', 'public.key'), 'yes');
  symlinkSync('/etc/hostname', join(context, 'src', 'link'));
  writeFileSync(join(context, '.dockerignore'), 'node_modules\n**/*.key\n!src/deep/public.key\n# nothing\n');
});

afterAll(async () => {
  registry.kill();
  delete process.env['DOCKER_CONFIG'];
  rmSync(folder, { recursive: true, force: true });
  await engine()
    .removeImage(image, true)
    .catch(() => undefined);
});

async function build(version: string, more = ''): Promise<Awaited<ReturnType<typeof over>>> {
  const text = ['FROM busybox', 'ARG VERSION', 'COPY . /app', 'RUN echo $VERSION > /version', more].join('\n');
  writeFileSync(join(context, 'Dockerfile'), text);
  const input = { folder: context, tag: image, dockerfile: 'Dockerfile', args: { VERSION: version } };
  return over(call['images.build'](input, caller));
}
const check = async (): Promise<unknown> => (await call['images.check']({ references: [image] }, caller))[0];

it('a folder is built without what is ignored; links are not followed; the builder is heard', async () => {
  const built = await build('one');
  const { lines } = await call['storage.log']({ job: built.id }, caller);
  expect(built, lines.join('\n')).toMatchObject({ state: 'done', kind: 'build' });
  expect(lines.join('\n')).toContain('RUN echo $VERSION > /version');
  const id = await run({ image, command: ['sleep', '600'] });
  const seen = await engine().exec(id, ['sh', '-c', 'cd /app && find . | sort && readlink src/link && cat /version']);
  expect(seen.output.trim().split('\n')).toEqual([
    ...['.', './.dockerignore', './Dockerfile', './src', './src/deep', './src/deep/public.key', './src/kept.txt'],
    ...['./src/link', '/etc/hostname', 'one'],
  ]);
  await engine().remove(id, { force: true, anonymousVolumes: true });
});

it('a build that fails says why, and one without a Dockerfile is refused', async () => {
  const failed = await build('one', 'RUN exit 3');
  expect(failed).toMatchObject({ state: 'failed' });
  expect(JSON.stringify(failed.problem)).toMatch(/exit 3|code: 3/);
  const none = { folder, tag: image, dockerfile: 'Dockerfile', args: {} };
  expect(await over(call['images.build'](none, caller))).toMatchObject({
    state: 'failed',
    problem: { code: 'not-found' },
  });
});

it('an image is sent, is current, and is not when the registry has another; who does not answer is unknown', async () => {
  expect(await check()).toMatchObject({ state: 'unknown' });
  expect(await over(call['images.push']({ reference: image }, caller))).toMatchObject({ state: 'done' });
  expect(await check()).toEqual({ reference: image, state: 'current' });
  // Somebody else sends another one of that name; ours stays the old one.
  const old = image.replace(/:1$/, ':old');
  await call['images.tag']({ reference: image, tag: old }, caller);
  await build('two');
  expect(await over(call['images.push']({ reference: image }, caller))).toMatchObject({ state: 'done' });
  await call['images.tag']({ reference: old, tag: image }, caller);
  expect(await check()).toEqual({ reference: image, state: 'newer' });
  expect(await over(call['images.pull']({ reference: image }, caller))).toMatchObject({ state: 'done' });
  expect(await check()).toEqual({ reference: image, state: 'current' });
  await engine().removeImage(old, true);
  // A wrong login is a failure to send, and no answer.
  writeFileSync(join(folder, 'config.json'), '{}');
  expect(await over(call['images.push']({ reference: image }, caller))).toMatchObject({ state: 'failed' });
  expect(await check()).toMatchObject({ state: 'unknown' });
  registry.kill();
  expect(await check()).toMatchObject({ state: 'unknown' });
});
