import { describe, expect, it } from 'vitest';
import type { ReplicaView, ServiceView } from '../../../src-main/contract/nouns';
import {
  countByFilter,
  dotsOf,
  matchesService,
  portText,
  summarize,
} from '../../../src-renderer/views/services/serviceRows';

function service(change: Partial<ServiceView>): ServiceView {
  return {
    key: 'shop/web',
    stack: 'shop',
    name: 'web',
    image: 'nginx:1.27',
    mode: 'replicated',
    replicas: 2,
    declared: 2,
    ready: 2,
    stopped: false,
    paused: false,
    health: 'ok',
    words: { code: 'service.running' },
    since: 0,
    revision: 1,
    replicaList: [],
    ports: [],
    urls: [],
    limits: {},
    restarts: 0,
    dependsOn: [],
    createdAt: 0,
    updatedAt: 0,
    ...change,
  };
}
function replica(slot: number, revision: number, health: ReplicaView['health'] = 'ok'): ReplicaView {
  return {
    id: `shop/web.${slot}`,
    stack: 'shop',
    service: 'web',
    slot,
    generation: 1,
    revision,
    state: 'ready',
    health,
    words: { code: 'replica.ready' },
    node: 'workbench',
    image: 'nginx:1.27',
    restarts: 0,
    addresses: {},
    ports: [],
  };
}

describe('the services table', () => {
  it('matches every word of a filter in name, stack, image or port', () => {
    const web = service({ ports: [{ published: 8080, target: 80, protocol: 'tcp' }] });
    expect(matchesService(web, 'all', 'SHOP nginx')).toBe(true);
    expect(matchesService(web, 'all', '8080')).toBe(true);
    expect(matchesService(web, 'all', 'shop redis')).toBe(false);
    expect(matchesService(web, 'need', '')).toBe(false);
    expect(matchesService(service({ health: 'warning' }), 'need', '')).toBe(true);
  });

  it('counts each chip and sums a group by its worst', () => {
    const list = [
      service({}),
      service({ health: 'critical' }),
      service({ health: 'progress' }),
      service({ health: 'off' }),
    ];
    expect(countByFilter(list)).toEqual({ all: 4, need: 1, changing: 1, well: 1, off: 1 });
    expect(summarize(list)).toMatchObject({ state: 'critical', need: 1, off: 1 });
    expect(summarize([])).toMatchObject({ state: 'off', need: 0 });
  });

  it('draws older revisions first, then slots', () => {
    const dots = dotsOf([replica(2, 2, 'critical'), replica(3, 1), replica(1, 2)], (one) => one.id);
    expect(dots.map((dot) => [dot.label, dot.revision, dot.state])).toEqual([
      ['shop/web.3', '1', 'ok'],
      ['shop/web.1', '2', 'ok'],
      ['shop/web.2', '2', 'critical'],
    ]);
  });

  it('writes published ports once, and a dash without any', () => {
    const port = { published: 8080, target: 80, protocol: 'tcp' };
    expect(portText(service({ ports: [port, { ...port, protocol: 'udp' }, { target: 9, protocol: 'tcp' }] }))).toBe(
      '8080',
    );
    expect(portText(service({ ports: [{ target: 9, protocol: 'tcp' }] }))).toBe('–');
  });
});
