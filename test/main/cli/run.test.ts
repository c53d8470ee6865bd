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

describe('alerts', () => {
  const firing = {
    id: 'a1',
    rule: 'CrashLoop',
    name: 'Restart loop',
    state: 'firing',
    severity: 'critical',
    labels: { service: 'shop/web', replica: 'shop/web.1' },
    annotations: { summary: 'shop/web.1 restarts\u001b[2J again' },
    unit: 'none',
    activeAt: 1_800_000_000_000,
    silencedBy: [],
    heldBackBy: ['Restart storm'],
    muted: false,
  };

  it('shows what fires, with hostile text made harmless', async () => {
    const { code, out } = await run('alerts', { 'alerts.list': () => [firing] });
    expect(code).toBe(0);
    expect(out).toContain('Restart loop');
    expect(out).toContain('shop/web.1');
    expect(out).toContain('held back by Restart storm');
    expect(out).not.toContain('\u001b[2J');
    expect((await run('alerts', { 'alerts.list': () => [] })).out).toBe('Nothing fires.\n');
  });

  it('asks for what is over since a time', async () => {
    const asked: unknown[] = [];
    await run('alerts --since 10m', { 'alerts.list': (input) => (asked.push(input), []) });
    expect(asked).toEqual([{ from: 1_800_000_000_000 - 600_000, limit: 1000 }]);
  });

  it('silences by matchers', async () => {
    const asked: unknown[] = [];
    const answer = (input: object): object => {
      asked.push(input);
      return { ...input, id: 's1', silences: 3, startsAt: 0, createdAt: 0 };
    };
    const words = 'silence service=shop/web alertname=~Rest.* severity!=info --for 30m --comment repair';
    expect((await run(words, { 'silences.put': answer })).out).toContain('s1 silences 3 alerts now');
    expect(asked).toEqual([
      {
        matchers: [
          { label: 'service', operator: '=', value: 'shop/web' },
          { label: 'alertname', operator: '=~', value: 'Rest.*' },
          { label: 'severity', operator: '!=', value: 'info' },
        ],
        endsAt: 1_800_000_000_000 + 1_800_000,
        comment: 'repair',
      },
    ]);
    expect((await run('silence shop')).code).toBe(2);
    expect((await run('silence')).code).toBe(2);
  });

  it('turns rules on and off and imports them', async () => {
    const rule = { id: 'NoLogs', name: 'No logs', enabled: false };
    expect((await run('rules disable NoLogs', { 'rules.enable': () => rule })).out).toBe('No logs is off\n');
    const file = {
      'rules.import': ({ text, apply }: { text: string; apply: boolean }) => {
        expect([text, apply]).toEqual(['groups: []', false]);
        return { rules: [rule], problems: [], applied: false };
      },
    };
    const { out } = await run('rules import - --dry-run', file, { standardInput: () => 'groups: []' });
    expect(out).toContain('1 rules would be taken');
    expect((await run('rules import /nowhere/rules.yaml')).errors).toContain('cannot be read');
  });
});
