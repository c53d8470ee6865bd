/**
 * A client's connection to the daemon: takes time, meets faults, keeps deadlines, records what was done, and can be cut between any
 * two effects as if the client had been killed.
 */
import { sleep } from '../../base/clock';
import type { Signal } from '../../base/lifecycle';
import type { Random } from '../../base/random';
import { Ring } from '../../base/ring';
import { EngineError, type EngineErrorCode } from '../../core/engine';
import type { Daemon } from './daemon';
import { Faults, isWrite, type Verb } from './faults';

/** A write that reached the daemon. */
export interface Deed {
  /** 1, 2, 3 … over all writes of this connection. */
  number: number;
  verb: Verb;
  /** Of the container, network, volume or image; the name when there is no id yet. */
  id: string;
  name: string;
  /** Milliseconds since the epoch. */
  at: number;
  /** `pending` until the daemon is done with it. */
  outcome: 'pending' | 'done' | EngineErrorCode;
}

/** The moment just before or after a call takes effect. */
export interface Point {
  /** 1, 2, 3 … over all calls, reads too. */
  number: number;
  verb: Verb;
  name: string;
  write: boolean;
}

/** Called at every effect; a test that cuts the connection in there has killed the app at exactly that point. */
export interface Hooks {
  beforeEffect?: (point: Point) => void;
  /** The effect has happened, the answer has not arrived yet. */
  afterEffect?: (point: Point) => void;
}

/** How long calls take: not at all, about as long as on a real machine, or as a function says (milliseconds). */
export type Latency = 'none' | 'real' | ((verb: Verb, random: Random) => number);

/** What a call is about. `deadline` in milliseconds. */
export interface Call {
  verb: Verb;
  id?: string;
  name: string;
  deadline?: number;
  signal?: Signal | undefined;
}

const keptDeeds = 10_000;
const readDeadline = 10_000;
const writeDeadline = 60_000;

/** Milliseconds as measured on a small machine; each call takes 0.6 to 1.6 times as long. */
const realLatency: Partial<Record<Verb, number>> = {
  create: 42,
  start: 230,
  stop: 45,
  kill: 30,
  remove: 38,
  createNetwork: 70,
  removeNetwork: 60,
  connect: 40,
  createVolume: 6,
  exec: 70,
  putFile: 12,
  replaceFile: 75,
};

/** Verbs that go through containerd. */
const acts: ReadonlySet<Verb> = new Set<Verb>([
  'start',
  'stop',
  'kill',
  'remove',
  'pause',
  'unpause',
  'exec',
  'replaceFile',
]);

export class Connection {
  readonly faults: Faults;
  hooks: Hooks = {};
  /** Writes that reached the daemon, also those that had no effect. */
  writes = 0;
  /** Calls of each verb. */
  readonly counts = new Map<Verb, number>();
  private readonly recent = new Ring<Deed>(keptDeeds);
  private readonly closers = new Set<() => void>();
  private calls = 0;
  private isCut = false;

  constructor(
    readonly daemon: Daemon,
    private readonly latency: Latency,
  ) {
    this.faults = new Faults(daemon.random);
  }

  /** The newest 10,000 writes, oldest first. */
  get deeds(): readonly Deed[] {
    return this.recent.toArray();
  }

  /** Forgets deeds and counts; numbering goes on. */
  forgetDeeds(): void {
    this.recent.clear();
    this.writes = 0;
    this.counts.clear();
  }

  /** The client is dead: what waits is never answered, nothing more is sent, streams are silent. */
  cut(): void {
    this.isCut = true;
    for (const close of [...this.closers]) close();
    this.closers.clear();
  }

  get dead(): boolean {
    return this.isCut;
  }

  /** Registers what ends with the connection; call the result when it has ended before. */
  atCut(close: () => void): () => void {
    this.closers.add(close);
    return () => this.closers.delete(close);
  }

  /** Makes a call. `effect` runs at most once, at the moment the daemon acts. */
  call<Result>(call: Call, effect: () => Result | Promise<Result>): Promise<Result> {
    if (this.isCut) return new Promise(() => {});
    this.counts.set(call.verb, (this.counts.get(call.verb) ?? 0) + 1);
    if (call.signal?.aborted) return Promise.reject(new EngineError('timeout', 'cancelled'));
    const { clock, power } = this.daemon;
    return new Promise<Result>((resolve, reject) => {
      const abort = (): void => settle(() => reject(new EngineError('timeout', 'cancelled')));
      const deadline = call.deadline ?? (isWrite(call.verb) ? writeDeadline : readDeadline);
      const timer = clock.timer(deadline, () =>
        settle(() => reject(new EngineError('timeout', `no answer to ${call.verb} within ${deadline} ms`))),
      );
      const unwatch = power.watch(() => {
        if (power.mode === 'down') settle(() => reject(away()));
      });
      let settled = false;
      const settle = (answer: () => void): void => {
        if (settled) return;
        settled = true;
        timer.dispose();
        unwatch();
        forget();
        call.signal?.removeEventListener('abort', abort);
        if (!this.isCut) answer();
      };
      const forget = this.atCut(() => settle(() => {}));
      call.signal?.addEventListener('abort', abort);
      this.carryOut(call, effect).then(
        (value) => settle(() => resolve(value)),
        (thrown: unknown) => settle(() => reject(thrown instanceof Error ? thrown : new Error(String(thrown)))),
      );
    });
  }

  private async carryOut<Result>(call: Call, effect: () => Result | Promise<Result>): Promise<Result> {
    const { daemon } = this;
    const { epoch } = daemon.power;
    if (daemon.power.mode === 'down' || daemon.power.mode === 'starting') throw away();
    const write = isWrite(call.verb);
    const point: Point = { number: ++this.calls, verb: call.verb, name: call.name, write };
    const strikes = this.faults.strike(call.verb, call.name);
    const wait = strikes.reduce(
      (sum, fault) => sum + (fault.does === 'delay' ? (fault.delay ?? 1000) : 0),
      this.latencyOf(call.verb),
    );
    if (wait > 0) await sleep(daemon.clock, wait);
    if (strikes.some((fault) => fault.does === 'hang')) return new Promise(() => {});
    await this.admission(call);
    if (this.isCut) return new Promise(() => {});
    if (daemon.power.epoch !== epoch) throw away();
    this.hooks.beforeEffect?.(point);
    if (this.dead) return new Promise(() => {});
    const failure = strikes.find((fault) => fault.does === 'fail');
    if (failure) throw new EngineError(failure.error ?? 'refused', failure.detail ?? 'fault on demand');
    const result = write ? await this.record(call, effect) : await effect();
    this.hooks.afterEffect?.(point);
    if (this.dead) return new Promise(() => {});
    const loss = strikes.find((fault) => fault.does === 'lose');
    if (loss) throw new EngineError(loss.error ?? 'timeout', loss.detail ?? 'the answer was lost');
    if (Array.isArray(result) && strikes.some((fault) => fault.does === 'partial')) {
      return result.filter(() => daemon.random() < 0.5) as Result;
    }
    return result;
  }

  /** Waits while the daemon, or what this call needs of it, is frozen. The call is done afterwards even if nobody waits any more. */
  private async admission(call: Call): Promise<void> {
    const { power } = this.daemon;
    const id = this.daemon.find(call.id ?? call.name)?.id ?? '';
    const isStuck = (): boolean => {
      if (power.mode === 'hung') return true;
      if (!power.actsHang) return false;
      if (acts.has(call.verb)) {
        power.stuck.add(id);
        return true;
      }
      return call.verb === 'inspect' && power.stuck.has(id);
    };
    while (isStuck()) {
      await new Promise<void>((resolve) => {
        const unwatch = power.watch(() => {
          unwatch();
          resolve();
        });
      });
    }
  }

  private async record<Result>(call: Call, effect: () => Result | Promise<Result>): Promise<Result> {
    const id = call.id ?? this.daemon.find(call.name)?.id ?? call.name;
    const deed: Deed = {
      number: ++this.writes,
      verb: call.verb,
      id,
      name: call.name,
      at: this.daemon.clock.now(),
      outcome: 'pending',
    };
    this.recent.push(deed);
    try {
      const result = await effect();
      deed.outcome = 'done';
      return result;
    } catch (thrown) {
      deed.outcome = thrown instanceof EngineError ? thrown.code : 'refused';
      throw thrown;
    }
  }

  private latencyOf(verb: Verb): number {
    if (this.latency === 'none') return 0;
    if (this.latency !== 'real') return this.latency(verb, this.daemon.random);
    return (realLatency[verb] ?? 2) * (0.6 + this.daemon.random());
  }
}

/** The error of every call to a daemon that is not there. */
export function away(): EngineError {
  return new EngineError('away', 'Cannot connect to the engine. Is the daemon running?');
}
