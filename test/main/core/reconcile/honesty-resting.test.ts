/** A plan says which services cannot go to zero when idle although they should, and why. */
import { expect, it } from 'vitest';
import type { PortSpec } from '../../../../src-main/contract/spec';
import { honesty } from '../../../../src-main/core/reconcile/honesty';
import { stackSpec } from './bench';

type Services = Parameters<typeof stackSpec>[1];
const autoscale = { min: 1, max: 3, metrics: [], idleAfter: 60_000 };
const port = (protocol: PortSpec['protocol'] = 'tcp'): PortSpec => ({
  target: 80,
  protocol,
  published: { from: 8080, to: 8080 },
  mode: 'ingress',
});
const web = { ports: [port()], pilothouse: { autoscale } };
const said = (services: Services, gateway = true): [string | undefined, string][] =>
  honesty(stackSpec('shop', services), { gateway, known: true }).warnings.map(({ where, message }) => [
    where?.path,
    message,
  ]);

it('nothing is said of those that can', () => {
  expect(said({ web })).toEqual([]);
  expect(said({ web, db: {} })).toEqual([]);
});

it.each([
  [{ web: { ...web, ports: [port(), port('udp')] } }, true, 'port 8080 is not published by the gateway'],
  [{ web: { ...web, ports: [] } }, true, 'the gateway leads to none of its ports'],
  [{ web }, false, 'this engine runs no gateway that could hold a request'],
  [
    {
      web,
      shop: {
        dependsOn: [{ service: 'web', condition: 'service_started' as const, restart: false, required: true }],
      },
    },
    true,
    'shop depends on it and calls it by its name, where nobody could hold a call',
  ],
] as [Services, boolean, string][])('%# says why', (services, gateway, why) => {
  expect(said(services, gateway)).toContainEqual([
    'services.web.x-pilothouse.autoscale.idle_after',
    `web does not go to zero when idle: ${why}`,
  ]);
});
