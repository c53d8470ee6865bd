/** The text that Prometheus scrapes (exposition format 0.0.4), with cAdvisor's names for containers. */
import type { ServiceView } from '../../contract/nouns';
import type { Counted } from './collector';
import { replicaLabels, serviceLabels } from './names';
import type { Labels } from './seam';

/** Prometheus 3 refuses a scrape without exactly such a type. */
export const expositionType = 'text/plain; version=0.0.4; charset=utf-8';

interface Family {
  name: string;
  kind: 'counter' | 'gauge';
  help: string;
  samples: { labels: Labels; value: number }[];
}

interface ContainerMetric {
  name: string;
  kind: Family['kind'];
  help: string;
  value: (sample: Counted['sample']) => number | undefined;
}

const containerMetrics: readonly ContainerMetric[] = [
  counter('container_cpu_usage_seconds_total', 'CPU time used.', ({ cpuNanos }) => cpuNanos / 1e9),
  counter('container_cpu_cfs_throttled_seconds_total', 'Time the CPU limit held it back.', ({ cpuThrottledNanos }) =>
    cpuThrottledNanos === undefined ? undefined : cpuThrottledNanos / 1e9,
  ),
  gauge('container_memory_working_set_bytes', 'Memory in use less inactive file cache.', ({ memory }) => memory),
  gauge(
    'container_spec_memory_limit_bytes',
    'Memory limit; 0 when there is none.',
    ({ memoryLimit }) => memoryLimit ?? 0,
  ),
  counter('container_network_receive_bytes_total', 'Bytes received.', ({ networkRx }) => networkRx),
  counter('container_network_transmit_bytes_total', 'Bytes sent.', ({ networkTx }) => networkTx),
  counter('container_fs_reads_bytes_total', 'Bytes read from block devices.', ({ blockRead }) => blockRead),
  counter('container_fs_writes_bytes_total', 'Bytes written to block devices.', ({ blockWrite }) => blockWrite),
  gauge('container_processes', 'Processes and threads.', ({ pids }) => pids),
  gauge('container_last_seen', 'When it was measured last, in seconds since the epoch.', ({ at }) => at / 1000),
];

function counter(name: string, help: string, value: ContainerMetric['value']): ContainerMetric {
  return { name, kind: 'counter', help, value };
}

function gauge(name: string, help: string, value: ContainerMetric['value']): ContainerMetric {
  return { name, kind: 'gauge', help, value };
}

export interface ExpositionInput {
  containers: readonly Counted[];
  services: readonly ServiceView[];
  /** Values that other rooms recorded. */
  pushed: readonly { metric: string; labels: Labels; value: number }[];
}

/** The whole page, ending in a line feed. */
export function exposition({ containers, services, pushed }: ExpositionInput): string {
  const families: Family[] = containerMetrics.map(({ name, kind, help, value }) => ({
    name,
    kind,
    help,
    samples: containers.flatMap((container) => {
      const found = value(container.sample);
      return found === undefined ? [] : [{ labels: containerLabels(container), value: found }];
    }),
  }));
  families.push(...serviceFamilies(services), ...pushedFamilies(pushed));
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(write)
    .join('');
}

function containerLabels({ sample, name, image, replica }: Counted): Labels {
  const labels = { id: `/docker/${sample.id}`, name, image };
  return replica === undefined ? labels : { ...labels, ...replicaLabels(replica) };
}

function serviceFamilies(services: readonly ServiceView[]): Family[] {
  const replicas = services.flatMap(({ replicaList }) => replicaList);
  const ofService = (name: string, help: string, value: (view: ServiceView) => number): Family => {
    const samples = services.map((view) => ({ labels: serviceLabels(view.key), value: value(view) }));
    return { name, kind: 'gauge', help, samples };
  };
  return [
    ofService('pilothouse_service_replicas_wanted', 'Replicas that should run.', (view) => view.replicas),
    ofService('pilothouse_service_replicas_ready', 'Replicas that are ready.', (view) => view.ready),
    {
      name: 'pilothouse_replica_restarts_total',
      kind: 'counter',
      help: 'Restarts since the replica was made.',
      samples: replicas.map((replica) => ({ labels: replicaLabels(replica.id), value: replica.restarts })),
    },
    {
      name: 'pilothouse_replica_ready',
      kind: 'gauge',
      help: '1 when the replica is ready.',
      samples: replicas.map((replica) => ({
        labels: replicaLabels(replica.id),
        value: replica.state === 'ready' ? 1 : 0,
      })),
    },
  ];
}

/** What other rooms recorded, under its own name with ours before it. */
function pushedFamilies(pushed: ExpositionInput['pushed']): Family[] {
  const families = new Map<string, Family>();
  for (const { metric, labels, value } of pushed) {
    const name = metric === 'ALERTS' ? metric : `pilothouse_${metric.replace(/[^a-zA-Z0-9_:]/g, '_')}`;
    const family = families.get(name) ?? { name, kind: 'gauge', help: 'Recorded by Pilothouse.', samples: [] };
    families.set(name, family);
    family.samples.push({ labels, value });
  }
  return [...families.values()];
}

function write({ name, kind, help, samples }: Family): string {
  const lines = samples.map(({ labels, value }) => `${name}${writeLabels(labels)} ${number(value)}\n`);
  // A name of hostile text may repeat; two equal series would fail the whole scrape.
  return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${[...unique(lines, samples)].join('')}`;
}

function unique(lines: readonly string[], samples: Family['samples']): string[] {
  const seen = new Set<string>();
  return lines.filter((_line, index) => {
    const key = writeLabels(samples[index]?.labels ?? {});
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function writeLabels(labels: Labels): string {
  const pairs = Object.entries(labels)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name.replace(/[^a-zA-Z0-9_]/g, '_')}="${escapeText(value)}"`);
  return pairs.length > 0 ? `{${pairs.join(',')}}` : '';
}

function escapeText(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}

function number(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : String(value);
}
