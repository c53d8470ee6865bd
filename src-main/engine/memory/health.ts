/**
 * HEALTHCHECK as dockerd runs it (moby daemon/health.go): a probe each interval, unhealthy after `retries` failures in a row,
 * failures within the start period do not count while it is starting. When the monitor stops, for a pause or an exit, the state
 * becomes unhealthy; that is where F14 comes from.
 */
import type { Clock } from '../../base/clock';
import type { Container } from './container';
import { execute } from './exec';

/** What the monitor needs of the daemon. */
export interface HealthGround {
  clock: Clock;
  /** The daemon runs and is not frozen. */
  awake(): boolean;
  emit(container: Container, action: string): void;
  emitExec(container: Container, argv: readonly string[]): void;
  checkpoint(container: Container): void;
}

/** Log entries that the engine keeps. */
const kept = 5;

/** Starts watching a container that has just been started. */
export function beginHealth(ground: HealthGround, container: Container): void {
  endMonitor(container);
  if (!checks(container)) return;
  container.health = 'starting';
  container.failingStreak = 0;
  openMonitor(ground, container);
}

/** Goes on watching, after an unpause or a daemon's restart; the state stays what it is until the next probe. */
export function openMonitor(ground: HealthGround, container: Container): void {
  if (!checks(container) || container.healthTimer) return;
  const check = container.healthcheck;
  const startPeriod = check?.startPeriod ?? 0;
  const fast = container.health === 'starting' && startPeriod > 0 && age(ground, container) < startPeriod;
  const wait = fast ? (check?.startInterval ?? 5_000) : check?.interval || 30_000;
  container.healthTimer = ground.clock.timer(wait, () => {
    delete container.healthTimer;
    if (container.state !== 'running') return;
    if (ground.awake()) probe(ground, container);
    openMonitor(ground, container);
  });
}

/** Stops watching; what had a check becomes unhealthy, without an event. */
export function closeMonitor(container: Container): void {
  endMonitor(container);
  if (checks(container)) container.health = 'unhealthy';
}

/** Stops the timer only: the daemon died, the container did not. */
export function endMonitor(container: Container): void {
  container.healthTimer?.dispose();
  delete container.healthTimer;
}

function checks(container: Container): boolean {
  const test = container.healthcheck?.test;
  return test !== undefined && test.length > 0 && test[0] !== 'NONE';
}

function age(ground: HealthGround, container: Container): number {
  return ground.clock.monotonic() - (container.process?.startedAt ?? 0);
}

function probe(ground: HealthGround, container: Container): void {
  const [kind, ...argv] = container.healthcheck?.test ?? [];
  const timeout = container.healthcheck?.timeout || 30_000;
  ground.emitExec(container, kind === 'CMD-SHELL' ? ['/bin/sh', '-c', ...argv] : argv);
  const run = execute(
    container,
    kind === 'CMD-SHELL' ? ['/bin/sh', '-c', argv[0] ?? ''] : argv,
    ground.clock.monotonic(),
  );
  const late = run.after > timeout;
  const exitCode = late ? -1 : run.exitCode;
  const output = late ? `Health check exceeded timeout (${timeout / 1000}s)` : run.output;
  container.healthLog = [...container.healthLog.slice(1 - kept), { at: ground.clock.now(), exitCode, output }];
  const before = container.health;
  if (exitCode === 0) {
    container.failingStreak = 0;
    container.health = 'healthy';
  } else if (before !== 'starting' || age(ground, container) >= (container.healthcheck?.startPeriod ?? 0)) {
    container.failingStreak += 1;
    if (container.failingStreak >= (container.healthcheck?.retries || 3)) container.health = 'unhealthy';
  }
  if (container.health !== before) {
    ground.checkpoint(container);
    ground.emit(container, `health_status: ${container.health}`);
  }
}
