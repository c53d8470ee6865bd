import { describe, expect, it } from 'vitest';
import type { ServiceView } from '../../../../src-main/contract/nouns';
import { exposition } from '../../../../src-main/core/metrics/exposition';

const sample = {
  id: 'abc',
  at: 1_767_600_000_500,
  cpuNanos: 1_500_000_000,
  memory: 1024,
  networkRx: 10,
  networkTx: 20,
  blockRead: 0,
  blockWrite: 5,
  pids: 3,
};
const service = {
  key: 'shop/web',
  stack: 'shop',
  replicas: 2,
  ready: 1,
  replicaList: [{ id: 'shop/web.1', stack: 'shop', service: 'web', restarts: 4, state: 'ready' }],
} as ServiceView;

describe('the exposition', () => {
  it('has one help and type per metric, sorted together, and ends in a line feed', () => {
    const container = { sample, name: 'shop.web.1.g1', image: 'web:1', replica: 'shop/web.1' };
    const text = exposition({
      containers: [container, { ...container, sample: { ...sample, id: 'def' }, replica: undefined }],
      services: [service],
      pushed: [],
    });
    expect(text.endsWith('\n')).toBe(true);
    expect(text).toContain(
      '# TYPE container_cpu_usage_seconds_total counter\ncontainer_cpu_usage_seconds_total{id="/docker/abc",name="shop.web.1.g1",image="web:1",stack="shop",service="shop/web",replica="shop/web.1"} 1.5\ncontainer_cpu_usage_seconds_total{id="/docker/def"',
    );
    expect(text).toContain('pilothouse_service_replicas_ready{stack="shop",service="shop/web"} 1\n');
    expect(text).toContain(
      'pilothouse_replica_restarts_total{stack="shop",service="shop/web",replica="shop/web.1"} 4\n',
    );
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(text).not.toContain('throttled');
  });

  it('escapes what is hostile and never writes a series twice', () => {
    const odd = { sample, name: 'a"b\\c\nd', image: '', replica: undefined };
    const text = exposition({
      containers: [odd, odd],
      services: [],
      pushed: [
        { metric: 'gateway errors', labels: { 'bad label': '1' }, value: Infinity },
        { metric: 'ALERTS', labels: { alertname: 'x' }, value: 1 },
      ],
    });
    expect(text).toContain('container_processes{id="/docker/abc",name="a\\"b\\\\c\\nd"} 3\n');
    expect(text.match(/^container_processes/gm)).toHaveLength(1);
    expect(text).toContain('pilothouse_gateway_errors{bad_label="1"} +Inf\n');
    expect(text).toContain('\nALERTS{alertname="x"} 1\n');
    expect(text.split('\n').every((line) => line === '' || /^(#|[a-zA-Z_])/.test(line))).toBe(true);
  });

  it('is empty when there is nothing', () => {
    expect(exposition({ containers: [], services: [], pushed: [] })).toBe('');
  });
});
