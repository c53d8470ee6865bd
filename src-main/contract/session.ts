/** The core's end of a connection: parses every message, runs calls, feeds streams, keeps credit. Transport-free. */
import { Emitter } from '../base/emitter';
import { toDisposable, type Disposable, type Signal } from '../base/lifecycle';
import { calls, streams, type Api, type CallName, type Caller, type Sink, type StreamName } from './api';
import { fail, toProblem, PilothouseError, type Problem } from './errors';
import { clientMessage, type ServerMessage } from './wire';

/** At most so many calls may wait at once, and so many streams be open, for one client. */
const maxCalls = 256;
const maxStreams = 64;

/** A cancel button that satisfies `Signal` without the platform's AbortController. */
class Cancel implements Signal {
  aborted = false;
  private readonly listeners = new Set<() => void>();
  addEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.add(listener);
  }
  removeEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.delete(listener);
  }
  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    for (const listener of this.listeners) listener();
  }
}

interface OpenStream {
  credit: number;
  more: Emitter<void>;
  handler: Disposable;
}

/** One client's connection. Feed it messages with `receive`; dispose it when the client is gone. */
export class Session implements Disposable {
  private readonly running = new Map<number, Cancel>();
  private readonly open = new Map<number, OpenStream>();
  private closed = false;

  constructor(
    private readonly api: Api,
    private readonly kind: Caller['kind'],
    private readonly send: (message: ServerMessage) => void,
  ) {}

  /** Takes one message of any shape; what does not parse is answered with `bad-input` when it has an id, else ignored. */
  receive(raw: unknown): void {
    const parsed = clientMessage.safeParse(raw);
    if (!parsed.success) {
      const id =
        typeof raw === 'object' && raw !== null && 'id' in raw && Number.isSafeInteger(raw.id)
          ? Number(raw.id)
          : undefined;
      if (id !== undefined)
        this.post({
          t: 'fail',
          id,
          problem: { code: 'bad-input', message: 'The message does not follow the protocol.' },
        });
      return;
    }
    const message = parsed.data;
    switch (message.t) {
      case 'call':
        void this.call(message.id, message.name, message.input);
        return;
      case 'cancel':
        this.running.get(message.id)?.abort();
        return;
      case 'open':
        this.openStream(message.id, message.name, message.input, message.credit);
        return;
      case 'credit': {
        const stream = this.open.get(message.id);
        if (!stream) return;
        stream.credit = Math.min(10_000, stream.credit + message.more);
        stream.more.fire();
        return;
      }
      case 'close':
        this.open.get(message.id)?.handler.dispose();
        this.open.delete(message.id);
        return;
    }
  }

  dispose(): void {
    if (this.closed) return;
    this.closed = true;
    for (const cancel of this.running.values()) cancel.abort();
    for (const stream of this.open.values()) stream.handler.dispose();
    this.open.clear();
  }

  private post(message: ServerMessage): void {
    if (!this.closed) this.send(message);
  }

  private async call(id: number, name: string, input: unknown): Promise<void> {
    try {
      if (!Object.hasOwn(calls, name)) throw fail('not-found', `There is no call ${name}.`);
      if (this.running.has(id)) throw fail('bad-input', 'This id is in use.');
      if (this.running.size >= maxCalls)
        throw fail('too-many', 'Too many calls are waiting.', 'Wait for some answers first.');
      const callName = name as CallName;
      const parsed = parseInput(calls[callName].input.safeParse(input));
      const cancel = new Cancel();
      this.running.set(id, cancel);
      const handler = this.api.calls[callName] as (input: unknown, caller: Caller) => Promise<unknown>;
      const value = await handler(parsed, { kind: this.kind, signal: cancel });
      this.running.delete(id);
      this.post({ t: 'ok', id, value });
    } catch (thrown) {
      this.running.delete(id);
      this.post({ t: 'fail', id, problem: toProblem(thrown) });
    }
  }

  private openStream(id: number, name: string, input: unknown, credit: number): void {
    const entry: OpenStream = { credit, more: new Emitter<void>(), handler: toDisposable(() => {}) };
    const finish = (problem?: Problem): void => {
      if (this.open.get(id) !== entry) return;
      this.open.delete(id);
      entry.handler.dispose();
      this.post(problem ? { t: 'end', id, problem } : { t: 'end', id });
    };
    try {
      if (!Object.hasOwn(streams, name)) throw fail('not-found', `There is no stream ${name}.`);
      if (this.open.has(id)) throw fail('bad-input', 'This id is in use.');
      if (this.open.size >= maxStreams) throw fail('too-many', 'Too many streams are open.', 'Close some first.');
      const streamName = name as StreamName;
      const parsed = parseInput(streams[streamName].input.safeParse(input));
      const sink: Sink<unknown> = {
        send: (item) => {
          if (this.open.get(id) !== entry) return;
          entry.credit -= 1;
          this.post({ t: 'item', id, item });
        },
        credit: () => (this.open.get(id) === entry ? entry.credit : 0),
        onCredit: (listener) => entry.more.event(listener),
        end: () => finish(),
        fail: (thrown) => finish(toProblem(thrown)),
      };
      this.open.set(id, entry);
      const handler = this.api.streams[streamName] as (
        input: unknown,
        sink: Sink<unknown>,
        caller: Caller,
      ) => Disposable;
      const stop = handler(parsed, sink, { kind: this.kind, signal: new Cancel() });
      // The handler may have ended the stream while it was being opened.
      if (this.open.get(id) === entry) entry.handler = stop;
      else stop.dispose();
    } catch (thrown) {
      this.open.delete(id);
      this.post({ t: 'end', id, problem: toProblem(thrown) });
    }
  }
}

interface ParsedInput {
  success: boolean;
  data?: unknown;
  error?: { issues: { path: PropertyKey[]; message: string }[] };
}

function parseInput(result: ParsedInput): unknown {
  if (result.success) return result.data;
  const more: Problem[] = (result.error?.issues ?? []).slice(0, 20).map((issue) => ({
    code: 'bad-input',
    message: issue.message,
    where: { path: issue.path.map(String).join('.') },
  }));
  const first = more[0];
  throw new PilothouseError({
    code: 'bad-input',
    message: first ? `${first.where?.path || 'input'}: ${first.message}` : 'The input is wrong.',
    ...(first?.where ? { where: first.where } : {}),
    more,
  });
}
