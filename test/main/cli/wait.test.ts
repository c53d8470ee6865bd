import { describe, expect, it } from 'vitest';
import { settled } from '../../../src-main/cli/wait';
import type { ReplicaView, RolloutView, ServiceView } from '../../../src-main/contract/nouns';
import { sentence } from '../../../src-main/contract/sentence';

function service(change: Partial<ServiceView>): ServiceView {
  return {
    key: 'shop/web',
    stack: 'shop',
    name: 'web',
    image: 'busybox',
    mode: 'replicated',
    replicas: 2,
    declared: 2,
    ready: 2,
    stopped: false,
    paused: false,
    health: 'ok',
    words: sentence('service.running'),
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
const rollout = (state: RolloutView['state']): RolloutView => ({ state }) as RolloutView;
const replica = (state: ReplicaView['state']): ReplicaView => ({ state }) as ReplicaView;

describe('waiting is over', () => {
  it.each<[string, Partial<ServiceView>, ReturnType<typeof settled>]>([
    ['when all replicas are ready', {}, 'yes'],
    ['not while some are missing', { ready: 1 }, 'no'],
    ['not while it changes', { health: 'progress' }, 'no'],
    ['not while a rollout runs', { rollout: rollout('running') }, 'no'],
    ['not while it rolls back', { rollout: rollout('rolling-back') }, 'no'],
    ['after a rollout', { rollout: rollout('done') }, 'yes'],
    ['when it was stopped', { health: 'off', stopped: true, ready: 0 }, 'yes'],
    ['when it was scaled to zero', { health: 'off', replicas: 0, ready: 0 }, 'yes'],
    ['when its job is done', { mode: 'job', health: 'off', ready: 0, replicaList: [replica('done')] }, 'yes'],
    ['not while its job runs', { mode: 'job', health: 'ok', replicaList: [replica('ready')] }, 'no'],
    [
      'not while it is ill, since it may recover',
      { health: 'critical', ready: 0, replicaList: [replica('backoff')] },
      'no',
    ],
    [
      'with failure when a replica is given up',
      { health: 'critical', ready: 1, replicaList: [replica('failed')] },
      'failed',
    ],
    ['with failure when the rollout failed', { health: 'critical', rollout: rollout('failed') }, 'failed'],
    ['with failure when it was rolled back', { rollout: rollout('rolled-back') }, 'failed'],
  ])('%s', (_name, change, result) => {
    expect(settled(service(change))).toBe(result);
  });
});
