import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codec, logCodec, openFiles, type OpenFiles } from '../../../src-main/storage';

let folder = '';
let files: OpenFiles;
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);

beforeEach(async () => {
  folder = join(mkdtempSync(join(tmpdir(), 'pilothouse-files-')), 'logs');
  files = await openFiles(folder);
});

afterEach(async () => {
  await files.close();
  rmSync(join(folder, '..'), { recursive: true, force: true });
});

describe('files', () => {
  it('grow by appending, in the order of asking, and are read in pieces', async () => {
    const sizes = await Promise.all(['one ', 'two ', 'three'].map((part) => files.append('a.log', bytes(part))));
    expect(sizes).toEqual([4, 8, 13]);
    await files.sync('a.log');
    expect(text(await files.read('a.log', 4, 3))).toBe('two');
    expect(text(await files.read('a.log', 8, 1000))).toBe('three');
    expect(await files.read('a.log', 100, 5)).toHaveLength(0);
    expect(readFileSync(join(folder, 'a.log'), 'utf8')).toBe('one two three');
  });

  it('are found again with their sizes, cut, replaced and removed', async () => {
    await files.append('a.log', bytes('0123456789'));
    await files.truncate('a.log', 4);
    expect(await files.append('a.log', bytes('x'))).toBe(5);
    await files.write('b.idx', bytes('first'));
    await files.write('b.idx', bytes('second'));
    expect(await files.list()).toEqual([
      { name: 'a.log', size: 5 },
      { name: 'b.idx', size: 6 },
    ]);
    expect(text(await files.read('b.idx', 0, 99))).toBe('second');
    await files.close();
    files = await openFiles(folder);
    expect(await files.append('a.log', bytes('y'))).toBe(6);
    await files.write('a.log', bytes('new'));
    expect(await files.append('a.log', bytes('er'))).toBe(5);
    await files.remove('a.log');
    await files.remove('a.log');
    expect((await files.list()).map(({ name }) => name)).toEqual(['b.idx']);
    await expect(files.truncate('b.idx', 100)).rejects.toMatchObject({ problem: { code: 'internal' } });
  });

  it('belong to their owner, refuse other names and do not follow links', async () => {
    await files.append('a.log', bytes('x'));
    expect(statSync(join(folder, 'a.log')).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of ['../a', '.hidden', '..', 'a/b', 'A', 'a\u0000', '']) {
      await expect(files.append(name, bytes('x'))).rejects.toThrow();
    }
    writeFileSync(join(folder, '..', 'outside'), 'precious');
    symlinkSync(join(folder, '..', 'outside'), join(folder, 'link'));
    await expect(files.append('link', bytes('x'))).rejects.toThrow();
    await expect(files.read('link', 0, 10)).rejects.toThrow();
    await files.write('link', bytes('mine'));
    expect(readFileSync(join(folder, '..', 'outside'), 'utf8')).toBe('precious');
  });

  it('keep few of many open', async () => {
    await Promise.all(Array.from({ length: 200 }, (_, index) => files.append(`f${index}`, bytes(`${index}`))));
    await Promise.all(Array.from({ length: 200 }, (_, index) => files.append(`f${index}`, bytes('!'))));
    expect(text(await files.read('f7', 0, 9))).toBe('7!');
    expect(text(await files.read('f199', 0, 9))).toBe('199!');
    if (process.platform === 'linux') {
      const open = readdirSync('/proc/self/fd').length;
      expect(open).toBeLessThan(64 + 60);
    }
  });

  it('forget drafts of writes that were cut off', async () => {
    writeFileSync(join(folder, '.draft-a'), 'half');
    await files.close();
    files = await openFiles(folder);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('codec', () => {
  it('gives back what it was given, smaller', async () => {
    const lines = bytes('2026-01-05T09:00:00Z INFO order stored in 12 ms\n'.repeat(5000));
    const packed = await codec.compress(lines);
    expect(packed.length).toBeLessThan(lines.length / 20);
    expect(Buffer.from(await codec.decompress(packed)).equals(Buffer.from(lines))).toBe(true);
    expect(await codec.decompress(await codec.compress(new Uint8Array()))).toHaveLength(0);
  });

  it('refuses a block that unpacks without end, and rubbish', async () => {
    const bomb = await codec.compress(new Uint8Array(65 * 1024 * 1024));
    await expect(codec.decompress(bomb)).rejects.toThrow();
    await expect(codec.decompress(bytes('this is no brotli'))).rejects.toThrow();
  });

  it('of logs says in each piece what packed it, so that what is there stays readable when the runtime is a newer one', async () => {
    const lines = bytes('2026-01-05T09:00:00Z INFO order stored in 12 ms\n'.repeat(5000));
    for (const length of [0, 1, 2, 100, 70_000, lines.length]) {
      const part = lines.subarray(0, length);
      const old = await codec.compress(part);
      // The first bit of Brotli is set for every window of ours, that of zstd is not.
      expect((old[0] ?? 0) & 1).toBe(1);
      for (const packed of [old, await logCodec.compress(part)])
        expect(Buffer.from(await logCodec.decompress(packed, length)).equals(Buffer.from(part))).toBe(true);
    }
    const bomb = await logCodec.compress(new Uint8Array(65 * 1024 * 1024));
    await expect(logCodec.decompress(bomb)).rejects.toThrow();
    const zstd = Buffer.from('KLUv/SAFKQAAaGVsbG8=', 'base64');
    const hello = logCodec.decompress(zstd).then(text, (thrown: Error) => thrown.message);
    expect(await hello).toMatch(/^hello$|packed with zstd/);
    await expect(logCodec.decompress(Buffer.concat([zstd.subarray(0, 9), bytes('xx')]))).rejects.toThrow();
  });
});
