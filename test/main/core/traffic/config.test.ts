/** What is written for HAProxy is what was meant, and nothing that a file says can become a directive (S28). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gatewayConfig, UnsafeValue } from '../../../../src-main/core/traffic/config';
import type { Backend, GatewayModel, Server } from '../../../../src-main/core/traffic/model';

/** Reads back frontends, backends and servers, knowing nothing of how they were written. */
function parse(text: string): Pick<GatewayModel, 'frontends' | 'backends'> {
  const read: ReturnType<typeof parse> = { frontends: [], backends: [] };
  for (const section of text.split(/\n(?=\S)/)) {
    const [head = '', ...lines] = section.split('\n').map((line) => line.trim());
    const value = (keyword: string): string | undefined =>
      lines.find((line) => line.startsWith(`${keyword} `))?.slice(keyword.length + 1);
    const name = head.split(' ')[1] ?? '';
    const mode = value('mode') === 'http' ? 'http' : 'tcp';
    if (head.startsWith('frontend ') && name !== 'routes' && name !== 'sleeper') {
      const place = /^(?:\*|\[(.+)\]|([\d.]+)):(\d+)$/.exec(value('bind') ?? '');
      const address = place?.[1] ?? place?.[2];
      const backend = value('default_backend') ?? '';
      read.frontends.push({
        name,
        mode,
        backend,
        port: Number(place?.[3]),
        ...(address === undefined ? {} : { address }),
      });
    }
    if (!head.startsWith('backend ')) continue;
    const consistent = value('hash-type') === 'consistent';
    const check = /inter (\d+)ms .*rise (\d+) fall (\d+)/.exec(value('default-server') ?? '');
    const slow = /slowstart (\d+)ms/.exec(value('default-server') ?? '')?.[1];
    const hashOn = /^hdr\((.+)\)$/.exec(value('balance') ?? '')?.[1];
    const path = /uri (\S+)/.exec(value('http-check') ?? '')?.[1];
    const held = lines.map((line) =>
      /^(?:http-request|tcp-request content) lua\.hold(?:_stream)? (\S+) (\d+) if /.exec(line),
    );
    const hold = held.find((one) => one?.[1] === name)?.[2];
    read.backends.push({
      name,
      mode,
      algorithm: (consistent ? 'consistent-hash' : value('balance')) as Backend['algorithm'],
      sticky: value('cookie') !== undefined || value('stick') !== undefined,
      check: {
        interval: Number(check?.[1]),
        rise: Number(check?.[2]),
        fall: Number(check?.[3]),
        ...(path === undefined ? {} : { path }),
      },
      ...(hashOn === undefined ? {} : { hashOn }),
      ...(slow === undefined ? {} : { slowStart: Number(slow) }),
      ...(hold === undefined ? {} : { hold: Number(hold) }),
      servers: lines.flatMap((line): Server[] => {
        const found = /^server (\S+) (?:\[(.+)\]|([\d.]+)):(\d+) weight (\d+)(?: cookie \S+)?( disabled)?$/.exec(line);
        if (!found) return [];
        const port = Number(found[4]);
        const weight = Number(found[5]);
        const address = found[2] ?? found[3] ?? '';
        const state = found[6] ? 'maint' : 'ready';
        return [{ name: found[1] ?? '', state, weight, ...(port === 1 ? {} : { address, port }) }];
      }),
    });
  }
  return read;
}

const name = fc.stringMatching(/^[a-z0-9][a-z0-9_.:-]{0,40}$/);
const address = fc.oneof(fc.ipV4(), fc.constant('fd00::12'));
const port = fc.integer({ min: 2, max: 65_535 });
const server = (at: number): fc.Arbitrary<Server> =>
  fc.oneof(
    fc.constant<Server>({ name: `s${at}`, state: 'maint', weight: 100 }),
    fc.record({
      name: fc.constant(`s${at}`),
      state: fc.constantFrom('ready' as const, 'maint' as const),
      weight: fc.integer({ min: 0, max: 256 }),
      address,
      port,
    }),
  );
const backend = fc
  .record({
    name,
    mode: fc.constantFrom('tcp' as const, 'http' as const),
    algorithm: fc.constantFrom(
      'roundrobin' as const,
      'leastconn' as const,
      'source' as const,
      'static-rr' as const,
      'consistent-hash' as const,
    ),
    hashOn: fc.option(fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,20}$/), { nil: undefined }),
    path: fc.option(fc.stringMatching(/^\/[a-z0-9/]{0,20}$/), { nil: undefined }),
    slowStart: fc.option(fc.integer({ min: 0, max: 60_000 }), { nil: undefined }),
    hold: fc.option(fc.integer({ min: 1000, max: 600_000 }), { nil: undefined }),
    sticky: fc.boolean(),
    interval: fc.integer({ min: 100, max: 60_000 }),
    servers: fc.tuple(server(1), server(2), server(3)),
  })
  .map(({ hashOn, path, slowStart, hold, interval, ...rest }): Backend => ({
    ...rest,
    // Only what HTTP can look at is kept, as `desired` does.
    ...(rest.mode === 'http' && rest.algorithm === 'consistent-hash' && hashOn !== undefined ? { hashOn } : {}),
    ...(slowStart === undefined ? {} : { slowStart }),
    ...(hold === undefined ? {} : { hold }),
    check: { interval, rise: 2, fall: 3, ...(rest.mode === 'http' && path !== undefined ? { path } : {}) },
  }));
const model = fc
  .record({
    backends: fc.uniqueArray(backend, { selector: (one) => one.name, maxLength: 4 }),
    ports: fc.uniqueArray(port, { maxLength: 4 }),
    address: fc.option(address, { nil: undefined }),
  })
  .map(({ backends, ports, address: at }): GatewayModel => ({
    backends,
    routes: [],
    routePort: 80,
    securePort: 443,
    frontends: ports.map((one, index) => ({
      name: `port:${one}`,
      port: one,
      mode: 'tcp',
      backend: backends[index % Math.max(1, backends.length)]?.name ?? 'none',
      ...(at === undefined ? {} : { address: at }),
    })),
  }));

describe('gatewayConfig', () => {
  it('reads back as what it was made from', () => {
    fc.assert(
      fc.property(model, (given) => {
        const { frontends } = given;
        // Both are consistent hashes; without a header they are one and the same.
        const algorithm = (one: Backend): Backend['algorithm'] =>
          one.algorithm === 'source' ? 'consistent-hash' : one.algorithm;
        const backends = given.backends.map((one) => ({ ...one, algorithm: algorithm(one) }));
        expect(parse(gatewayConfig(given, 'abc'))).toEqual({ frontends, backends });
      }),
      { numRuns: 300 },
    );
  });

  it('has no Lua where nobody waits, and turns those away who waited in vain', () => {
    const one = (mode: 'tcp' | 'http', hold?: number): string => {
      const waits = hold === undefined ? {} : { hold };
      const check = { interval: 2000, rise: 2, fall: 3 };
      const usual = { name: 'shop:web:80', mode, algorithm: 'roundrobin', sticky: false, check, servers: [] } as const;
      const backends = [{ ...usual, ...waits, servers: [] }];
      return gatewayConfig({ frontends: [], backends, routes: [], routePort: 80, securePort: 443 }, 'abc');
    };
    expect(one('http')).not.toContain('lua');
    expect(one('http', 5000)).toMatch(
      /lua-load .*\n[^]*lua\.hold shop:web:80 5000 [^]*return status 503 .*Retry-After/,
    );
    expect(one('tcp', 5000)).toMatch(
      /inspect-delay 10000ms\n.*lua\.hold_stream shop:web:80 5000 .*\n.*content reject if/,
    );
    expect(() => one('tcp', 0.5)).toThrow(UnsafeValue);
  });

  it('answers 404 only after every route was tried', () => {
    const routes = [
      { host: 'web.shop.localhost', backend: 'shop:web:80' },
      { host: 'web.shop.localhost', pathPrefix: '/api', backend: 'shop:api:80' },
    ];
    const text = gatewayConfig({ frontends: [], backends: [], routes, routePort: 80, securePort: 443 }, 'abc');
    const section = text.slice(text.indexOf('frontend routes'), text.indexOf('\nbackend nobody'));
    // Rules of a frontend come before its backends are chosen: a `return` there would win over every route.
    expect(section).not.toContain('return');
    expect(section.indexOf('shop:api:80')).toBeLessThan(section.indexOf('shop:web:80'));
    expect(section.trimEnd().endsWith('default_backend nobody')).toBe(true);
  });

  it('ends TLS where a certificate is, on ports and on routes, and leads there where it is asked to', () => {
    const port = { name: 'port:8443', port: 8443, mode: 'http' as const, backend: 'shop:web:80' };
    const route = { host: 'web.shop.localhost', backend: 'shop:web:80' };
    const write = (securePort: number, redirect: boolean): string =>
      gatewayConfig(
        {
          frontends: [
            { ...port, certificate: 'shop/web' },
            { ...port, name: 'port:8080', port: 8080 },
          ],
          routes: [
            { ...route, certificate: 'mine', redirect },
            { ...route, host: 'plain.shop.localhost' },
          ],
          backends: [],
          ...{ routePort: 80, routeAddress: '127.0.0.1', securePort },
        },
        'abc',
      );
    const lines = write(443, false).split('\n');
    expect(lines).toContain('  bind *:8443 ssl crt /run/pilothouse/certificates/shop:web.pem');
    expect(lines).toContain('  bind *:8080');
    expect(lines).toContain('  bind 127.0.0.1:443 ssl strict-sni crt /run/pilothouse/certificates/');
    const secure = write(443, false).split('frontend secure-routes')[1]?.split('\nbackend')[0] ?? '';
    expect(secure).toContain('web.shop.localhost');
    expect(secure).not.toContain('plain.shop.localhost');
    expect(write(443, false)).not.toContain('redirect location');
    const to = 'http-request redirect location https://web.shop.localhost:8443%[pathq] code 308 if {';
    expect(write(8443, true).split(to)).toHaveLength(2);
    for (const bad of ['../x', 'a b', 'a\nb', 'a/b/c', ''])
      expect(() =>
        gatewayConfig(
          { frontends: [{ ...port, certificate: bad }], routes: [], backends: [], routePort: 80, securePort: 443 },
          'abc',
        ),
      ).toThrow(UnsafeValue);
  });

  it('refuses every value with a character that could begin a directive', () => {
    const nasty = fc.tuple(
      fc.string(),
      fc.constantFrom('\n', '\r', ' ', '#', '"', "'", '\\', '\t', '\0', '$', '{'),
      fc.string(),
    );
    fc.assert(
      fc.property(
        nasty,
        fc.constantFrom('name', 'host', 'pathPrefix', 'address', 'path'),
        ([before, bad, after], where) => {
          const value = `${before}${bad}${after}`;
          const safe: Backend = {
            name: where === 'name' ? value : 'web',
            mode: 'http',
            algorithm: 'roundrobin',
            sticky: false,
            check: { interval: 2000, rise: 2, fall: 3, ...(where === 'path' ? { path: value } : {}) },
            servers: [
              { name: 's1', state: 'ready', weight: 100, address: where === 'address' ? value : '10.0.0.1', port: 80 },
            ],
          };
          const routes = [
            {
              host: where === 'host' ? value : 'a.localhost',
              backend: 'web',
              ...(where === 'pathPrefix' ? { pathPrefix: value } : {}),
            },
          ];
          expect(() =>
            gatewayConfig({ frontends: [], backends: [safe], routes, routePort: 80, securePort: 443 }, 'abc'),
          ).toThrow(UnsafeValue);
        },
      ),
    );
  });
});
