/** `x-pilothouse`: what Compose cannot say. Its shape is checked by resources/schema/x-pilothouse.json before it is read here. */
import type {
  AutoscaleMetric,
  AutoscaleSpec,
  CheckpointSpec,
  CertificateBinding,
  ConfigBinding,
  PilothouseSpec,
  ProbeSpec,
  RolloutSpec,
  ScaleRules,
  TrafficSpec,
} from '../../contract/spec';
import { holdBounds, idleBounds } from '../../contract/resting';
import type { Cursor } from './cursor';
import { choice } from './serviceDeploy';
import { fileMode } from './serviceMounts';
import { splitWords } from './shellWords';
import { durationText, parseBytes, parseDuration } from './units';

type Schedule = NonNullable<PilothouseSpec['schedules']>[number];
type Toleration = NonNullable<PilothouseSpec['tolerations']>[number];
type Affinity = NonNullable<PilothouseSpec['affinity']>[number];

/** Reads a service's section, which already holds what the project's `defaults` gave it. Absent parts stay absent. */
export function readPilothouse(section: Cursor): PilothouseSpec {
  const probes = section.get('probes');
  return dropAbsent<PilothouseSpec>({
    probes: probes.given
      ? dropAbsent({
          startup: readProbe(probes.get('startup')),
          readiness: readProbe(probes.get('readiness')),
          liveness: readProbe(probes.get('liveness')),
        })
      : undefined,
    rollout: readRollout(section.get('rollout')),
    autoscale: readAutoscale(section.get('autoscale')),
    schedules: list(section.get('schedules'), readSchedule),
    traffic: readTraffic(section.get('traffic')),
    priority: section.get('priority').number(),
    warmSpares: section.get('warm_spares').integer(),
    stateful: section.get('stateful').boolean(),
    checkpoint: readCheckpoint(section.get('checkpoint')),
    spread: section.get('spread').boolean(),
    tolerations: list(section.get('tolerations'), readToleration),
    affinity: list(section.get('affinity'), readAffinity),
    config: list(section.get('config'), readBinding),
    certificates: list(section.get('certificates'), readCertificate),
  });
}

/** `checkpoint: live` is short for `checkpoint: {mode: live}`. */
function readCheckpoint(checkpoint: Cursor): CheckpointSpec | undefined {
  if (!checkpoint.given) return undefined;
  const modes = ['stopped', 'live'] as const;
  if (checkpoint.text() !== undefined) return { mode: choice(checkpoint, modes) ?? 'stopped', keep: 3 };
  return {
    mode: choice(checkpoint.get('mode'), modes) ?? 'stopped',
    keep: checkpoint.get('keep').integer(1) ?? 3,
  };
}

/** Kubernetes' defaults (protocols.md D6): every 10 s, 1 s to answer, 1 good answer, 3 bad ones, no delay. */
function readProbe(probe: Cursor): ProbeSpec | undefined {
  if (!probe.given) return undefined;
  const [http, tcp, exec] = [probe.get('http'), probe.get('tcp'), probe.get('exec')];
  if ([http, tcp, exec].filter((each) => each.given).length !== 1)
    probe.report.problem('compose.probeKind', {}, probe.spot);
  return dropAbsent<ProbeSpec>({
    http: http.given
      ? {
          port: http.get('port').integer(1) ?? 80,
          path: http.get('path').text() ?? '/',
          scheme: choice(http.get('scheme'), ['http', 'https'] as const) ?? 'http',
          headers: http.get('headers').record(),
        }
      : undefined,
    tcp: tcp.given ? { port: tcp.get('port').integer(1) ?? 80 } : undefined,
    exec: exec.given ? { command: commandOf(exec.get('command')) } : undefined,
    initialDelay: probe.get('initial_delay').duration() ?? 0,
    period: probe.get('period').duration() ?? 10_000,
    timeout: probe.get('timeout').duration() ?? 1000,
    successThreshold: probe.get('success_threshold').integer(1) ?? 1,
    failureThreshold: probe.get('failure_threshold').integer(1) ?? 3,
  });
}

function commandOf(command: Cursor): string[] {
  const text = command.text();
  return text === undefined ? command.texts() : splitWords(text).words;
}

function readRollout(rollout: Cursor): RolloutSpec | undefined {
  if (!rollout.given) return undefined;
  const analysis = rollout.get('analysis');
  const surge = share(rollout.get('surge'));
  const unavailable = share(rollout.get('unavailable'));
  if ((surge === 0 || surge === '0%') && (unavailable === 0 || unavailable === '0%')) {
    rollout.report.problem('compose.rolloutStuck', {}, rollout.get('surge').spot);
  }
  return dropAbsent<RolloutSpec>({
    strategy: choice(rollout.get('strategy'), ['rolling', 'recreate', 'canary', 'blue-green'] as const) ?? 'rolling',
    surge,
    unavailable,
    minReady: rollout.get('min_ready').duration(),
    progressDeadline: rollout.get('progress_deadline').duration(),
    steps: list(rollout.get('steps'), (step) =>
      dropAbsent({ weight: step.get('weight').number() ?? 0, pause: step.get('pause').duration() }),
    ),
    analysis: analysis.given
      ? dropAbsent({
          maxErrorRatio: analysis.get('max_error_ratio').number(),
          maxP95: analysis.get('max_p95').duration(),
          minRequests: analysis.get('min_requests').integer(),
        })
      : undefined,
  });
}

/** A count, or a share such as `25%`. */
function share(cursor: Cursor): number | string | undefined {
  const text = cursor.text();
  if (text === undefined) return undefined;
  return /^\d{1,3}%$/.test(text) ? text : cursor.integer();
}

function readAutoscale(autoscale: Cursor): AutoscaleSpec | undefined {
  if (!autoscale.given) return undefined;
  const min = autoscale.get('min').integer() ?? 1;
  const max = autoscale.get('max').integer(1) ?? Math.max(min, 1);
  if (min > max) autoscale.report.problem('compose.minOverMax', { min, max }, autoscale.get('min').spot);
  const metrics = autoscale.get('metrics').items().map(readMetric);
  const behavior = autoscale.get('behavior');
  return dropAbsent<AutoscaleSpec>({
    min,
    max,
    // HPA's own default: 80 % of the CPU reservation.
    metrics: metrics.length > 0 ? metrics : [{ metric: 'cpu', type: 'Utilization', target: 80 }],
    behavior: behavior.given
      ? dropAbsent({ scaleUp: readRules(behavior.get('scale_up')), scaleDown: readRules(behavior.get('scale_down')) })
      : undefined,
    idleAfter: within(autoscale.get('idle_after'), idleBounds),
    wakeTimeout: within(autoscale.get('wake_timeout'), holdBounds),
  });
}

/** A duration that is neither shorter nor longer than is allowed. */
function within(cursor: Cursor, { least, most }: { least: number; most: number }): number | undefined {
  const value = cursor.duration();
  if (value !== undefined && (value < least || value > most)) {
    const bounds = { value: cursor.text() ?? '', least: durationText(least), most: durationText(most) };
    cursor.report.problem('compose.durationBounds', bounds, cursor.spot);
  }
  return value;
}

function readMetric(item: Cursor): AutoscaleMetric {
  const metric = item.get('metric').text() ?? 'cpu';
  const usual =
    metric === 'cpu' || metric === 'memory' ? 'Utilization' : metric === 'latency' ? 'Value' : 'AverageValue';
  const type = choice(item.get('type'), ['Utilization', 'AverageValue', 'Value'] as const) ?? usual;
  const target = item.get('target');
  const text = target.text() ?? '';
  const value = /^\d+(\.\d+)?%$/.test(text)
    ? Number(text.slice(0, -1))
    : ((/^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined) ??
      (metric === 'latency' ? parseDuration(text) : undefined) ??
      parseBytes(text));
  if (value === undefined || value <= 0) target.report.problem('compose.badNumber', { value: text }, target.spot);
  return { metric, type, target: value ?? 1 };
}

function readRules(rules: Cursor): ScaleRules | undefined {
  if (!rules.given) return undefined;
  return dropAbsent<ScaleRules>({
    stabilization: rules.get('stabilization').duration(),
    tolerance: rules.get('tolerance').number(),
    selectPolicy: choice(rules.get('select_policy'), ['Max', 'Min', 'Disabled'] as const),
    policies: list(rules.get('policies'), (policy) => ({
      type: choice(policy.get('type'), ['Replicas', 'Percent'] as const) ?? 'Replicas',
      value: policy.get('value').integer(1) ?? 1,
      period: policy.get('period').duration() ?? 15_000,
    })),
  });
}

function readSchedule(item: Cursor): Schedule {
  return dropAbsent<Schedule>({
    cron: item.get('cron').text() ?? '',
    replicas: item.get('replicas').integer(),
    min: item.get('min').integer(),
    max: item.get('max').integer(),
    timezone: item.get('timezone').text(),
  });
}

function readTraffic(traffic: Cursor): TrafficSpec | undefined {
  if (!traffic.given) return undefined;
  const [route, check, tls] = [traffic.get('route'), traffic.get('check'), traffic.get('tls')];
  const mode = choice(traffic.get('mode'), ['tcp', 'http'] as const) ?? (route.given ? 'http' : 'tcp');
  if (route.given && mode === 'tcp') traffic.report.problem('compose.routeNeedsHttp', {}, traffic.get('mode').spot);
  return dropAbsent<TrafficSpec>({
    mode,
    algorithm:
      choice(traffic.get('algorithm'), [
        'roundrobin',
        'leastconn',
        'source',
        'consistent-hash',
        'static-rr',
      ] as const) ?? 'roundrobin',
    route: route.given
      ? dropAbsent({
          host: route.get('host').text(),
          port: route.get('port').integer(1) ?? 80,
          pathPrefix: route.get('path_prefix').text(),
        })
      : undefined,
    sticky: traffic.get('sticky').boolean(),
    slowStart: traffic.get('slow_start').duration(),
    drain: traffic.get('drain').duration(),
    hashOn: traffic.get('hash_on').text(),
    check: check.given
      ? dropAbsent({
          path: check.get('path').text(),
          interval: check.get('interval').duration() ?? 2000,
          rise: check.get('rise').integer(1) ?? 2,
          fall: check.get('fall').integer(1) ?? 3,
        })
      : undefined,
    tls: tls.given
      ? dropAbsent({
          certificate: tls.get('certificate').text(),
          names: tls.get('names').given ? tls.get('names').texts() : undefined,
          ports: list(tls.get('ports'), (item) => item.integer(1) ?? 0),
          redirect: tls.get('redirect').boolean(),
        })
      : undefined,
  });
}

function readToleration(item: Cursor): Toleration {
  return dropAbsent<Toleration>({
    key: item.get('key').text() ?? '',
    operator:
      choice(item.get('operator'), ['Equal', 'Exists'] as const) ?? (item.get('value').given ? 'Equal' : 'Exists'),
    value: item.get('value').text(),
    effect: choice(item.get('effect'), ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const),
  });
}

function readAffinity(item: Cursor): Affinity {
  return dropAbsent<Affinity>({
    with: item.get('with').given ? item.get('with').texts() : undefined,
    against: item.get('against').given ? item.get('against').texts() : undefined,
    weight: item.get('weight').number(),
    required: item.get('required').boolean(),
  });
}

function readBinding(item: Cursor): ConfigBinding {
  const [source, name, target] = [item.get('source').text(), item.get('item').text(), item.get('target').text()];
  const whole = source === undefined ? name !== undefined && target !== undefined : name === undefined && !target;
  if (!whole) item.report.problem('compose.configBinding', {}, item.spot);
  return dropAbsent<ConfigBinding>({
    source,
    item: name,
    target,
    uid: item.get('uid').text(),
    gid: item.get('gid').text(),
    mode: fileMode(item.get('mode')),
    ...readAnnouncement(item),
  });
}

function readCertificate(item: Cursor): CertificateBinding {
  return dropAbsent<CertificateBinding>({
    name: item.get('name').text(),
    cert: item.get('cert').text(),
    key: item.get('key').text(),
    ca: item.get('ca').text(),
    pem: item.get('pem').text(),
    uid: item.get('uid').text(),
    gid: item.get('gid').text(),
    mode: fileMode(item.get('mode')),
    ...readAnnouncement(item),
  });
}

/** How the program hears of it: by a signal, by a command, or not at all. */
function readAnnouncement(item: Cursor): { signal?: string; exec?: string[] } {
  const signal = item.get('signal').text();
  const exec = item.get('exec');
  if (signal !== undefined && exec.given) item.report.problem('compose.configAnnounce', {}, item.spot);
  return dropAbsent({
    signal: signal === undefined || signal.startsWith('SIG') ? signal : `SIG${signal}`,
    exec: exec.given ? exec.texts() : undefined,
  }) as { signal?: string; exec?: string[] };
}

function list<Item>(cursor: Cursor, read: (item: Cursor) => Item): Item[] | undefined {
  return cursor.given ? cursor.items().map(read) : undefined;
}

function dropAbsent<Shape extends object>(shape: Shape): Shape {
  return Object.fromEntries(Object.entries(shape).filter(([, value]) => value !== undefined)) as Shape;
}
