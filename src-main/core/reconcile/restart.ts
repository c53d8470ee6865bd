/**
 * Who restarts what. The engine's own restart policy is the net below us that works while the app is closed; it restarts crashed
 * processes in place. We start or replace what it does not: containers killed, stopped or removed by hand, dead ones, failed starts,
 * unhealthy ones. With explicit `delay`, `max_attempts` or `window` we own restarts wholly, since no engine policy can say those.
 */
import { hash32 } from '../../base/random';
import { hasMemoryFiles } from '../../contract/certificateFiles';
import type { ServiceSpec } from '../../contract/spec';
import type { CreateContainer, EngineCapabilities } from '../engine';

/** What to do when a service's process ends. Times in milliseconds. */
export interface RestartRule {
  condition: 'none' | 'on-failure' | 'any';
  owner: 'engine' | 'pilothouse';
  delay: number;
  /** A run that lasts so long is a success and clears the count. */
  window: number;
  maxAttempts?: number;
}

/** The engine forgets a crash after so long a run, and so do we. */
export const steadyAfter = 10_000;

/**
 * The restart rule of a service. Without any `restart` in the file a service is orchestrated and its replicas come back (`any`);
 * a job runs once, or again on failure when the file says so.
 */
export function restartRule(
  spec: ServiceSpec,
  job: boolean,
  capabilities: Pick<EngineCapabilities, 'restartPolicy'>,
): RestartRule {
  const policy = spec.deploy.restartPolicy;
  const window = Math.max(steadyAfter, policy?.window ?? 0);
  const rule = (
    condition: RestartRule['condition'],
    owner: RestartRule['owner'],
    maxAttempts?: number,
  ): RestartRule => ({
    condition,
    // Its secrets are in memory and go with each end: only we can bring them back before the next start.
    owner: capabilities.restartPolicy && !hasMemoryFiles(spec) ? owner : 'pilothouse',
    delay: policy?.delay ?? 0,
    window,
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
  });
  if (job) {
    const again = policy ? policy.condition !== 'none' : spec.restart?.condition === 'on-failure';
    return rule(again ? 'on-failure' : 'none', 'pilothouse', policy?.maxAttempts ?? spec.restart?.maxAttempts);
  }
  if (policy) {
    const explicit = policy.delay > 0 || policy.maxAttempts !== undefined || policy.window > 0;
    return rule(policy.condition, explicit ? 'pilothouse' : 'engine', policy.maxAttempts);
  }
  switch (spec.restart?.condition) {
    case 'no':
      return rule('none', 'engine');
    case 'on-failure':
      return rule('on-failure', 'engine', spec.restart.maxAttempts);
    default:
      return rule('any', 'engine');
  }
}

/** The engine's side of a rule. Never `unless-stopped`: after a crash of the engine it does not come back (F1). */
export function enginePolicy(rule: RestartRule): CreateContainer['host']['restartPolicy'] {
  if (rule.owner === 'pilothouse' || rule.condition === 'none') return { name: 'no', maxAttempts: 0 };
  if (rule.condition === 'any') return { name: 'always', maxAttempts: 0 };
  return { name: 'on-failure', maxAttempts: rule.maxAttempts ?? 0 };
}

/**
 * True when a service is a one-shot: a job mode, or somebody waits for its completion and nothing says that it must go on running.
 */
export function isJob(spec: ServiceSpec, awaited: boolean): boolean {
  if (spec.deploy.mode === 'replicated-job' || spec.deploy.mode === 'global-job') return true;
  if (!awaited || spec.deploy.restartPolicy?.condition === 'any') return false;
  return spec.restart === undefined || spec.restart.condition === 'no' || spec.restart.condition === 'on-failure';
}

/** How a run ended, as the rule sees it. `failures` counts this one; `restarts` are the engine's own. */
export interface Ending {
  exitCode: number;
  failures: number;
  restarts: number;
  /** The engine itself went down: nobody's fault, and no success either (F1). */
  outage: boolean;
}

/** What becomes of an ended container: done for good, given up, or started again. */
export function verdict(rule: RestartRule, ending: Ending): 'finished' | 'failed' | 'again' {
  if (ending.outage && rule.condition !== 'none') return 'again';
  if (rule.condition !== 'any' && ending.exitCode === 0) return 'finished';
  if (rule.condition === 'none') return 'failed';
  if (rule.maxAttempts === undefined || rule.maxAttempts <= 0) return 'again';
  const tries = rule.owner === 'engine' ? ending.restarts : ending.failures - 1;
  return tries >= rule.maxAttempts ? 'failed' : 'again';
}

/** ±10 % that is the same for the same name and count, so that a plan is a pure function. */
function spread(delay: number, seed: string): number {
  return delay * (0.9 + (0.2 * hash32(seed)) / 4294967296);
}

/** Milliseconds before a container that ended is started again: at once the first time, then doubling from 0.5 s to 1 min. */
export function restartDelay(rule: RestartRule, failures: number, seed: string): number {
  if (failures <= 1) return rule.delay;
  return Math.max(rule.delay, spread(Math.min(60_000, 500 * 2 ** Math.min(failures - 2, 20)), `${seed}#${failures}`));
}

/** Milliseconds before a failed create, start or pull is tried again: doubling from 1 s (pulls: 5 s) to 1 min (pulls: 5 min). */
export function retryDelay(kind: 'create' | 'pull', failures: number, seed: string): number {
  const [base, cap] = kind === 'pull' ? [5000, 300_000] : [1000, 60_000];
  return spread(Math.min(cap, base * 2 ** Math.min(failures - 1, 20)), `${seed}!${failures}`);
}

/** An unhealthy replica that stayed ready for so long before has a clean record. */
export const wellAfter = 600_000;

/** Milliseconds a container must have lived before it is replaced for bad health again: 0, then doubling from 10 s to 5 min (M22). */
export function unhealthyDelay(failures: number, seed: string): number {
  if (failures <= 0) return 0;
  return spread(Math.min(300_000, 10_000 * 2 ** Math.min(failures - 1, 20)), `${seed}~${failures}`);
}

/** The engine's own delay before restart number `count`: 100 ms doubling to 1 min. For display. */
export function engineDelay(count: number): number {
  return Math.min(60_000, 100 * 2 ** Math.min(Math.max(0, count - 1), 20));
}
