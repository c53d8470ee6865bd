/** Seats: nobody is moved without need, nobody leaves without draining, and the commands make what was planned. */
import { describe, expect, it } from 'vitest';
import {
  emptySeats,
  seat,
  seatCommands,
  seatsFor,
  type Endpoint,
  type Seat,
} from '../../../../src-main/core/traffic/seats';

const endpoint = (at: number, change: Partial<Endpoint> = {}): Endpoint => ({
  replica: `shop/web.${at}`,
  container: `c${at}`,
  address: `10.0.0.${at}`,
  port: 80,
  weight: 100,
  drained: false,
  ...change,
});
const given = (seats: Seat[], endpoints: Endpoint[], monotonic = 0): Parameters<typeof seat>[0] => ({
  seats,
  endpoints,
  live: new Set(['c1', 'c2', 'c3']),
  monotonic,
  drain: 10_000,
});

describe('seat', () => {
  it('gives free seats, and keeps everybody where he sits', () => {
    const first = seat(given(emptySeats(1, 4), [endpoint(1), endpoint(2)]));
    expect(first.seats.map((one) => one.container)).toEqual(['c1', 'c2', undefined, undefined]);
    const second = seat(given(first.seats, [endpoint(3), endpoint(2), endpoint(1)]));
    expect(second.seats.map((one) => one.container)).toEqual(['c1', 'c2', 'c3', undefined]);
    expect(seatCommands('b', first.seats, second.seats)).toEqual([
      'set server b/s3 addr 10.0.0.3 port 80',
      'set server b/s3 weight 100',
      'set server b/s3 state ready',
    ]);
  });

  it('drains who leaves until his last session is done, or his time is over', () => {
    const { seats } = seat(given(emptySeats(1, 2), [endpoint(1), endpoint(2)]));
    const left = seat(given(seats, [endpoint(2)], 100)).seats;
    expect(seatCommands('b', seats, left)).toEqual(['set server b/s1 state drain']);
    const counted = (at: number, count: number): { at: number; counts: Map<string, number> } => ({
      at,
      counts: new Map([['s1', count]]),
    });
    const stateAfter = (monotonic: number, sessions?: ReturnType<typeof counted>): string | undefined =>
      seat({ ...given(left, [endpoint(2)], monotonic), ...(sessions ? { sessions } : {}) }).seats[0]?.state;
    expect(stateAfter(500, counted(400, 2))).toBe('drain');
    // Counted before it began to drain: says nothing.
    expect(stateAfter(500, counted(50, 0))).toBe('drain');
    expect(stateAfter(500, counted(400, 0))).toBe('maint');
    expect(stateAfter(10_100, counted(400, 2))).toBe('maint');
  });

  it('frees the seat of a container that is gone at once, and says when seats run out', () => {
    const { seats } = seat(given(emptySeats(1, 1), [endpoint(1)]));
    expect(seat({ ...given(seats, [endpoint(2)]), live: new Set(['c2']) }).seats[0]?.container).toBe('c2');
    expect(seat(given(seats, [endpoint(1), endpoint(2)])).standing).toBe(1);
    expect([1, 3, 4, 10, 400].map(seatsFor)).toEqual([8, 8, 16, 32, 1024]);
  });
});
