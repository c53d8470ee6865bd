/** Faults on demand: which call is struck, how often, and whether its effect happens all the same. */
import { toDisposable, type Disposable } from '../../base/lifecycle';
import type { Random } from '../../base/random';
import type { EngineErrorCode } from '../../core/engine';

/** Every call of the port, by its name there; `connect` also stands for the extra networks of a `create`. */
export type Verb =
  | 'facts'
  | 'ping'
  | 'diskUsage'
  | 'list'
  | 'inspect'
  | 'create'
  | 'start'
  | 'stop'
  | 'kill'
  | 'remove'
  | 'pause'
  | 'unpause'
  | 'rename'
  | 'update'
  | 'exec'
  | 'putFile'
  | 'replaceFile'
  | 'readArchive'
  | 'writeArchive'
  | 'networks'
  | 'inspectNetwork'
  | 'createNetwork'
  | 'removeNetwork'
  | 'connect'
  | 'disconnect'
  | 'volumes'
  | 'createVolume'
  | 'removeVolume'
  | 'images'
  | 'inspectImage'
  | 'pull'
  | 'removeImage'
  | 'tagImage';

const reads: ReadonlySet<Verb> = new Set<Verb>([
  'facts',
  'ping',
  'diskUsage',
  'list',
  'inspect',
  'networks',
  'inspectNetwork',
  'volumes',
  'images',
  'inspectImage',
  'readArchive',
]);

/** True for calls that change the engine. */
export function isWrite(verb: Verb): boolean {
  return !reads.has(verb);
}

/** A rule that strikes calls. All its conditions must hold. */
export interface Fault {
  /** The calls it strikes; absent: every one. */
  verbs?: readonly Verb[];
  /** Part of the name or id of what the call is about, or a pattern for it. */
  name?: string | RegExp;
  /** Lets so many matching calls through first. */
  skip?: number;
  /** Strikes so many calls, then rests; default without end. */
  times?: number;
  /** Chance per matching call, default 1, drawn from the engine's seed. */
  probability?: number;
  /**
   * `fail`: no effect, an error. `lose`: the effect happens, the answer is lost (F7). `delay`: later. `hang`: no effect and no answer
   * until the deadline. `partial`: a list lacks some of its rows (M7).
   */
  does: 'fail' | 'lose' | 'delay' | 'hang' | 'partial';
  /** What the caller sees; default `refused` for fail, `timeout` for lose. */
  error?: EngineErrorCode;
  detail?: string;
  /** Milliseconds, for delay. */
  delay?: number;
}

/** The rules of one engine. */
export class Faults {
  private readonly rules: { fault: Fault; seen: number; struck: number }[] = [];

  constructor(private readonly random: Random) {}

  /** Adds a rule; dispose the result to take it away. */
  add(fault: Fault): Disposable & { readonly struck: number } {
    const rule = { fault, seen: 0, struck: 0 };
    this.rules.push(rule);
    const removal = toDisposable(() => {
      const index = this.rules.indexOf(rule);
      if (index >= 0) this.rules.splice(index, 1);
    });
    return {
      dispose: () => removal.dispose(),
      get struck() {
        return rule.struck;
      },
    };
  }

  clear(): void {
    this.rules.length = 0;
  }

  /** The rules that strike this call, in the order they were added. */
  strike(verb: Verb, name: string): Fault[] {
    const hits: Fault[] = [];
    for (const rule of this.rules) {
      const { fault } = rule;
      if (fault.verbs && !fault.verbs.includes(verb)) continue;
      if (fault.name !== undefined && !matches(fault.name, name)) continue;
      rule.seen += 1;
      if (rule.seen <= (fault.skip ?? 0) || rule.struck >= (fault.times ?? Infinity)) continue;
      if (fault.probability !== undefined && this.random() >= fault.probability) continue;
      rule.struck += 1;
      hits.push(fault);
    }
    return hits;
  }
}

function matches(pattern: string | RegExp, name: string): boolean {
  return typeof pattern === 'string' ? name.includes(pattern) : name.search(pattern) >= 0;
}
