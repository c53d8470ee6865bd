/** What happens in the simulated world: plain data without ids, so that failures shrink well. */
import type { Verb } from '../../../../src-main/engine/memory/faults';
import type { Declared } from './declared';

/** A thing that befalls one engine; `node` counts the engines, the one that is worked on first. */
type At = { node?: number };

export type Step =
  | { do: 'apply'; declared: Declared }
  | { do: 'scale'; replicas: number }
  | { do: 'restart' | 'undo' | 'stop' | 'start' | 'resume' | 'pauseRollout' | 'pauseService' | 'unpauseService' }
  | { do: 'promote' | 'abort' }
  | { do: 'load'; requests: number }
  | { do: 'remove' | 'removeWithVolumes' }
  | { do: 'wait'; time: number }
  | { do: 'crash' }
  | { do: 'crashAt'; effect: number }
  | {
      do: 'rm' | 'kill' | 'die' | 'dockerStop' | 'pause' | 'unpause' | 'rename' | 'disconnect' | 'limit' | 'sick';
      pick: number;
    }
  | ({ do: 'fault'; verb: number; kind: number; times: number } & At)
  | ({ do: 'lag'; lag: number } & At)
  | ({ do: 'events'; trouble: number } & At)
  | ({ do: 'port' | 'image' | 'disk'; bad: boolean } & At)
  | ({ do: 'engine'; how: number } & At)
  | ({ do: 'foreign'; pick: number } & At)
  /** A machine is cut off, dies, or comes back; the user takes it out of use, empties it, or opens it again. */
  | { do: 'cut' | 'dead' | 'back' | 'cordon' | 'drain' | 'open'; node: number }
  | { do: 'clock'; by: number }
  | { do: 'sleep'; time: number };

/** The calls that a fault strikes. */
export const verbs: readonly (readonly Verb[] | undefined)[] = [
  ['create'],
  ['start'],
  ['stop'],
  ['remove'],
  ['list'],
  ['inspect'],
  ['create', 'start', 'stop', 'remove'],
  undefined,
];
export const kinds = ['fail', 'lose', 'delay', 'hang', 'partial'] as const;

/** A broken promise, with what led to it. */
export class Broken extends Error {
  constructor(invariant: string, text: string) {
    super(`${invariant}: ${text}`);
  }
}
