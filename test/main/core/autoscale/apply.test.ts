import { describe, expect, it } from 'vitest';
import type { AutoscaleSpec } from '../../../../src-main/contract/spec';
import { changeOf, type ChangeInput } from '../../../../src-main/core/reconcile/change';
import type { RevisionRow, ServiceRow } from '../../../../src-main/core/store';
import { serviceSpec } from '../../../support/builders';

const policy: AutoscaleSpec = { min: 1, max: 10, metrics: [{ metric: 'cpu', type: 'Utilization', target: 50 }] };

/** The count after a file that says `replicas` is applied over one that said 1, while 7 run. */
function applied(replicas: number, autoscale?: AutoscaleSpec): number | undefined {
  const spec = (count: number, image: string) => {
    const usual = serviceSpec();
    return serviceSpec({
      image,
      deploy: { ...usual.deploy, replicas: count },
      pilothouse: autoscale ? { autoscale } : {},
    });
  };
  const stack = { name: 'shop', networks: {}, volumes: {}, configs: {}, secrets: {} };
  const row = { key: 'shop/web', stack: 'shop', name: 'web', replicas: 7, revision: 1, restartNonce: 0 } as ServiceRow;
  const revision = { service: row.key, revision: 1, spec: spec(1, 'web:1'), hash: 'old' } as RevisionRow;
  const input: ChangeInput = {
    spec: { ...stack, services: { web: spec(replicas, 'web:2') } },
    source: { files: [] },
    engine: 'one',
    now: 0,
    services: [row],
    revisions: () => new Map([[1, revision]]),
    rollout: () => undefined,
    attempts: () => [],
    yaml: () => '',
  };
  return changeOf(input).services[0]?.row.replicas;
}

describe('applying a file again', () => {
  it('sets the count it says, but leaves a service that scales itself as it is', () => {
    expect(applied(3)).toBe(3);
    expect(applied(1)).toBe(7);
    expect(applied(3, policy)).toBe(7);
  });
});
