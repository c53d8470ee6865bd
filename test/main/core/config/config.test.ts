import { unzipSync, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import type { GrayRule } from '../../../../src-main/contract/api/config';
import { PilothouseError } from '../../../../src-main/contract/errors';
import type { ServiceView } from '../../../../src-main/contract/nouns';
import { limits } from '../../../../src-main/core/config/limits';
import { cli, window, world, type World } from './world';

const item = { namespace: 'shop', group: 'default', name: 'app.json' };
const rule = (some: Partial<GrayRule>): GrayRule => ({ ips: [], labels: [], replicas: [], share: 0, ...some });

async function made(one: World, text = '{"a": 1}'): Promise<void> {
  await one.config.calls['config.create']({ item, format: 'json', text, schema: '', description: '' }, window);
}

async function published(one: World, text: string, expected: number, more = {}): Promise<number> {
  const { calls } = one.config;
  const detail = await calls['config.publish']({ item, text, note: '', expected, ...more }, window);
  return detail.release;
}

function read(one: World, reader = {}): string | undefined {
  const row = one.config.find(item);
  return row && one.config.release(row, reader)?.text;
}

describe('drafts and releases', () => {
  it('releases nothing until it is published, and leaves the old text readable', async () => {
    const one = world();
    await made(one);
    expect(read(one)).toBeUndefined();
    expect(await published(one, '{"a": 1}', 0)).toBe(1);
    await one.config.calls['config.saveDraft']({ item, text: '{"a": 2}' }, window);
    expect(read(one)).toBe('{"a": 1}');
    const detail = await one.config.calls['config.get']({ item }, window);
    expect(detail).toMatchObject({ draft: true, release: 1, text: '{"a": 2}', released: '{"a": 1}' });
  });

  it('refuses the second of two editors, and says who was first', async () => {
    const one = world();
    await made(one);
    await published(one, '{"a": 1}', 0);
    await one.clock.advance(5000);
    await one.config.calls['config.publish']({ item, text: '{"a": 2}', note: '', expected: 1 }, cli);
    await one.clock.advance(3000);
    const refused = await published(one, '{"a": 3}', 1).catch((thrown: unknown) => thrown);
    expect(refused).toBeInstanceOf(PilothouseError);
    expect((refused as PilothouseError).problem).toMatchObject({
      code: 'conflict',
      words: { code: 'config.conflict', args: { release: 2, by: 'cli', seconds: 3, expected: 1 } },
    });
    expect(read(one)).toBe('{"a": 2}');
  });

  it('refuses what its format or schema does not want, with every place', async () => {
    const one = world();
    await made(one);
    const refused = await published(one, '{"a": }', 0).catch((thrown: unknown) => thrown);
    expect((refused as PilothouseError).problem).toMatchObject({ code: 'bad-input', where: { line: 1, column: 7 } });
    await one.config.calls['config.saveDraft']({ item, schema: '{"required": ["b"]}' }, window);
    await expect(published(one, '{"a": 1}', 0)).rejects.toThrow(/required property 'b'/);
  });

  it('rolls back by publishing the older text anew, and leaves the draft alone', async () => {
    const one = world();
    await made(one);
    await published(one, '{"a": 1}', 0);
    await published(one, '{"a": 2}', 1);
    await one.config.calls['config.saveDraft']({ item, text: '{"a": 99}' }, window);
    const detail = await one.config.calls['config.rollback']({ item, expected: 2, note: '' }, window);
    expect(detail).toMatchObject({ release: 3, text: '{"a": 99}', released: '{"a": 1}' });
    const [newest] = await one.config.calls['config.releases']({ item, limit: 10 }, window);
    expect(newest).toMatchObject({ release: 3, kind: 'rollback', restores: 1, state: 'active' });
  });

  it('keeps a bounded history', async () => {
    const one = world();
    await made(one);
    for (let release = 0; release < limits.releases + 20; release++) await published(one, `{"a": ${release}}`, release);
    expect(one.store.keys('configReleases')).toHaveLength(limits.releases);
    const list = await one.config.calls['config.releases']({ item, limit: 500 }, window);
    expect(list).toHaveLength(limits.releases);
    expect(list[0]).toMatchObject({ release: limits.releases + 20, state: 'active' });
  });

  it('never gives a number twice, not across restarts nor after removal', async () => {
    let one = world();
    await made(one);
    await published(one, '1', 0);
    const first = one.config.notice('shop/default/app.json');
    one = one.restart();
    await published(one, '2', 1);
    const second = one.config.notice('shop/default/app.json');
    await one.config.calls['config.remove']({ item, expected: 2 }, window);
    one = one.restart();
    const gone = one.config.notice('shop/default/app.json');
    await made(one);
    await published(one, '3', 0);
    const last = one.config.notice('shop/default/app.json');
    expect([first < second, second < gone, gone < last]).toEqual([true, true, true]);
    expect(read(one)).toBe('3');
  });
});

describe('gray releases', () => {
  it('reach only whom they are for, are widened, and are withdrawn', async () => {
    const one = world();
    await made(one);
    await published(one, '{"a": 1}', 0);
    await published(one, '{"a": 2}', 1, { gray: rule({ ips: ['10.0.0.9'] }) });
    expect([read(one, { ip: '10.0.0.9' }), read(one, { ip: '10.0.0.8' })]).toEqual(['{"a": 2}', '{"a": 1}']);
    await one.config.calls['config.setGray']({ item, gray: rule({ labels: ['new'] }) }, window);
    expect([read(one, { ip: '10.0.0.9' }), read(one, { label: 'new' })]).toEqual(['{"a": 1}', '{"a": 2}']);
    await one.config.calls['config.withdraw']({ item }, window);
    expect(read(one, { label: 'new' })).toBe('{"a": 1}');
    await published(one, '{"a": 3}', 1, { gray: rule({ share: 100 }) });
    const detail = await one.config.calls['config.widen']({ item, expected: 1, note: '' }, window);
    expect(detail).toMatchObject({ released: '{"a": 3}', release: 4 });
    expect(detail.gray).toBeUndefined();
  });
});

describe('a guarded release', () => {
  const replica = (slot: number, state: 'ready' | 'backoff', restarts = 0): ServiceView['replicaList'][number] =>
    ({
      id: `shop/web.${slot}`,
      state,
      restarts,
      generation: 1,
      addresses: {},
    }) as unknown as ServiceView['replicaList'][number];
  const status = (one: World, states: ('ready' | 'backoff')[], restarts: number[] = []): void => {
    const view = {
      key: 'shop/web',
      words: { code: 'service.running' },
      replicaList: states.map((state, index) => replica(index + 1, state, restarts[index])),
    };
    one.store.transact((transaction) => transaction.put('serviceStatus', 'shop/web', view as unknown as ServiceView));
  };
  const take = (one: World, slots: number): void => {
    for (let slot = 1; slot <= slots; slot++) {
      const reader = { replica: `shop/web.${slot}` };
      const row = one.config.find(item);
      if (row) one.config.acknowledge(row.key, reader, 'file', one.config.release(row, reader)?.release ?? 0);
    }
  };
  const seconds = (one: World, count: number): Promise<void> => one.clock.advance(count * 1000);
  const begin = async (one: World): Promise<void> => {
    await made(one);
    await published(one, '{"a": 1}', 0);
    status(one, ['ready', 'ready', 'ready']);
    take(one, 3);
    await published(one, '{"a": 2}', 1, { guard: { watch: 10_000, errors: 5, slower: 3, failed: 5 } });
    take(one, 3);
  };

  it('goes to one replica, and to all when that one stays well', async () => {
    const one = world();
    await begin(one);
    const texts = [1, 2, 3].map((slot) => read(one, { replica: `shop/web.${slot}` }));
    expect(texts.filter((text) => text === '{"a": 2}')).toHaveLength(1);
    await seconds(one, 12);
    const detail = await one.config.calls['config.get']({ item }, window);
    expect(detail).toMatchObject({ released: '{"a": 2}', guards: [{ guard: { state: 'widened' } }] });
    one.config.stop();
  });

  it('comes back when that one ended and was started again before it was looked at', async () => {
    const one = world();
    await begin(one);
    const [gray] = one.config.find(item)?.gray?.rule.replicas ?? [];
    status(
      one,
      ['ready', 'ready', 'ready'],
      [1, 2, 3].map((slot) => (gray === `shop/web.${slot}` ? 1 : 0)),
    );
    await seconds(one, 2);
    const detail = await one.config.calls['config.get']({ item }, window);
    expect(detail).toMatchObject({
      released: '{"a": 1}',
      guards: [{ guard: { state: 'withdrawn', words: { code: 'config.guardRestarted' } } }],
    });
    one.config.stop();
  });

  it('comes back by itself when that one breaks, having touched no other', async () => {
    const one = world();
    await begin(one);
    await seconds(one, 3);
    status(one, ['backoff', 'ready', 'ready']);
    await seconds(one, 2);
    const detail = await one.config.calls['config.get']({ item }, window);
    expect(detail).toMatchObject({ released: '{"a": 1}', guards: [{ guard: { state: 'withdrawn' } }] });
    expect([1, 2, 3].map((slot) => read(one, { replica: `shop/web.${slot}` }))).toEqual(Array(3).fill('{"a": 1}'));
    expect(one.told).toContain('config.guardWithdrew');
    // On the time line: marks of the service that reads it, and the guard's acts follow from the release that it watched.
    const [gray] = one.events.filter(({ kind }) => kind === 'config.gray');
    expect(gray).toMatchObject({ actor: 'user', mark: 'release', affects: ['shop/web'] });
    const back = one.events.find(({ kind }) => kind === 'config.guardWithdrew');
    expect(back).toMatchObject({ actor: 'controller', cause: `e${one.told.indexOf('config.gray') + 1}` });
    one.config.stop();
  });

  it('looks at the error rate, and goes on watching after a restart', async () => {
    let now = 0;
    let one = world({
      rates: (_replicas, { from }) => Promise.resolve({ errors: from < 1_000_000 && now === 0 ? 0 : now }),
    });
    await begin(one);
    await seconds(one, 2);
    one = one.restart();
    status(one, ['ready', 'ready', 'ready']);
    take(one, 3);
    await seconds(one, 2);
    now = 50;
    await seconds(one, 2);
    expect(await one.config.calls['config.get']({ item }, window)).toMatchObject({
      guards: [{ guard: { state: 'withdrawn', words: { code: 'config.guardErrors' } } }],
    });
    one.config.stop();
  });
});

function listOf(name: string): string {
  const items = [{ namespace: 'shop', group: 'default', name, format: 'json' }];
  return JSON.stringify({ kind: 'pilothouse-config', version: 1, items });
}

describe('export and import', () => {
  it('bring all items into an empty installation as drafts', async () => {
    const one = world();
    await made(one);
    await published(one, '{"a": 1}', 0);
    const { text } = await one.config.calls['config.export']({}, window);
    const two = world();
    const plan = await two.config.calls['config.import']({ text, apply: false }, window);
    expect(plan).toMatchObject({ applied: false, steps: [{ key: 'shop/default/app.json', act: 'create' }] });
    expect(two.config.find(item)).toBeUndefined();
    await two.config.calls['config.import']({ text, apply: true }, window);
    expect(await two.config.calls['config.get']({ item }, window)).toMatchObject({ text: '{"a": 1}', release: 0 });
    const again = await two.config.calls['config.import']({ text, apply: true }, window);
    expect(again.steps[0]?.act).toBe('same');
  });

  it.each([
    '{',
    '[]',
    '{"kind": "pilothouse-config", "version": 1, "items": [{"__proto__": {"x": 1}}]}',
    '{"kind": "other"}',
  ])('refuse %s', async (text) => {
    const one = world();
    const answer = await one.config.calls['config.import']({ text, apply: true }, window);
    expect(answer.applied).toBe(false);
    expect(answer.problems.length).toBeGreaterThan(0);
    expect(one.store.keys('configItems')).toEqual([]);
  });
});

describe('zips', () => {
  const base64 = (files: Record<string, string | Uint8Array>): string =>
    Buffer.from(
      zipSync(Object.fromEntries(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)]))),
    ).toString('base64');

  it('are plain files that come back as the same drafts, with formats and schemas', async () => {
    const one = world();
    await made(one);
    await published(one, '{"a": 1}', 0);
    const yaml = { namespace: 'shop', group: 'blue', name: 'unlabelled' };
    await one.config.calls['config.create'](
      { item: yaml, format: 'yaml', text: 'a: ä €\n', schema: '', description: '' },
      window,
    );
    const { name, content } = await one.config.calls['config.exportZip']({}, window);
    expect(name).toBe('config.pilothouse.zip');
    const files = unzipSync(Buffer.from(content, 'base64'));
    expect(Object.keys(files).sort()).toEqual([
      'pilothouse-config.json',
      'shop/blue/unlabelled',
      'shop/default/app.json',
    ]);
    expect(Buffer.from(files['shop/blue/unlabelled'] ?? '').toString()).toBe('a: ä €\n');
    const two = world();
    const input = { content, namespace: 'public', apply: true };
    const done = await two.config.calls['config.importZip'](input, window);
    expect(done).toMatchObject({ problems: [], applied: true });
    expect(await two.config.calls['config.export']({}, window)).toMatchObject({
      text: expect.stringContaining('"format": "yaml"') as string,
    });
    const got = await two.config.calls['config.get']({ item: yaml }, window);
    expect(got).toMatchObject({ text: 'a: ä €\n', format: 'yaml', release: 0 });
    const again = await two.config.calls['config.importZip'](input, window);
    expect(again.steps.map(({ act }) => act)).toEqual(['same', 'same']);
  });

  it('of Nacos, and of three names, come in without a list', async () => {
    const one = world();
    const content = base64({
      'DEFAULT_GROUP/app.yml': 'a: 1\n',
      '.metadata.yml': 'metadata: []\n',
      'eu/blue/db.properties': 'url=x\n',
    });
    const done = await one.config.calls['config.importZip']({ content, namespace: 'shop', apply: true }, window);
    expect(done.steps).toMatchObject([
      { key: 'shop/default/app.yml', act: 'create' },
      { key: 'eu/blue/db.properties', act: 'create' },
    ]);
    const got = await one.config.calls['config.get'](
      { item: { namespace: 'eu', group: 'blue', name: 'db.properties' } },
      window,
    );
    expect(got.format).toBe('properties');
  });

  it.each<[string, string]>([
    ['no zip', Buffer.from('nothing of the kind').toString('base64')],
    ['half a zip', base64({ 'a/b': 'x'.repeat(5000) }).slice(0, 60)],
    ['a way out', base64({ '../../etc/passwd': 'x' })],
    ['a single name', base64({ lonely: 'x' })],
    ['no text', base64({ 'g/binary': Uint8Array.from([0xff, 0xfe, 0x00]) })],
    ['a bomb', base64({ 'g/bomb': '0'.repeat(200 * 1024 * 1024) })],
    ['a list of what is not there', base64({ 'pilothouse-config.json': listOf('app.json') })],
    ['a list that is none', base64({ 'pilothouse-config.json': '{', 'g/x': '' })],
  ])('that are %s are refused whole', async (_what, content) => {
    const one = world();
    const answer = await one.config.calls['config.importZip']({ content, namespace: 'shop', apply: true }, window);
    expect(answer.applied).toBe(false);
    expect(answer.problems.length).toBeGreaterThan(0);
    expect(one.store.keys('configItems')).toEqual([]);
  });
});

describe('search', () => {
  it('finds names, drafts and releases, with lines', async () => {
    const one = world();
    await made(one);
    await published(one, '{\n"Needle": 1\n}', 0);
    await one.config.calls['config.saveDraft']({ item, text: '{"other": "needle"}' }, window);
    const { hits, more } = await one.config.calls['config.search']({ text: 'NEEDLE', limit: 10 }, window);
    expect(more).toBe(false);
    expect(hits.map((hit) => [hit.in, hit.line])).toEqual([
      ['released', 2],
      ['draft', 1],
    ]);
  });
});
