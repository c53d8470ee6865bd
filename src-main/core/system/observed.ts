/**
 * An engine seen from outside: every call passes through, and its outcome is noted. `_ping` answers even when nothing else does
 * (F4), so whether an engine is well is judged by its acts: one that hangs or times out degrades it, one that succeeds clears it.
 */
import type { Clock } from '../../base/clock';
import { EngineError, type Engine } from '../engine';

/** Acts that are quick on a well engine. Pulls, execs and streams take as long as they take. */
const acts = new Set<string>([
  'create',
  'start',
  'stop',
  'kill',
  'remove',
  'pause',
  'unpause',
  'rename',
  'update',
  'createNetwork',
  'removeNetwork',
  'connect',
  'disconnect',
  'createVolume',
  'removeVolume',
]);

/** An act may take so long before it counts as hanging, milliseconds; `stop` gets its own grace on top. */
const patience = 9_000;

export interface Observed {
  engine: Engine;
  /** Whether acts hang or time out now. */
  degraded(): boolean;
}

/** Wraps an engine. `onAway` is called when a call finds the engine gone. */
export function observe(engine: Engine, clock: Pick<Clock, 'monotonic'>, onAway: () => void): Observed {
  const pending = new Map<number, number>();
  let nextId = 0;
  let timeouts = 0;

  const note = async (promise: Promise<unknown>, act: { id: number } | undefined): Promise<unknown> => {
    try {
      const value = await promise;
      if (act) timeouts = 0;
      return value;
    } catch (thrown) {
      if (thrown instanceof EngineError && thrown.code === 'away') onAway();
      if (act && thrown instanceof EngineError && thrown.code === 'timeout') timeouts += 1;
      throw thrown;
    } finally {
      if (act) pending.delete(act.id);
    }
  };

  const seen = new Map<PropertyKey, unknown>();
  const wrapped = new Proxy(engine, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      const known = seen.get(name);
      if (known) return known;
      const method = (...input: unknown[]): unknown => {
        const isAct = acts.has(String(name));
        const act = isAct ? { id: nextId++ } : undefined;
        if (act) {
          const grace = name === 'stop' && typeof input[1] === 'number' ? input[1] : 0;
          pending.set(act.id, clock.monotonic() + grace + patience);
        }
        const result: unknown = Reflect.apply(value, target, input);
        return result instanceof Promise ? note(result, act) : result;
      };
      seen.set(name, method);
      return method;
    },
  });
  return {
    engine: wrapped,
    degraded: () => timeouts >= 2 || [...pending.values()].some((late) => late < clock.monotonic()),
  };
}
