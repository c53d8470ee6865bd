/** Trees into and out of containers that never run, tags, and builds, on the real engine. */
import { pack } from 'tar-stream';
import { expect, it } from 'vitest';
import type { ByteStream } from '../../src-main/core/engine';
import { codeOf, engineKit, uniqueName } from './engine-kit';

const { engine, create, volume } = engineKit();

function tar(entries: { name: string; type?: 'directory' | 'file'; mode: number; content?: string }[]): ByteStream {
  const archive = pack();
  for (const { content = '', ...header } of entries)
    archive.entry({ ...header, mtime: new Date(1_000_000_000_000) }, content);
  archive.finalize();
  return archive as AsyncIterable<Uint8Array>;
}

async function bytesOf(stream: ByteStream): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function onVolume(name: string, readOnly = false): Promise<string> {
  return create({ host: { mounts: [{ type: 'volume', source: name, target: '/tree', readOnly, noCopy: true }] } });
}

it('a tree goes in and comes out of a container that never ran, its root too', async () => {
  const id = await onVolume(await volume());
  const entries = [
    { name: 'tree/', type: 'directory' as const, mode: 0o710 },
    { name: 'tree/a', mode: 0o640, content: 'hello' },
  ];
  await engine().writeArchive(id, '/', tar(entries));
  const bytes = (await bytesOf(await engine().readArchive(id, '/tree'))).toString('latin1');
  expect(bytes).toContain('hello');
  expect(bytes.slice(0, 5)).toBe('tree/');
  expect(bytes.slice(100, 107)).toContain('710');
});

it('a read that is cancelled ends, one of nothing is not found, a write to what is read-only is refused', async () => {
  const name = await volume();
  const id = await onVolume(name);
  await engine().writeArchive(id, '/', tar([{ name: 'tree/big', mode: 0o600, content: 'x'.repeat(8_000_000) }]));
  const controller = new AbortController();
  const reading = await engine().readArchive(id, '/tree', controller.signal);
  expect(
    await codeOf(
      (async () => {
        for await (const _ of reading) controller.abort();
      })(),
    ),
  ).toBeDefined();
  expect(await codeOf(engine().readArchive(id, '/none'))).toBe('not-found');
  const closed = await onVolume(name, true);
  expect(await codeOf(engine().writeArchive(closed, '/', tar([{ name: 'tree/b', mode: 0o600 }])))).toBe('refused');
});

it('a source that breaks off leaves the reason', async () => {
  const id = await onVolume(await volume());
  async function* broken(): ByteStream & AsyncGenerator<Uint8Array> {
    yield new Uint8Array(512);
    throw new Error('the disk is gone');
  }
  await expect(engine().writeArchive(id, '/', broken())).rejects.toThrow('the disk is gone');
});

it('an image is tagged, built and removed; a build that fails says why', async () => {
  const tag = `${uniqueName('built')}:1`;
  const said: string[] = [];
  const context = (file: string): ByteStream => tar([{ name: 'Dockerfile', mode: 0o644, content: file }]);
  await engine().build(context('FROM busybox\nLABEL made=here\n'), {
    tag,
    args: {},
    progress: (line) => said.push(line),
  });
  expect((await engine().inspectImage(tag))?.labels).toMatchObject({ made: 'here' });
  expect(said.join('\n')).toContain('Step 1/2');
  const other = `${uniqueName('tag')}:2`;
  await engine().tagImage(tag, other);
  expect((await engine().inspectImage(other))?.id).toBe((await engine().inspectImage(tag))?.id);
  await engine().removeImage(other, false);
  await engine().removeImage(tag, false);
  expect(await engine().inspectImage(tag)).toBeUndefined();
  expect(await codeOf(engine().build(context('FROM busybox\nNONSENSE\n'), { tag, args: {} }))).toBeDefined();
});
