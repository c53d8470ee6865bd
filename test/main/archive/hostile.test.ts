/** Archives that want out of the volume: each is refused, nothing is kept of it, and harmless ones pass (S24). */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack, type Header } from 'tar-stream';
import { afterAll, expect, it } from 'vitest';
import { openBackups } from '../../../src-main/archive';
import { PilothouseError } from '../../../src-main/contract/errors';

const folder = mkdtempSync(join(tmpdir(), 'hostile-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Entry = Partial<Header> & { name: string; content?: string };

async function tar(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const { content, ...header } of entries) archive.entry({ mode: 0o644, ...header }, content ?? '');
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Changes bytes of the first header and makes its checksum right again. */
function patched(bytes: Buffer, at: number, value: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  value.copy(copy, at);
  copy.write('        ', 148);
  const sum = copy.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return copy;
}

const file = (name: string, more: Partial<Header> = {}): Entry => ({ name, content: 'x', ...more });
const link = (name: string, linkname: string, type: 'symlink' | 'link' = 'symlink'): Entry => ({
  name,
  type,
  linkname,
});

const corpus: Record<string, { code: string; bytes: () => Promise<Buffer> }> = {
  'a name that climbs out': { code: 'archive.outside', bytes: () => tar([file('../x')]) },
  'a name that climbs out later': { code: 'archive.outside', bytes: () => tar([file('a/b/../../../x')]) },
  'an absolute name': { code: 'archive.outside', bytes: () => tar([file('/etc/cron.d/x')]) },
  'a link to an absolute place': { code: 'archive.link', bytes: () => tar([link('a', '/etc')]) },
  'a link that climbs out': { code: 'archive.link', bytes: () => tar([link('a/b', '../../etc')]) },
  'a link that climbs out and back': { code: 'archive.link', bytes: () => tar([link('a', '../pilothouse-data/x')]) },
  'a file through a link': { code: 'archive.through', bytes: () => tar([link('a', 'b'), file('a/x')]) },
  'a link, then a file of its name': { code: 'archive.twice', bytes: () => tar([link('a', 'b'), file('a')]) },
  'a folder in place of a link': {
    code: 'archive.twice',
    bytes: () => tar([link('a', 'b'), { name: 'a', type: 'directory' }, file('a/x')]),
  },
  'a hard link to outside': { code: 'archive.link', bytes: () => tar([link('a', '/etc/shadow', 'link')]) },
  'a hard link to what climbs out': { code: 'archive.link', bytes: () => tar([link('a', '../../etc/shadow', 'link')]) },
  'a hard link to a link': {
    code: 'archive.link',
    bytes: () => tar([file('t'), link('a', 't'), link('b', 'a', 'link'), file('b')]),
  },
  'a hard link to what comes later': { code: 'archive.link', bytes: () => tar([link('a', 'b', 'link'), file('b')]) },
  'a character device': {
    code: 'archive.kind',
    bytes: () => tar([{ name: 'mem', type: 'character-device', devmajor: 1, devminor: 1 }]),
  },
  'a block device': {
    code: 'archive.kind',
    bytes: () => tar([{ name: 'sda', type: 'block-device', devmajor: 8, devminor: 0 }]),
  },
  'a pipe': { code: 'archive.kind', bytes: () => tar([{ name: 'p', type: 'fifo' }]) },
  'a program that runs as its owner': { code: 'archive.privilege', bytes: () => tar([file('su', { mode: 0o4755 })]) },
  'a program that runs as its group': { code: 'archive.privilege', bytes: () => tar([file('sg', { mode: 0o2755 })]) },
  'a name with a zero inside': {
    code: 'archive.name',
    bytes: () => tar([file('a', { pax: { path: 'safe\0/../../x' } })]),
  },
  'a sparse file': {
    code: 'archive.sparse',
    bytes: () => tar([file('a', { pax: { 'GNU.sparse.realsize': String(2 ** 40) } })]),
  },
  'a size of 2^40 bytes': {
    code: 'archive.tooLarge',
    bytes: async () =>
      patched(
        await tar([file('a')]),
        124,
        Buffer.from('8000000000000000'.slice(0, 0) + '\x80\0\0\0\0\0\x01\0\0\0\0\0', 'latin1'),
      ),
  },
  'an entry of an unknown kind': {
    code: 'archive.kind',
    bytes: async () => patched(await tar([file('a')]), 156, Buffer.from('V')),
  },
  'a name deeper than any tree': { code: 'archive.outside', bytes: () => tar([file(`${'d/'.repeat(300)}x`)]) },
  'an archive that is cut': {
    code: 'archive.broken',
    bytes: async () => (await tar([file('a', {}), file('b')])).subarray(0, 700),
  },
  'no archive at all': { code: 'archive.broken', bytes: () => Promise.resolve(Buffer.alloc(2048, 7)) },
  'a bomb': {
    code: 'archive.bomb',
    bytes: async () =>
      gzipSync(await tar([file('zeros', { content: '\0'.repeat(80 * 1024 * 1024) } as Partial<Header>)])),
  },
};

async function bring(bytes: Buffer, name: string): Promise<unknown> {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  const box = await openBackups(join(folder, 'box'), () => 0);
  return box.bring(
    path,
    {
      id: 'x',
      volume: 'v',
      createdAt: 1,
      reason: 'imported',
      mode: 'stopped',
      driver: 'local',
      driverOpts: {},
      labels: {},
    },
    {},
  );
}

it.each(Object.entries(corpus))('%s is refused', async (_name, { code, bytes }) => {
  const packed = await bytes();
  const error: unknown = await bring(packed, packed[0] === 0x1f ? 'in.tar.gz' : 'in.tar').then(
    () => 'it was taken in',
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(PilothouseError);
  expect((error as PilothouseError).problem.words?.code ?? (error as PilothouseError).problem.message).toBe(code);
  expect(readdirSync(join(folder, 'box'))).toEqual([]);
});

it('harmless archives pass: plain and packed, with links inside, long names and large owners', async () => {
  const entries = [
    { name: './', type: 'directory' as const, mode: 0o755 },
    file('./a'),
    link('./b', 'a'),
    link('c', 'a', 'link'),
    { name: 'd', type: 'directory' as const, mode: 0o1777 },
    link('d/up', '../a'),
    file(`d/${'long'.repeat(60)}`, { pax: { uid: '1000620000' } }),
    file('名字 with\nline', { mode: 0o600 }),
  ];
  const plain = await tar(entries);
  const one = (await bring(plain, 'good.tar')) as { entries: number; tree: string };
  const two = (await bring(gzipSync(plain), 'good.tgz')) as { entries: number; tree: string };
  expect(one.entries).toBe(8);
  expect({ ...two, createdAt: 0 }).toMatchObject({ entries: 8 });
});
