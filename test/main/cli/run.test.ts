import { describe, expect, it } from 'vitest';
import { notRunning, type World } from '../../../src-main/cli/command';
import { commands } from '../../../src-main/cli/commands';
import { runCommandLine } from '../../../src-main/cli/run';
import { Client } from '../../../src-main/contract/client';
import type { Api } from '../../../src-main/contract/api';
import { fail } from '../../../src-main/contract/errors';
import { Session } from '../../../src-main/contract/session';

/** Runs a command line against an API of which only these calls exist. */
async function run(words: string, calls: Record<string, (input: never) => unknown> = {}, more: Partial<World> = {}) {
  const said = { out: '', errors: '' };
  const api = {
    calls: Object.fromEntries(Object.entries(calls).map(([name, work]) => [name, async (input: never) => work(input)])),
    streams: {},
  };
  const client: Client = new Client((message) => session.receive(message));
  const session = new Session(api as unknown as Api, 'cli', (message) => client.receive(message));
  const world: World = {
    connect: () => Promise.resolve(client),
    environment: {},
    folder: '/nowhere',
    now: () => 1_800_000_000_000,
    standardInput: () => '',
    version: '1.2.3',
    programs: '/nowhere',
    interrupted: new Promise(() => {}),
    ...more,
  };
  const screen = (key: 'out' | 'errors') => ({
    write: (text: string) => void (said[key] += text),
    coloured: false,
    interactive: false,
  });
  const code = await runCommandLine(
    words.split(' ').filter(Boolean),
    { out: screen('out'), errors: screen('errors') },
    world,
  );
  return { code, ...said };
}

describe('the command line', () => {
  it('tells what it can', async () => {
    const { code, out } = await run('help');
    expect(code).toBe(0);
    for (const command of commands) expect(out).toContain(command.verb);
    expect((await run('')).code).toBe(2);
    expect((await run('--version')).out).toBe('pilothouse 1.2.3\n');
    expect(JSON.parse((await run('--version --json')).out)).toEqual({ version: '1.2.3' });
    expect((await run('scale --help')).out).toContain('STACK/SERVICE=N');
  });

  it.each([
    ['frobnicate', 'no command'],
    ['rollout', 'no command'],
    ['ps --nonsense', 'nonsense'],
    ['ps a b', 'too much'],
    ['scale', 'what to scale'],
    ['scale shop/web', 'no wish'],
    ['scale shop=3', 'no wish'],
    ['scale shop/web=-1', 'no wish'],
    ['logs --level loud', 'no level'],
    ['logs --since yesterday', '--since'],
    ['logs -f --until 5m', 'do not go together'],
    ['logs --tail x', 'whole number'],
    ['rollout undo shop/web --to x', '--to'],
    ['explain shop', 'Explain which'],
    ['restart', 'which'],
  ])('%s is wrong usage', async (words, text) => {
    const { code, errors, out } = await run(words);
    expect(code).toBe(2);
    expect(errors).toContain(text);
    expect(out).toBe('');
  });

  it('suggests the verb that was meant', async () => {
    expect((await run('scael shop/web=3')).errors).toContain('Did you mean scale?');
    expect((await run('rollout')).errors).toContain('rollout undo');
    expect((await run('xyzzy')).errors).toContain('pilothouse help');
  });

  it('ends with 4 and says what to do when nothing runs', async () => {
    const connect = () => Promise.reject(notRunning());
    const plain = await run('ps', {}, { connect });
    expect(plain.code).toBe(4);
    expect(plain.errors).toBe('Pilothouse is not running.\nOpen Pilothouse, or run: pilothouse serve\n');
    const json = await run('ps --json', {}, { connect });
    expect(JSON.parse(json.errors)).toMatchObject({ code: 'engine-away', hint: expect.any(String) as string });
  });

  it.each([
    [fail('not-found', 'x'), 1],
    [fail('bad-input', 'x'), 1],
    [fail('not-ready', 'x'), 3],
    [fail('engine-away', 'x'), 4],
    [new Error('x'), 1],
  ])('ends as %s says', async (problem, expected) => {
    const thrown = () => {
      throw problem;
    };
    expect((await run('image ls', { 'images.list': thrown })).code).toBe(expected);
  });

  it('scales several services and answers in JSON', async () => {
    const asked: unknown[] = [];
    const scale = (input: { replicas: number }) => {
      asked.push(input);
      return { from: 1, to: input.replicas };
    };
    const { code, out } = await run('scale shop/web=3 shop/api=0 --json', { 'services.scale': scale });
    expect(code).toBe(0);
    expect(asked).toEqual([
      { service: 'shop/web', replicas: 3 },
      { service: 'shop/api', replicas: 0 },
    ]);
    expect(JSON.parse(out)).toEqual([
      { service: 'shop/web', from: 1, to: 3 },
      { service: 'shop/api', from: 1, to: 0 },
    ]);
  });

  it('stops every service of a stack, and names what there is when the name is wrong', async () => {
    const stopped: string[] = [];
    const calls = {
      'services.list': () => [
        { key: 'shop/web', stack: 'shop' },
        { key: 'shop/api', stack: 'shop' },
        { key: 'blog/web', stack: 'blog' },
      ],
      'services.stop': (input: { service: string }) => {
        stopped.push(input.service);
        return null;
      },
    };
    expect((await run('stop shop', calls)).code).toBe(0);
    expect(stopped).toEqual(['shop/web', 'shop/api']);
    const wrong = await run('stop shopp', calls);
    expect(wrong.code).toBe(1);
    expect(wrong.errors).toContain('shop, blog');
  });

  it('reads logs page by page, oldest first', async () => {
    const line = (id: number) => ({
      id: String(id).padStart(4, '0'),
      at: 1_800_000_000_000 - 1000 + id,
      stack: 'shop',
      service: 'web',
      slot: 1,
      generation: 1,
      container: 'c',
      stream: 'stdout',
      level: 'info',
      text: `line ${id}\u001b]0;x\u0007`,
    });
    const all = Array.from({ length: 12 }, (_, index) => line(index + 1));
    const page = (input: { limit: number; before?: string }) => {
      const end = input.before === undefined ? all.length : all.findIndex((one) => one.id === input.before);
      const start = Math.max(0, end - Math.min(5, input.limit));
      return { lines: all.slice(start, end), before: start > 0, after: end < all.length, matched: 12, scanned: 12 };
    };
    const { out } = await run('logs --tail 8 shop', { 'logs.page': page });
    const shown = out.trimEnd().split('\n');
    expect(shown).toHaveLength(8);
    expect(shown[0]).toContain('line 5\\u001b]0;x');
    expect(shown[7]).toContain('line 12');
    const json = await run('logs --tail 3 --json', { 'logs.page': page });
    expect(
      json.out
        .trim()
        .split('\n')
        .map((text) => (JSON.parse(text) as { id: string }).id),
    ).toEqual(['0010', '0011', '0012']);
  });
});
