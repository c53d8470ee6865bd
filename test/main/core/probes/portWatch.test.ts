import { describe, expect, it } from 'vitest';
import type { ReplicaView, ServiceView } from '../../../../src-main/contract/nouns';
import { PortWatch, type Dial } from '../../../../src-main/core/probes';
import { FakeClock } from '../../../support/clock';

const round = 21_000;

/** One replica that publishes 8080 for its port 80, and what answers where. */
function world(change: Partial<ReplicaView> = {}) {
  const clock = new FakeClock();
  const replica = {
    ...{ id: 'shop/web.1', stack: 'shop', service: 'web', state: 'ready', container: { id: 'c1', name: 'c1' } },
    addresses: { default: '172.18.0.2' },
    ports: [{ target: 80, protocol: 'tcp', hostIp: '0.0.0.0', published: 8080 }],
    ...change,
  } as ReplicaView;
  const answers = new Map([
    ['127.0.0.1:8080', true],
    ['172.18.0.2:80', true],
  ]);
  const state = {
    ...{ clock, replica, answers, near: true, asked: [] as string[], told: [] as string[] },
    onAsk: (_where: string): void => {},
  };
  const watch = new PortWatch({
    clock,
    dialer: {
      near: () => Promise.resolve(state.near),
      dial: ({ host, port }: Dial) => {
        const where = `${host}:${port}`;
        const ok = answers.get(where) ?? false;
        state.asked.push(where);
        state.onAsk(where);
        return Promise.resolve({ ok, output: '' });
      },
    },
    services: () => [{ replicaList: [state.replica] } as unknown as ServiceView],
    tell: ({ service, replica: of, port, dead }) =>
      state.told.push(`${service} ${of} ${port} ${dead ? 'dead' : 'back'}`),
  });
  return { ...state, state, watch };
}

describe('published ports', () => {
  it('that answer are left alone, and tried once a round', async () => {
    const { clock, state } = world();
    await clock.advance(3 * round);
    expect(state.told).toEqual([]);
    expect(state.asked).toEqual(['127.0.0.1:8080', '127.0.0.1:8080', '127.0.0.1:8080']);
  });

  it('that nobody answers at, although the program does, are told once, and once more when they are back', async () => {
    const { clock, state, answers } = world();
    answers.set('127.0.0.1:8080', false);
    await clock.advance(3 * round);
    expect(state.told).toEqual(['shop/web shop/web.1 8080 dead']);
    answers.set('127.0.0.1:8080', true);
    await clock.advance(2 * round);
    expect(state.told).toEqual(['shop/web shop/web.1 8080 dead', 'shop/web shop/web.1 8080 back']);
  });

  it('are not blamed for a program that does not listen', async () => {
    const { clock, state, answers } = world();
    answers.set('127.0.0.1:8080', false);
    answers.set('172.18.0.2:80', false);
    await clock.advance(3 * round);
    expect(state.asked).toHaveLength(6);
    expect(state.told).toEqual([]);
  });

  it('are not blamed for a moment: they are tried again first', async () => {
    const { clock, state, answers } = world();
    answers.set('127.0.0.1:8080', false);
    state.onAsk = (where) => {
      if (where === '172.18.0.2:80') answers.set('127.0.0.1:8080', true);
    };
    await clock.advance(2 * round);
    expect(state.asked).toEqual(['127.0.0.1:8080', '172.18.0.2:80', '127.0.0.1:8080', '127.0.0.1:8080']);
    expect(state.told).toEqual([]);
  });

  it.each<[string, Partial<ReplicaView>]>([
    ['not ready', { state: 'starting' as ReplicaView['state'] }],
    ['on another node', { machine: '10.0.0.7' }],
    ['UDP', { ports: [{ target: 80, protocol: 'udp', hostIp: '', published: 8080 }] }],
    ['bound to another address', { ports: [{ target: 80, protocol: 'tcp', hostIp: '192.0.2.1', published: 8080 }] }],
  ])('of a replica that is %s are not tried', async (_what, change) => {
    const { clock, state } = world(change);
    await clock.advance(2 * round);
    expect(state.asked).toEqual([]);
  });

  it('of an engine that is not near, or after the end, are not tried', async () => {
    const { clock, state, watch } = world();
    state.near = false;
    await clock.advance(round);
    expect(state.asked).toEqual([]);
    watch.dispose();
    state.near = true;
    await clock.advance(2 * round);
    expect(state.asked).toEqual([]);
  });
});
