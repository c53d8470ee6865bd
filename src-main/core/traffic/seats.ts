/**
 * Who sits where: replicas take seats that were made in advance and leave them after draining. Pure. A replica leaves the set before
 * it is stopped (I16); when none is ready the last set is kept and marked, because a doubtful answer is better than none.
 */
import type { Server } from './model';
import { usualWeight } from './model';

/** A replica that may get requests. */
export interface Endpoint {
  /** `<stack>/<service>.<slot>`. */
  replica: string;
  container: string;
  address: string;
  port: number;
  /** 0 to 256. */
  weight: number;
  /** The user has taken it out by hand. */
  drained: boolean;
}

export interface Seat extends Server {
  container?: string;
  replica?: string;
  /** Monotonic time since which it drains. */
  drainingSince?: number;
}

export interface Seating {
  seats: Seat[];
  /** Endpoints for which there was no seat: more seats are needed. */
  standing: number;
}

/** Seats for `replicas` replicas: twice as many, for a whole set beside the old one, and a few; powers of two, so that they rarely change. */
export function seatsFor(replicas: number): number {
  let count = 8;
  while (count < 2 * replicas + 2) count *= 2;
  return Math.min(1024, count);
}

/** Empty seats `s<from>` to `s<to>`. */
export function emptySeats(from: number, to: number): Seat[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => emptySeat(`s${from + at}`));
}

function emptySeat(name: string): Seat {
  return { name, state: 'maint', weight: usualWeight };
}

export interface SeatInput {
  seats: readonly Seat[];
  endpoints: readonly Endpoint[];
  /** Containers that exist as far as anybody knows, ready or not, leaving ones too. */
  live: ReadonlySet<string>;
  monotonic: number;
  /** Longest time a seat drains, milliseconds. */
  drain: number;
  /** Sessions by seat, and the monotonic time at which they were counted. */
  sessions?: { at: number; counts: ReadonlyMap<string, number> };
}

/** The seats after `endpoints` have come and gone. */
export function seat(input: SeatInput): Seating {
  const { endpoints, monotonic } = input;
  const place = (one: { address?: string; port?: number }): string => `${one.address ?? ''} ${one.port ?? 0}`;
  const wanted = new Map(endpoints.map((endpoint) => [place(endpoint), endpoint]));
  const seats = input.seats.map((old): Seat => {
    if (old.address === undefined) return old;
    const endpoint = wanted.get(place(old));
    if (endpoint) {
      wanted.delete(place(old));
      return taken(old, endpoint, monotonic);
    }
    if (isFree(old, input)) return emptySeat(old.name);
    return { ...old, state: 'drain', drainingSince: old.drainingSince ?? monotonic };
  });
  let standing = 0;
  for (const endpoint of wanted.values()) {
    const at = seats.findIndex((one) => one.address === undefined);
    const free = seats[at];
    if (free) seats[at] = taken(free, endpoint, monotonic);
    else standing += 1;
  }
  return { seats, standing };
}

function taken(old: Seat, endpoint: Endpoint, monotonic: number): Seat {
  const { replica, container, address, port, weight, drained } = endpoint;
  const next: Seat = { name: old.name, state: 'ready', weight, address, port, container, replica };
  if (drained) {
    next.state = 'drain';
    next.drainingSince = old.drainingSince ?? monotonic;
  }
  return next;
}

/** A seat whose replica is gone, or that has drained long enough. */
function isFree(old: Seat, input: SeatInput): boolean {
  if (old.container === undefined || !input.live.has(old.container)) return true;
  if (old.state === 'maint') return true;
  if (old.drainingSince === undefined) return false;
  const { sessions } = input;
  const quiet = sessions !== undefined && sessions.at > old.drainingSince && sessions.counts.get(old.name) === 0;
  return quiet || input.monotonic - old.drainingSince >= input.drain;
}

/** The runtime commands that bring a backend's seats from `before` to `after`; none when they are equal. */
export function seatCommands(backend: string, before: readonly Server[], after: readonly Server[]): string[] {
  const commands: string[] = [];
  const known = new Map(before.map((one) => [one.name, one]));
  for (const next of after) {
    const old = known.get(next.name);
    const name = `${backend}/${next.name}`;
    const moved = next.address !== undefined && (old?.address !== next.address || old.port !== next.port);
    // An address is changed only while nobody is sent there.
    if (moved && old?.state !== 'maint') commands.push(`set server ${name} state maint`);
    if (moved) commands.push(`set server ${name} addr ${next.address} port ${next.port}`);
    if (next.address !== undefined && (moved || old?.weight !== next.weight))
      commands.push(`set server ${name} weight ${next.weight}`);
    if (moved ? next.state !== 'maint' : old?.state !== next.state)
      commands.push(`set server ${name} state ${next.state}`);
  }
  return commands;
}
