/** What services with TLS want of the gateway: encrypted, or closed until they can be. */
import { describe, expect, it } from 'vitest';
import type { PortSpec, ServiceSpec, TrafficSpec } from '../../../../src-main/contract/spec';
import { desiredOf, portKey, type Desired } from '../../../../src-main/core/traffic/desired';
import type { ServiceRow } from '../../../../src-main/core/store';
import { serviceSpec } from '../../../support/builders';

const key = 'shop/web';
const port = (from: number): PortSpec => ({
  ...{ target: 8080, protocol: 'tcp', mode: 'ingress', published: { from, to: from } },
});

function desired(tls: NonNullable<TrafficSpec['tls']>, certificates: string[]): Desired {
  const traffic: TrafficSpec = { mode: 'http', algorithm: 'roundrobin', route: { port: 8080 }, tls };
  const spec: ServiceSpec = serviceSpec({ ports: [port(8443), port(8000)], pilothouse: { traffic } });
  const row = { key, stack: 'shop', name: 'web', replicas: 2, createdAt: 1 } as ServiceRow;
  return desiredOf([{ row, spec }], { ports: new Set(), routes: new Set() }, new Set(certificates));
}
const served = ({ frontends }: Desired): [number, string | undefined][] =>
  frontends.map((one) => [one.port, one.certificate]);

describe('TLS of a service', () => {
  it('is ended on all its ports and its route, or on those that it names', () => {
    expect(served(desired({}, [key]))).toEqual([
      [8443, key],
      [8000, key],
    ]);
    const some = desired({ ports: [8443], redirect: true }, [key]);
    expect(served(some)).toEqual([
      [8443, key],
      [8000, undefined],
    ]);
    expect(some.routes).toMatchObject([{ host: 'web.shop.localhost', certificate: key, redirect: true }]);
  });

  it('waits for its certificate, closed rather than in the clear', () => {
    const waiting = desired({ ports: [8443] }, []);
    expect(served(waiting)).toEqual([[8000, undefined]]);
    expect(waiting.problems.get(portKey(key, 8443))).toMatchObject({ code: 'traffic.certificateWaits' });
    expect(waiting.routes).toMatchObject([{ host: 'web.shop.localhost' }]);
    expect(waiting.routes[0]).not.toHaveProperty('certificate');
    expect(desired({ redirect: true }, []).routes).toEqual([]);
    const named = desired({ certificate: 'mine' }, [key]);
    expect(served(named)).toEqual([]);
    expect(named.problems.get(portKey(key, 8000))).toMatchObject({ code: 'traffic.certificateMissing' });
  });
});
