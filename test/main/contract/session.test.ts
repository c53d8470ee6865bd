import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calls, streams, type Api, type Caller, type Sink } from '../../../src-main/contract/api';
import { Client } from '../../../src-main/contract/client';
import { fail, PilothouseError } from '../../../src-main/contract/errors';
import { Session } from '../../../src-main/contract/session';
import type { ServerMessage } from '../../../src-main/contract/wire';
import { drain } from '../../support/clock';

interface Opened {
  input: unknown;
  sink: Sink<unknown>;
  closed: boolean;
}

/** An API that answers every call with its input, and hands every opened stream to the test. */
function echo(): { api: Api; opened: Opened[]; callers: Caller[] } {
  const opened: Opened[] = [];
  const callers: Caller[] = [];
  const answer = (input: unknown, caller: Caller): Promise<unknown> => {
    callers.push(caller);
    return Promise.resolve({ echo: input });
  };
  const feed = (input: unknown, sink: Sink<unknown>): { dispose: () => void } => {
    const entry: Opened = { input, sink, closed: false };
    opened.push(entry);
    return { dispose: () => (entry.closed = true) };
  };
  const table = (names: string[], handler: unknown): unknown =>
    Object.fromEntries(names.map((name) => [name, handler]));
  const api = { calls: table(Object.keys(calls), answer), streams: table(Object.keys(streams), feed) } as Api;
  return { api, opened, callers };
}

function session(made = echo()): ReturnType<typeof echo> & { session: Session; sent: ServerMessage[] } {
  const sent: ServerMessage[] = [];
  return { ...made, session: new Session(made.api, 'window', (message) => sent.push(message)), sent };
}

function connected(made = echo()): ReturnType<typeof echo> & { client: Client; session: Session } {
  const server: Session = new Session(made.api, 'cli', (message) => {
    // Over a wire everything is copied; what cannot be copied must not be in it.
    const copy = structuredClone(message);
    queueMicrotask(() => client.receive(copy));
  });
  const client: Client = new Client((message) => {
    const copy: unknown = structuredClone(message);
    queueMicrotask(() => server.receive(copy));
  });
  return { ...made, client, session: server };
}

describe('calls', () => {
  it('are answered with parsed input, by who asked', async () => {
    const { client, callers } = connected();
    const answer: unknown = await client.call('events.list', {});
    expect(answer).toEqual({ echo: { limit: 500 } });
    expect(callers[0]?.kind).toBe('cli');
  });

  it('with wrong input are refused before any handler, saying where', async () => {
    const { client, callers } = connected();
    const wrong = { service: 'shop/web', replicas: -1, __proto__: null, extra: true };
    const thrown: unknown = await client.call('services.scale', wrong).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(PilothouseError);
    expect((thrown as PilothouseError).problem).toMatchObject({ code: 'bad-input', where: { path: 'replicas' } });
    expect((thrown as PilothouseError).problem.more).toHaveLength(2);
    expect(callers).toHaveLength(0);
  });

  it('by unknown or inherited names are refused', async () => {
    const { session: server, sent } = session();
    for (const [id, name] of ['nothing', '__proto__', 'constructor', 'toString', 'hasOwnProperty'].entries()) {
      server.receive({ t: 'call', id, name, input: {} });
      server.receive({ t: 'open', id: id + 100, name, input: {}, credit: 1 });
    }
    await drain();
    expect(sent).toHaveLength(10);
    for (const message of sent) expect(message).toMatchObject({ problem: { code: 'not-found' } });
  });

  it('can be cancelled by their caller, and are when the caller is gone', async () => {
    const { session: server, callers } = session();
    server.receive({ t: 'call', id: 1, name: 'app.status', input: {} });
    const signal = callers[0]?.signal;
    let heard = 0;
    signal?.addEventListener('abort', () => (heard += 1));
    server.receive({ t: 'cancel', id: 99 });
    expect(signal?.aborted).toBe(false);
    server.receive({ t: 'cancel', id: 1 });
    server.dispose();
    expect([signal?.aborted, heard]).toEqual([true, 1]);
  });

  it('that throw become problems: ours as they are, others as internal without a stack', async () => {
    const made = echo();
    Object.assign(made.api.calls, {
      'stacks.list': () => Promise.reject(fail('engine-away', 'No engine.', 'Start Docker.')),
      'services.list': () => {
        throw new Error('boom at /home/somebody/secret.ts');
      },
    });
    const { client } = connected(made);
    await expect(client.call('stacks.list', {})).rejects.toMatchObject({
      problem: { code: 'engine-away', hint: 'Start Docker.' },
    });
    const thrown = (await client.call('services.list', {}).catch((error: unknown) => error)) as PilothouseError;
    expect(thrown.problem.code).toBe('internal');
    expect(JSON.stringify(thrown.problem)).not.toContain('at Object');
  });

  it('are limited in number, and an id cannot be used twice at once', async () => {
    const made = echo();
    Object.assign(made.api.calls, { 'app.status': () => new Promise(() => {}) });
    const { session: server, sent } = session(made);
    for (let id = 0; id < 257; id++) server.receive({ t: 'call', id, name: 'app.status', input: {} });
    await drain();
    expect(sent).toMatchObject([{ t: 'fail', id: 256, problem: { code: 'too-many' } }]);
  });

  it('wait for ever on nothing: a closed connection fails them', async () => {
    const made = echo();
    Object.assign(made.api.calls, { 'app.status': () => new Promise(() => {}) });
    const { client } = connected(made);
    const waiting = client.call('app.status', {});
    client.close();
    client.close();
    await expect(waiting).rejects.toMatchObject({ problem: { code: 'engine-away' } });
    await expect(client.call('app.status', {})).rejects.toBeInstanceOf(PilothouseError);
  });
});

describe('streams', () => {
  it('carry items and count credit down; the client grants more as it reads', async () => {
    const { client, opened } = connected();
    const items: unknown[] = [];
    client.open('stacks.watch', {}, { item: (item) => items.push(item), credit: 2 });
    await drain();
    const sink = opened[0]?.sink;
    expect(sink?.credit()).toBe(2);
    sink?.send('a');
    sink?.send('b');
    expect(sink?.credit()).toBe(0);
    let more = 0;
    sink?.onCredit(() => (more += 1));
    await drain();
    expect([items, sink?.credit(), more]).toEqual([['a', 'b'], 2, 2]);
  });

  it('with manual credit wait until the reader has drawn', async () => {
    const { client, opened } = connected();
    const stream = client.open('stacks.watch', {}, { item: () => {}, credit: 1, manual: true });
    await drain();
    opened[0]?.sink.send('a');
    await drain();
    expect(opened[0]?.sink.credit()).toBe(0);
    stream.grant(5);
    await drain();
    expect(opened[0]?.sink.credit()).toBe(5);
  });

  it('never hold more credit than ten thousand', async () => {
    const { session: server, opened } = session();
    server.receive({ t: 'open', id: 1, name: 'stacks.watch', input: {}, credit: 1000 });
    for (let turn = 0; turn < 30; turn++) server.receive({ t: 'credit', id: 1, more: 1000 });
    expect(opened[0]?.sink.credit()).toBe(10_000);
  });

  it('end once: by the core, by the reader, or with the connection', async () => {
    const { client, session: server, opened } = connected();
    const ends: unknown[] = [];
    const open = (): { dispose: () => void } =>
      client.open('stacks.watch', {}, { item: () => {}, end: (problem) => ends.push(problem?.code ?? 'end') });
    open();
    open();
    const third = open();
    open();
    await drain();
    opened[0]?.sink.end();
    opened[0]?.sink.end();
    opened[1]?.sink.fail(fail('no-space', 'Full.'));
    third.dispose();
    await drain();
    expect(ends).toEqual(['end', 'no-space']);
    expect(opened.map(({ closed }) => closed)).toEqual([true, true, true, false]);
    opened[2]?.sink.send('late');
    expect(opened[2]?.sink.credit()).toBe(0);
    server.dispose();
    client.close();
    expect(opened[3]?.closed).toBe(true);
    expect(ends).toEqual(['end', 'no-space', 'engine-away']);
  });

  it('may end while they are being opened', async () => {
    const made = echo();
    let closed = 0;
    Object.assign(made.api.streams, {
      'stacks.watch': (_input: unknown, sink: Sink<unknown>) => {
        sink.end();
        return { dispose: () => (closed += 1) };
      },
    });
    const { session: server, sent } = session(made);
    server.receive({ t: 'open', id: 1, name: 'stacks.watch', input: {}, credit: 1 });
    expect([sent, closed]).toEqual([[{ t: 'end', id: 1 }], 1]);
  });

  it('are limited in number', () => {
    const { session: server, sent } = session();
    for (let id = 0; id < 65; id++) server.receive({ t: 'open', id, name: 'stacks.watch', input: {}, credit: 1 });
    expect(sent).toMatchObject([{ t: 'end', id: 64, problem: { code: 'too-many' } }]);
  });
});

describe('messages of any shape', () => {
  it('never throw, never reach a handler with what its schema refuses, and are answered when they have an id', async () => {
    const names = fc.oneof(
      fc.string(),
      fc.constantFrom(...Object.keys(calls), ...Object.keys(streams), '__proto__', 'constructor'),
    );
    const shaped = fc.record(
      {
        t: fc.oneof(fc.constantFrom('call', 'cancel', 'open', 'credit', 'close'), fc.anything()),
        id: fc.oneof(fc.nat({ max: 20 }), fc.anything()),
        name: fc.oneof(names, fc.anything()),
        input: fc.anything({ withNullPrototype: true, withBigInt: true, withMap: true }),
        credit: fc.oneof(fc.integer(), fc.anything()),
        more: fc.oneof(fc.integer(), fc.anything()),
        __proto__: fc.anything(),
      },
      { requiredKeys: [] },
    );
    const made = session();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(shaped, fc.anything()), { maxLength: 20 }), async (messages) => {
        for (const message of messages) expect(() => made.session.receive(message)).not.toThrow();
        await drain();
      }),
      { numRuns: 300 },
    );
    expect(({} as Record<string, unknown>)['privileged']).toBeUndefined();
    for (const message of made.sent) expect(['ok', 'fail', 'item', 'end']).toContain(message.t);
    made.session.receive({ t: 'call', id: 7, name: 5 });
    expect(made.sent.at(-1)).toMatchObject({ t: 'fail', id: 7, problem: { code: 'bad-input' } });
    made.session.dispose();
    expect(made.opened.every(({ closed }) => closed)).toBe(true);
  });

  it('every input schema refuses unknown keys and keeps the prototype clean', () => {
    for (const [name, { input }] of [...Object.entries(calls), ...Object.entries(streams)]) {
      const result = input.safeParse(JSON.parse('{"unknownKey":1,"__proto__":{"privileged":true}}'));
      expect([name, result.success]).toEqual([name, false]);
    }
    expect(({} as Record<string, unknown>)['privileged']).toBeUndefined();
  });
});
