/** Metric ids, their units, and the labels that tell series apart. The table for people is in README.md. */
import type { SeriesView } from '../../contract/nouns';
import type { Labels } from './seam';

const units: Readonly<Record<string, SeriesView['unit']>> = {
  cpu: 'cores',
  cpu_throttled: 'cores',
  memory: 'bytes',
  memory_limit: 'bytes',
  network_rx: 'bytes/s',
  network_tx: 'bytes/s',
  block_read: 'bytes/s',
  block_write: 'bytes/s',
  pids: 'count',
  restarts: 'count',
  ready: 'count',
  unhealthy: 'count',
  oom_killed: 'count',
  service_wanted: 'count',
  service_ready: 'count',
  gateway_requests: 'count/s',
  gateway_errors: 'count/s',
  gateway_latency_p50: 'ms',
  gateway_latency_p95: 'ms',
  engine_cpu: 'cores',
  engine_memory: 'bytes',
  engine_containers: 'count',
  disk_free_bytes: 'bytes',
  disk_size_bytes: 'bytes',
};

/** Others than the room's own say their unit by the end of their name, as Prometheus has it. */
const endings: readonly [string, SeriesView['unit']][] = [
  ['_bytes_per_second', 'bytes/s'],
  ['_per_second', 'count/s'],
  ['_bytes', 'bytes'],
  ['_ratio', 'ratio'],
  ['_milliseconds', 'ms'],
  ['_count', 'count'],
];

export function unitOf(metric: string): SeriesView['unit'] {
  return units[metric] ?? endings.find(([ending]) => metric.endsWith(ending))?.[1] ?? 'none';
}

/** Equal for equal metrics and labels, whatever their order. */
export function seriesKey(metric: string, labels: Labels): string {
  const pairs = Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1));
  return `${metric}\u0000${pairs.map(([name, value]) => `${name}\u0001${value}`).join('\u0002')}`;
}

/** The labels of a replica `<stack>/<service>.<slot>`. */
export function replicaLabels(replica: string): Labels {
  const service = replica.slice(0, replica.lastIndexOf('.'));
  return { stack: stackOf(service), service, replica };
}

/** The labels of a service `<stack>/<service>`. */
export function serviceLabels(service: string): Labels {
  return { stack: stackOf(service), service };
}

function stackOf(service: string): string {
  return service.slice(0, service.indexOf('/'));
}
