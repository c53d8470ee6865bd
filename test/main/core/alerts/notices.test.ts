import { afterEach, describe, expect, it } from 'vitest';
import { sentence } from '../../../../src-main/contract/sentence';
import { routing as routingSchema, channelInput } from '../../../../src-main/contract/api/alerts';
import { addWebhook, bodies, caller, minute, rule, second, world, type World } from './world';

const worlds: World[] = [];
afterEach(() => {
  for (const one of worlds.splice(0)) one.alerts.stop();
});

async function make(over: Parameters<typeof addWebhook>[1] = {}): Promise<World> {
  const made = world();
  worlds.push(made);
  await addWebhook(made, over);
  made.script = { 'cpu{service="shop/web",stack="shop"}': () => 3 };
  await made.alerts.calls['rules.put']({ rule: rule() }, caller);
  return made;
}

const down = { delivered: false as const, retry: true, words: sentence('notice.timeout', { host: 'hook.example' }) };

describe('notices', () => {
  it('say when it fires and when it is over', async () => {
    const the = await make();
    await the.play(minute);
    the.script = { 'cpu{service="shop/web",stack="shop"}': () => 1 };
    await the.play(2 * minute);
    expect(bodies(the).map(({ status, alerts }) => [status, ...alerts.map((one) => one.status)])).toEqual([
      ['firing', 'firing'],
      ['resolved', 'resolved'],
    ]);
    expect(bodies(the)[0]).toMatchObject({
      version: '4',
      receiver: 'Hook',
      groupLabels: { alertname: 'Busy' },
      commonLabels: { alertname: 'Busy', service: 'shop/web', severity: 'critical' },
      truncatedAlerts: 0,
    });
    const history = await the.alerts.calls['notices.history']({ limit: 10 }, caller);
    expect(history.map(({ state, status, title, tries }) => [state, status, title, tries])).toEqual([
      ['sent', 'resolved', '[RESOLVED] Busy · shop/web', 1],
      ['sent', 'firing', '[FIRING:1] Busy · shop/web', 1],
    ]);
  });

  it('arrive later when the far end is down for an hour, in order, none missing', async () => {
    const the = await make();
    the.answer = () => down;
    await the.play(minute);
    the.script['cpu{service="shop/db",stack="shop"}'] = () => 3;
    await the.play(59 * minute);
    const tries = the.sent.length;
    expect(tries).toBeGreaterThan(8);
    expect(tries).toBeLessThan(40);
    const [channel] = (await the.alerts.calls['channels.list']({}, caller)).filter(({ id }) => id === 'hook');
    expect(channel).toMatchObject({ waiting: 2, failing: { code: 'notice.timeout' } });
    the.sent.length = 0;
    the.answer = () => ({ delivered: true });
    await the.play(6 * minute);
    expect(bodies(the).map(({ alerts }) => alerts.length)).toEqual([1, 2]);
    const [after] = (await the.alerts.calls['channels.list']({}, caller)).filter(({ id }) => id === 'hook');
    expect(after?.waiting).toBe(0);
    expect(after?.failing).toBeUndefined();
  });

  it('survive a crash at any point: none is lost, and one comes twice at most, under the same key', async () => {
    // The app dies before or after each durable write and each sending.
    for (let crashAt = 0; crashAt < 12; crashAt++) {
      const the = await make();
      let point = 0;
      let dead = false;
      const die = (): void => {
        if (point++ === crashAt) dead = true;
        if (dead) throw new Error('the app is dead');
      };
      the.rows.hooks = { beforeCommit: die, afterCommit: die };
      const arrived: string[] = [];
      the.answer = ({ key }) => {
        if (dead) return new Promise(() => undefined);
        arrived.push(key);
        if (point++ === crashAt) dead = true;
        return dead ? new Promise(() => undefined) : { delivered: true };
      };
      await the.play(2 * minute);
      the.rows.hooks = {};
      the.answer = ({ key }) => {
        arrived.push(key);
        return { delivered: true };
      };
      the.restart();
      await the.play(10 * minute);
      expect(arrived.length, `crash at ${crashAt}`).toBeGreaterThanOrEqual(1);
      expect(arrived.length, `crash at ${crashAt}`).toBeLessThanOrEqual(2);
      if (arrived.length === 2) expect(new Set(arrived).size, `crash at ${crashAt}`).toBe(1);
      the.alerts.stop();
    }
  });

  it('are not sent again after a quiet restart', async () => {
    const the = await make();
    await the.play(2 * minute);
    expect(the.sent).toHaveLength(1);
    for (let time = 0; time < 3; time++) {
      the.restart();
      await the.play(3 * minute);
    }
    expect(the.sent).toHaveLength(1);
    the.script = { 'cpu{service="shop/web",stack="shop"}': () => 1 };
    await the.play(20 * second);
    the.restart();
    await the.play(10 * minute);
    expect(bodies(the).map(({ status }) => status)).toEqual(['firing', 'resolved']);
  });

  it('are given up when the far end says that it makes no sense', async () => {
    const the = await make();
    the.answer = () => ({ ...down, retry: false });
    await the.play(10 * minute);
    expect(the.sent).toHaveLength(1);
    expect(await the.alerts.calls['notices.history']({ limit: 5 }, caller)).toMatchObject([
      { state: 'failed', tries: 1 },
    ]);
  });

  it('are held back by silences, and tell nothing of the end of what was silenced', async () => {
    const the = await make();
    const matchers = [{ label: 'service', operator: '=~' as const, value: 'shop/.*' }];
    const silence = await the.alerts.calls['silences.put'](
      { matchers, endsAt: the.clock.now() + 10 * minute, comment: 'moving' },
      caller,
    );
    await the.play(2 * minute);
    expect(the.sent).toEqual([]);
    expect((await the.views())[0]?.silencedBy).toEqual([silence.id]);
    expect(await the.alerts.calls['silences.list']({}, caller)).toMatchObject([{ silences: 1 }]);
    the.script = { 'cpu{service="shop/web",stack="shop"}': () => 1 };
    await the.play(2 * minute);
    expect(the.sent).toEqual([]);
    the.script = { 'cpu{service="shop/web",stack="shop"}': () => 3 };
    await the.play(minute);
    await the.alerts.calls['silences.end']({ id: silence.id }, caller);
    await the.play(2 * minute);
    expect(bodies(the).map(({ status }) => status)).toEqual(['firing']);
    await expect(
      the.alerts.calls['silences.put'](
        { matchers: [{ label: 'a', operator: '=~', value: '(' }], endsAt: 9e15, comment: '' },
        caller,
      ),
    ).rejects.toThrow('pattern');
  });

  it('are held back by another alert of the same service, not of another', async () => {
    const the = await make();
    const { id } = (await the.alerts.calls['rules.list']({}, caller))[0] ?? { id: '' };
    the.script['up{service="shop/web"}'] = () => 0;
    await the.alerts.calls['rules.put'](
      { rule: rule({ name: 'Down', query: 'up == 0', holdsBack: { rules: [id], equal: ['service'] } }) },
      caller,
    );
    await the.play(2 * minute);
    the.script['cpu{service="shop/db",stack="shop"}'] = () => 3;
    await the.play(3 * minute);
    const told = bodies(the).flatMap(({ alerts }) =>
      alerts.map(({ labels }) => `${labels['alertname']} ${labels['service']}`),
    );
    expect(new Set(told)).toEqual(new Set(['Busy shop/db', 'Down shop/web']));
    const held = (await the.views()).find(({ name, labels }) => name === 'Busy' && labels['service'] === 'shop/web');
    expect(held?.heldBackBy).toEqual(['Down']);
  });

  it('wait while a mute time is on, but for what is as severe as said', async () => {
    const the = await make();
    const here = new Date(the.clock.now());
    const from = here.getHours() * 60 + here.getMinutes();
    const mute = { name: 'Night', days: [], from, to: (from + 10) % 1440 };
    const routing = routingSchema.parse({
      groupBy: ['alertname'],
      groupWait: 0,
      groupInterval: minute,
      channels: ['hook'],
      muteTimes: [mute],
    });
    await the.alerts.calls['routing.set']({ routing }, caller);
    await the.play(5 * minute);
    expect(the.sent).toEqual([]);
    expect((await the.views())[0]?.muted).toBe(true);
    await the.play(7 * minute);
    expect(the.sent).toHaveLength(1);
    const again = await make();
    await again.alerts.calls['routing.set'](
      { routing: { ...routing, muteTimes: [{ ...mute, except: 'critical' }] } },
      caller,
    );
    await again.play(2 * minute);
    expect(again.sent).toHaveLength(1);
  });

  it('go only to channels that want alerts so severe', async () => {
    const the = await make();
    const channel = channelInput.parse({
      name: 'Pager',
      least: 'critical',
      target: { kind: 'slack', url: 'https://hooks.example/T/B/secret' },
    });
    await the.alerts.calls['channels.put']({ id: 'pager', channel }, caller);
    await the.alerts.calls['rules.put'](
      { rule: rule({ name: 'Mild', severity: 'warning', channels: ['pager'] }) },
      caller,
    );
    await the.alerts.calls['rules.put']({ rule: rule({ name: 'Hard', channels: ['pager'] }) }, caller);
    await the.play(2 * minute);
    const texts = the.sent
      .filter(({ outgoing }) => outgoing.kind === 'http' && outgoing.url.includes('hooks'))
      .map(({ outgoing }) => (outgoing.kind === 'http' ? outgoing.body : ''));
    expect(texts).toHaveLength(1);
    expect(texts[0]).toContain('Hard');
  });

  it('reach the desktop of who is there', async () => {
    const the = await make();
    const seen: unknown[] = [];
    const sink = {
      send: (item: unknown) => seen.push(item),
      credit: () => 10,
      onCredit: () => ({ dispose: () => undefined }),
      end: () => undefined,
      fail: () => undefined,
    };
    const stream = the.alerts.streams['notices.desktop']({}, sink, caller);
    await the.alerts.calls['rules.put']({ rule: rule({ name: 'Here', channels: ['desktop'] }) }, caller);
    await the.play(minute);
    stream.dispose();
    expect(seen).toMatchObject([
      {
        texts: {
          en: { title: '[FIRING:1] Here · shop/web' },
          // What somebody wrote is not translated; what we say around it is.
          'zh-CN': { title: '[触发中 1] Here · shop/web' },
        },
        route: expect.stringMatching(/^\/alerts\/firing\/[0-9a-f]{16}$/),
      },
    ]);
    const here = (await the.views()).find(({ name }) => name === 'Here');
    expect(seen).toMatchObject([{ route: `/alerts/firing/${here?.id ?? ''}` }]);
  });
});

describe('channels', () => {
  const target = {
    kind: 'mail',
    host: 'mail.example',
    user: 'me',
    password: 'open sesame',
    from: 'a@b.example',
    to: ['c@d.example'],
  };

  it('never show their secrets, and keep them when they are left alone', async () => {
    const the = await make();
    const made = await the.alerts.calls['channels.put'](
      { channel: channelInput.parse({ name: 'Mail', target }) },
      caller,
    );
    expect(JSON.stringify(made)).not.toContain('sesame');
    expect(made.target).toMatchObject({ password: '••••' });
    const again = await the.alerts.calls['channels.put'](
      { id: made.id, version: made.version, channel: channelInput.parse({ name: 'Post', target: made.target }) },
      caller,
    );
    expect(again).toMatchObject({ name: 'Post', version: 2 });
    await the.alerts.calls['channels.test'](
      { id: made.id, channel: channelInput.parse({ name: 'Post', target: made.target }) },
      caller,
    );
    expect(the.sent.at(-1)?.outgoing).toMatchObject({ kind: 'mail', password: 'open sesame' });
    // Elsewhere it is another secret: it must not be sent to a host that somebody typed in.
    const elsewhere = channelInput.parse({ name: 'Post', target: { ...made.target, host: 'evil.example' } });
    await the.alerts.calls['channels.test']({ id: made.id, channel: elsewhere }, caller);
    expect(the.sent.at(-1)?.outgoing).toMatchObject({ host: 'evil.example', password: '' });
    const preview = await the.alerts.calls['channels.preview'](
      { channel: made, resolved: false, language: 'en' },
      caller,
    );
    expect(preview.text).toContain('Subject: [FIRING:1] Test notice');
  });

  it('say in words whether a test arrived', async () => {
    const the = await make();
    const channel = channelInput.parse({
      name: 'N',
      target: { kind: 'ntfy', url: 'https://ntfy.example/topic', token: 'tk' },
    });
    expect(await the.alerts.calls['channels.test']({ channel }, caller)).toEqual({
      delivered: true,
      words: { code: 'notice.delivered' },
    });
    expect(the.sent.at(-1)?.outgoing).toMatchObject({
      url: 'https://ntfy.example/',
      headers: { authorization: 'Bearer tk' },
    });
    the.answer = () => down;
    expect(await the.alerts.calls['channels.test']({ channel }, caller)).toMatchObject({
      delivered: false,
      words: { code: 'notice.timeout' },
    });
    const wrong = channelInput.parse({ name: 'N', target: { kind: 'ntfy', url: 'ntfy.example' } });
    await expect(the.alerts.calls['channels.test']({ channel: wrong }, caller)).rejects.toThrow('ends with the topic');
  });
});
