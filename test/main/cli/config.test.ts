/** The config verbs against the real room. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { World } from '../../../src-main/cli/command';
import { runCommandLine } from '../../../src-main/cli/run';
import type { Api } from '../../../src-main/contract/api';
import { Client } from '../../../src-main/contract/client';
import { Session } from '../../../src-main/contract/session';
import { world } from '../core/config/world';

const folder = mkdtempSync(join(tmpdir(), 'pilothouse-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function terminal() {
  const room = world();
  const api = { calls: room.config.calls, streams: room.config.streams } as unknown as Api;
  return async (words: string | string[], more: Partial<World> = {}) => {
    const said = { out: '', errors: '' };
    const client: Client = new Client((message) => session.receive(message));
    const session = new Session(api, 'cli', (message) => client.receive(message));
    const surroundings: World = {
      connect: () => Promise.resolve(client),
      environment: {},
      folder,
      now: () => room.clock.now(),
      standardInput: () => '',
      version: '1',
      programs: folder,
      interrupted: new Promise(() => {}),
      ...more,
    };
    const screen = (key: 'out' | 'errors') => ({
      write: (text: string) => void (said[key] += text),
      coloured: false,
      interactive: false,
    });
    const argv = typeof words === 'string' ? words.split(' ') : words;
    const code = await runCommandLine(argv, { out: screen('out'), errors: screen('errors') }, surroundings);
    session.dispose();
    return { code, ...said };
  };
}

describe('config export and import', () => {
  it('go through a zip and a text', async () => {
    const run = terminal();
    await run('config set shop/app.yaml a: 1');
    expect(await run('config export -o all.zip')).toMatchObject({ code: 0, out: 'all.zip written\n' });
    expect(await run('config export -o all.json shop')).toMatchObject({ code: 0 });
    const other = terminal();
    expect((await other('config import --dry-run all.zip')).out).toBe(
      'create shop/default/app.yaml\nNothing was changed.\n',
    );
    expect((await other('config get --draft shop/app.yaml')).code).toBe(1);
    expect((await other('config import all.json')).out).toContain('create shop/default/app.yaml');
    expect((await other('config import all.zip')).out).toBe('Drafts are kept; nothing is released.\n');
    expect((await other('config get --draft shop/app.yaml')).out).toBe('a: 1\n');
    writeFileSync(join(folder, 'broken.zip'), 'PK\u0003\u0004 and nothing more');
    expect(await other('config import broken.zip')).toMatchObject({ code: 1 });
  });
});

describe('config', () => {
  it('goes from a file to a release, a difference, history and back', async () => {
    const run = terminal();
    writeFileSync(join(folder, 'app.yaml'), 'a: 1\nb: 2\n');
    expect(await run('config set --file app.yaml shop/app.yaml')).toMatchObject({
      code: 0,
      out: 'shop/default/app.yaml: draft kept\n',
    });
    expect(await run('config get shop/app.yaml')).toMatchObject({
      code: 1,
      errors: expect.stringContaining('not released yet'),
    });
    expect((await run('config publish shop/app.yaml')).out).toBe('shop/default/app.yaml release 1 published\n');
    expect((await run('config get shop/default/app.yaml')).out).toBe('a: 1\nb: 2\n');
    await run('config set --file - shop/app.yaml', { standardInput: () => 'a: 1\nb: 3\n' });
    expect((await run('config diff shop/app.yaml')).out).toBe(' a: 1\n-b: 2\n+b: 3\n \n');
    expect((await run(['config', 'publish', '-m', 'b is three', 'shop/app.yaml'])).code).toBe(0);
    expect((await run('config history shop/app.yaml')).out).toMatch(
      /2 {2}active.*cli.*\+1 −1 {2}b is three\n.*1 {2}past/,
    );
    expect((await run('config rollback shop/app.yaml')).out).toBe('shop/default/app.yaml release 3 published\n');
    expect((await run('config get shop/app.yaml')).out).toBe('a: 1\nb: 2\n');
    expect((await run('config ls')).out).toMatch(/shop\/default\/app.yaml +yaml +3 +/);
    expect(JSON.parse((await run('config ls --json')).out)).toMatchObject([
      { key: 'shop/default/app.yaml', release: 3 },
    ]);
  });

  it('keeps a wrong draft with a warning, and refuses to release it', async () => {
    const run = terminal();
    const kept = await run(['config', 'set', 'shop/x.json', '{"a": ']);
    expect(kept).toMatchObject({ code: 0, errors: expect.stringContaining('1:7') });
    expect(await run('config publish shop/x.json')).toMatchObject({
      code: 1,
      errors: expect.stringContaining('missing at the end'),
    });
  });

  it('gives a release to some, and to all or nobody after that', async () => {
    const run = terminal();
    await run('config set --publish shop/a one');
    await run('config set shop/a two');
    expect((await run('config publish --ip 10.0.0.1 shop/a')).out).toContain(
      'release 2 given to some, the others keep 1',
    );
    expect((await run('config get shop/a')).out).toBe('one\n');
    expect((await run('config publish --withdraw shop/a')).out).toContain('everybody has release 1 again');
    await run('config publish --share 50 shop/a');
    expect((await run('config publish --widen shop/a')).out).toBe('shop/default/a release 4 is for all now\n');
    expect((await run('config get shop/a')).out).toBe('two\n');
    expect(await run('config publish --guard 60 shop/a')).toMatchObject({
      code: 1,
      errors: expect.stringContaining('draft'),
    });
  });

  it('says what is released while it watches', async () => {
    const run = terminal();
    await run('config set --publish shop/a one');
    let interrupt = (): void => {};
    const interrupted = new Promise<void>((resolve) => (interrupt = resolve));
    const watching = run('config watch shop/a', { interrupted });
    await new Promise((resolve) => setImmediate(resolve));
    interrupt();
    expect(await watching).toMatchObject({
      code: 0,
      out: expect.stringContaining('shop/default/a release 1, 0 of 0 readers have it'),
    });
  });

  it('makes, lists and revokes tokens', async () => {
    const run = terminal();
    const token = (await run('config token --write shop the shop')).out.trim();
    const [id = ''] = token.split('.');
    expect(token).toBe(`${id}.secret-of-${id}`);
    const list = await run('config token');
    expect(list.out).toMatch(/the shop +shop +write/);
    expect(list.out).not.toContain('secret-of');
    expect((await run(`config token --revoke ${id}`)).code).toBe(0);
    expect((await run('config token')).out).toBe('There are no tokens.\n');
  });

  it.each([
    ['config get', 'Say which'],
    ['config get shop', 'no item'],
    ['config get a/b/c/d', 'no item'],
    ['config set shop/a', '--file'],
    ['config set --format ini shop/a x', 'no format'],
    ['config diff --from x shop/a', 'no release'],
    ['config get --release 0 shop/a', '--release'],
  ])('%s is wrong usage', async (words, text) => {
    expect(await terminal()(words)).toMatchObject({ code: 2, errors: expect.stringContaining(text), out: '' });
  });
});
