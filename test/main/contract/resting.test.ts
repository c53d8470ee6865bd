/** What may go to zero when nobody asks, and why the rest may not. */
import { describe, expect, it } from 'vitest';
import { callersOf, restingOf, type RestFacts } from '../../../src-main/contract/resting';
import type { AutoscaleSpec, PortSpec, ServiceSpec } from '../../../src-main/contract/spec';
import { serviceSpec } from '../../support/builders';

const policy: AutoscaleSpec = { min: 1, max: 3, metrics: [], idleAfter: 600_000 };
const port = (more: Partial<PortSpec> = {}): PortSpec => ({
  target: 80,
  protocol: 'tcp',
  published: { from: 8080, to: 8080 },
  mode: 'ingress',
  ...more,
});
const facts: RestFacts = { policy, wanted: { replicas: 1 }, gateway: true, callers: [] };
const spec = (more: Partial<ServiceSpec> = {}): ServiceSpec =>
  serviceSpec({ ports: [port()], pilothouse: { autoscale: policy }, ...more });
const why = (of: ServiceSpec, more: Partial<RestFacts> = {}): string | undefined => {
  const rests = restingOf(of, { ...facts, ...more });
  return rests && ('why' in rests ? rests.why.code : 'rests');
};

describe('a service may rest', () => {
  it('when the gateway leads to all of it; requests wait a minute unless it says otherwise', () => {
    expect(restingOf(spec(), facts)).toEqual({ idleAfter: 600_000, hold: 60_000 });
    expect(restingOf(spec(), { ...facts, policy: { ...policy, wakeTimeout: 5000 } })).toMatchObject({ hold: 5000 });
    const route = {
      autoscale: policy,
      traffic: { mode: 'http', algorithm: 'roundrobin', route: { port: 80 } },
    } as const;
    expect(why(spec({ ports: [], pilothouse: route }))).toBe('rests');
  });

  it('only when it is to', () => {
    const { idleAfter: _, ...other } = policy;
    expect(why(spec(), { policy: other })).toBeUndefined();
    expect(why(spec(), { policy: undefined })).toBeUndefined();
  });

  it.each([
    ['a service without a count', spec({ deploy: { ...serviceSpec().deploy, mode: 'global' } }), {}, 'rest.mode'],
    ['an engine without a gateway', spec(), { gateway: false }, 'rest.noGateway'],
    ['one that another calls by its name', spec(), { callers: ['web'] }, 'rest.called'],
    ['a port of UDP', spec({ ports: [port(), port({ protocol: 'udp' })] }), {}, 'rest.port'],
    ['a port that its replicas bind', spec({ ports: [port(), port({ mode: 'host' })] }), {}, 'rest.port'],
    ['a range of ports', spec({ ports: [port({ published: { from: 80, to: 89 } })] }), {}, 'rest.port'],
    [
      'a port that the engine picks',
      spec({ ports: [{ target: 80, protocol: 'tcp', mode: 'ingress' }] }),
      {},
      'rest.port',
    ],
    ['no port at all', spec({ ports: [] }), {}, 'rest.unreachable'],
    ['the network of the machine', spec({ networkMode: 'host' }), {}, 'rest.port'],
    ['one that is not behind the gateway', spec({ pilothouse: {} }), {}, 'rest.direct'],
  ] as const)('but not %s', (_name, of, more, code) => {
    expect(why(of, more)).toBe(code);
  });
});

it('callers are those that depend on it, or live in its network', () => {
  const needs = (service: string): ServiceSpec =>
    serviceSpec({ dependsOn: [{ service, condition: 'service_started', restart: false, required: true }] });
  const stack = Object.entries({
    api: serviceSpec(),
    web: needs('api'),
    job: needs('web'),
    proxy: serviceSpec({ networkMode: 'service:api' }),
  });
  expect(callersOf('api', stack)).toEqual(['proxy', 'web']);
  expect(callersOf('proxy', stack)).toEqual([]);
});
