import { describe, expect, it } from 'vitest';
import type { ProbeSpec } from '../../../../src-main/contract/spec';
import { reachOf } from '../../../../src-main/core/probes/reach';
import { afterResult, beginProbes, isDue, type Probes, type ProbeState } from '../../../../src-main/core/probes/state';
import type { ContainerDetail } from '../../../../src-main/core/engine';

const probe = (given: Partial<ProbeSpec> = {}): ProbeSpec => ({
  tcp: { port: 80 },
  initialDelay: 0,
  period: 10_000,
  timeout: 1000,
  successThreshold: 1,
  failureThreshold: 3,
  ...given,
});

/** `s+` and `s-` are answers of the startup probe, `r` readiness, `l` liveness; each a second after the one before. */
function run(probes: Probes, answers: string): ProbeState {
  const kinds = { s: 'startup', r: 'readiness', l: 'liveness' } as const;
  return answers
    .split(' ')
    .filter(Boolean)
    .reduce(
      (state, answer, at) => {
        const kind = kinds[answer[0] as keyof typeof kinds];
        return afterResult(probes, state, kind, { ok: answer[1] === '+', output: answer, at: at * 1000 });
      },
      beginProbes(probes, 0),
    );
}

describe('probes', () => {
  it('readiness begins as no and turns at its thresholds, both ways', () => {
    const probes = { readiness: probe({ successThreshold: 2, failureThreshold: 2 }) };
    expect(run(probes, '').verdict).toEqual({ started: true, ready: false });
    expect(run(probes, 'r+').verdict.ready).toBe(false);
    expect(run(probes, 'r+ r- r+').verdict.ready).toBe(false);
    expect(run(probes, 'r+ r+').verdict).toEqual({ started: true, ready: true, readyAt: 1000 });
    expect(run(probes, 'r+ r+ r-').verdict).toMatchObject({
      ready: true,
      failing: { kind: 'readiness', output: 'r-' },
    });
    expect(run(probes, 'r+ r+ r- r+ r-').verdict.ready).toBe(true);
    expect(run(probes, 'r+ r+ r- r-').verdict.ready).toBe(false);
    expect(run(probes, 'r+ r+ r- r- r+ r+').verdict).toEqual({ started: true, ready: true, readyAt: 5000 });
  });

  it('liveness begins as yes and ends the container at its threshold, not before', () => {
    const probes = { liveness: probe() };
    expect(run(probes, '').verdict).toMatchObject({ ready: true });
    expect(run(probes, 'l- l- l+ l- l-').verdict.dead).toBeUndefined();
    expect(run(probes, 'l- l- l-').verdict).toMatchObject({ dead: 'liveness', ready: false });
    expect(run(probes, 'l- l- l- l+').verdict).toMatchObject({ started: true, ready: true });
  });

  it('asks nothing else until the startup probe has succeeded', () => {
    const probes = { startup: probe({ failureThreshold: 2 }), readiness: probe(), liveness: probe() };
    const begun = run(probes, '');
    expect([isDue(begun, 'startup'), isDue(begun, 'readiness'), isDue(begun, 'liveness')]).toEqual([
      true,
      false,
      false,
    ]);
    expect(run(probes, 's- s-').verdict).toMatchObject({ dead: 'startup', started: false });
    const started = run(probes, 's- s+');
    expect([isDue(started, 'startup'), isDue(started, 'readiness'), isDue(started, 'liveness')]).toEqual([
      false,
      true,
      true,
    ]);
    expect(started.verdict).toEqual({ started: true, ready: false });
    expect(run(probes, 's+ r+').verdict.ready).toBe(true);
    expect(run({ startup: probe() }, 's+').verdict.ready).toBe(true);
  });
});

describe('the way to a container', () => {
  const detail = (given: Partial<ContainerDetail>): ContainerDetail =>
    ({ networks: {}, ports: [], ...given }) as ContainerDetail;
  const network = (address: string): ContainerDetail['networks'][string] => ({ networkId: '', address, aliases: [] });

  it('is its own address where that can be dialled, else what it publishes', () => {
    const both = detail({
      networks: { shop: network('172.18.0.2') },
      ports: [{ target: 80, protocol: 'tcp', hostIp: '0.0.0.0', published: 8080 }],
    });
    expect(reachOf(both, 80, true)).toEqual({ host: '172.18.0.2', port: 80, via: 'address' });
    expect(reachOf(both, 80, false)).toEqual({ host: '127.0.0.1', port: 8080, via: 'published' });
    expect(reachOf(both, 81, false)).toBeUndefined();
    expect(reachOf(detail({ networks: { host: network('') } }), 80, true)?.host).toBe('127.0.0.1');
    expect(reachOf(detail({ networks: { none: network('') } }), 80, true)).toBeUndefined();
  });
});
