/** The words of the fault proxy: what can go wrong, and what it tells of the calls that came through. */

/**
 * What goes wrong.
 * - `delay`: the request reaches the engine `ms` later.
 * - `hang`: the request never reaches the engine and is never answered.
 * - `status`: the engine is not asked; `status` (500) comes back with the engine's kind of error body.
 * - `answer`: the engine is not asked; `status` (200) comes back with `message` as its whole body.
 * - `truncate`: the answer's body is cut after `bytes` (half of what has come by default), then the connection breaks.
 * - `drop-response`: the engine carries the request out, its answer is lost and the connection breaks.
 * - `hold`: the answer's head arrives, its body does not; also freezes streams that are open already. What was held is lost.
 * - `close`: the connection breaks before the request reaches the engine.
 */
export type FaultKind = 'delay' | 'hang' | 'status' | 'answer' | 'truncate' | 'drop-response' | 'hold' | 'close';

export interface Fault {
  kind: FaultKind;
  /** Matches the method exactly; unset matches all. */
  method?: string;
  /** Matches path and query without the version prefix (`/containers/json?all=true`); unset matches all. */
  path?: RegExp;
  /** 0 to 1, drawn from the proxy's seed for each matching call; 1 by default. */
  probability?: number;
  /** Lets that many matching calls through first; 0 by default. */
  after?: number;
  /** Strikes at most that often; without end by default. */
  times?: number;
  /** `delay` in milliseconds. */
  ms?: number;
  /** Code of `status` or `answer`. */
  status?: number;
  /** Text of the error body of `status`; the body of `answer`. */
  message?: string;
  /** `truncate` after that many bytes of the body. */
  bytes?: number;
}

/** A fault that was put in; `hits` counts how often it struck. */
export interface ActiveFault {
  readonly fault: Fault;
  readonly hits: number;
  remove(): void;
}

/** One call that came through. `status` is what the caller saw; 0 when it got no answer (yet). */
export interface ProxyCall {
  method: string;
  /** Without the version prefix, with the query. */
  path: string;
  /** Milliseconds since the proxy started. */
  at: number;
  status: number;
  fault?: FaultKind;
}

export interface FaultProxy {
  readonly socket: string;
  /** The socket as DOCKER_HOST wants it. */
  readonly dockerHost: string;
  /** The last 10,000 calls, oldest first. */
  readonly calls: readonly ProxyCall[];
  inject(fault: Fault): ActiveFault;
  /** Removes every fault. */
  clear(): void;
  /** How many of the recorded calls match. */
  count(match?: { method?: string; path?: RegExp; fault?: FaultKind }): number;
  /** Forgets the recorded calls. */
  forget(): void;
  /** Breaks every open connection (or those whose request matches). */
  cut(path?: RegExp): void;
  /** Connections are refused from now on, as if the engine had ended; open ones break. */
  refuse(): Promise<void>;
  /** Listens again after `refuse`. */
  accept(): Promise<void>;
  stop(): Promise<void>;
}
