/** The typed `x-pilothouse` section back to its YAML shape. */
import type { PilothouseSpec, ProbeSpec, ScaleRules } from '../../contract/spec';
import type { Plain } from './toYaml';
import { durationText } from './units';

/** The section as plain data; undefined fields are for the caller to drop. */
export function renderPilothouse(section: PilothouseSpec): Plain {
  const { probes, rollout, autoscale, traffic } = section;
  return {
    probes: probes && {
      startup: probe(probes.startup),
      readiness: probe(probes.readiness),
      liveness: probe(probes.liveness),
    },
    rollout: rollout && {
      strategy: rollout.strategy,
      surge: rollout.surge,
      unavailable: rollout.unavailable,
      min_ready: duration(rollout.minReady),
      progress_deadline: duration(rollout.progressDeadline),
      steps: rollout.steps?.map((step) => ({ weight: step.weight, pause: duration(step.pause) })),
      analysis: rollout.analysis && {
        max_error_ratio: rollout.analysis.maxErrorRatio,
        max_p95: duration(rollout.analysis.maxP95),
        min_requests: rollout.analysis.minRequests,
      },
    },
    autoscale: autoscale && {
      min: autoscale.min,
      max: autoscale.max,
      metrics: autoscale.metrics,
      behavior: autoscale.behavior && {
        scale_up: rules(autoscale.behavior.scaleUp),
        scale_down: rules(autoscale.behavior.scaleDown),
      },
      idle_after: duration(autoscale.idleAfter),
      wake_timeout: duration(autoscale.wakeTimeout),
    },
    schedules: section.schedules,
    traffic: traffic && {
      mode: traffic.mode,
      algorithm: traffic.algorithm,
      route: traffic.route && {
        host: traffic.route.host,
        port: traffic.route.port,
        path_prefix: traffic.route.pathPrefix,
      },
      sticky: traffic.sticky,
      slow_start: duration(traffic.slowStart),
      drain: duration(traffic.drain),
      hash_on: traffic.hashOn,
      check: traffic.check && { ...traffic.check, interval: duration(traffic.check.interval) },
      tls: traffic.tls,
    },
    priority: section.priority,
    warm_spares: section.warmSpares,
    stateful: section.stateful,
    checkpoint: section.checkpoint,
    spread: section.spread,
    tolerations: section.tolerations,
    affinity: section.affinity,
    config: section.config,
    certificates: section.certificates,
  };
}

function probe(spec: ProbeSpec | undefined): Plain | undefined {
  if (spec === undefined) return undefined;
  return {
    http: spec.http,
    tcp: spec.tcp,
    exec: spec.exec,
    initial_delay: duration(spec.initialDelay),
    period: duration(spec.period),
    timeout: duration(spec.timeout),
    success_threshold: spec.successThreshold,
    failure_threshold: spec.failureThreshold,
  };
}

function rules(spec: ScaleRules | undefined): Plain | undefined {
  if (spec === undefined) return undefined;
  return {
    stabilization: duration(spec.stabilization),
    tolerance: spec.tolerance,
    select_policy: spec.selectPolicy,
    policies: spec.policies?.map((policy) => ({ ...policy, period: duration(policy.period) })),
  };
}

function duration(milliseconds: number | undefined): string | undefined {
  return milliseconds === undefined ? undefined : durationText(milliseconds);
}
