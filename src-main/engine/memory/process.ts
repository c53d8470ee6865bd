/**
 * The life of a container's process as dockerd leads it: start, exit, restart policy, stop, kill, pause. The rules are those of
 * moby's daemon/{start,stop,kill,monitor,pause}.go and restartmanager: back-off from 100 ms doubling to one minute, reset after 10 s of
 * running, and a stop or kill asked of the daemon is never answered by the policy.
 */
import type { Clock } from '../../base/clock';
import { EngineError } from '../../core/engine';
import { isAlive, type Container } from './container';
import { beginHealth, closeMonitor, endMonitor, openMonitor, type HealthGround } from './health';
import type { Networks } from './network';
import type { HostPorts } from './ports';
import { decode } from './exec';
import { makeProgram } from './programs';
import { outgrowsAfter, sample } from './stats';

/** What processes need of the daemon. */
export interface ProcessGround extends HealthGround {
  clock: Clock;
  networks: Networks;
  ports: HostPorts;
  emit(container: Container, action: string, attributes?: Record<string, string>): void;
  emitNetwork(action: 'connect' | 'disconnect', container: Container): void;
  diskFull(): boolean;
  nextPid(): number;
}

const firstDelay = 100;
const longestDelay = 60_000;
const resetAfter = 10_000;

const signals: Record<string, number> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  KILL: 9,
  USR1: 10,
  USR2: 12,
  TERM: 15,
  CONT: 18,
  WINCH: 28,
};

/** `SIGTERM`, `term` and `15` are one; an unknown one throws `invalid`. */
export function signalNumber(name: string): number {
  const number = /^\d+$/.test(name) ? Number(name) : signals[name.toUpperCase().replace(/^SIG/, '')];
  if (number === undefined || number < 1 || number > 64) throw new EngineError('invalid', `Invalid signal: ${name}`);
  return number;
}

export class Processes {
  constructor(readonly ground: ProcessGround) {}

  /**
   * Starts the container; false when it runs already. By hand (not by the policy) it also forgets back-off and count. On failure the
   * container keeps its state, has an error text and at least exit code 128 (F8), and an `EngineError` is thrown.
   */
  start(container: Container, byHand: boolean): boolean {
    if (container.state === 'paused')
      throw new EngineError('paused', 'cannot start a paused container, try unpause instead');
    if (container.state === 'running' || container.state === 'restarting') return false;
    if (container.state === 'dead' || container.state === 'removing') {
      throw new EngineError('refused', 'container is marked for removal and cannot be started');
    }
    if (byHand) {
      container.restarts = { policy: container.restarts.policy, delay: 0, cancelled: false, count: 0 };
      container.manuallyStopped = false;
    }
    this.run(container);
    return true;
  }

  private run(container: Container): void {
    const { ground } = this;
    const { image, name, environment, command, starts } = container;
    const script = command.map((word) => container.files.get(word)?.content).find((content) => content !== undefined);
    const context = {
      image: image.reference,
      name,
      command,
      environment,
      starts: starts + 1,
      ...(script ? { script: decode(script) } : {}),
    };
    const program = makeProgram(
      image.program,
      container.limits.cpus === undefined ? context : { ...context, cpus: container.limits.cpus },
    );
    let exitCode = 128;
    try {
      if (ground.diskFull())
        throw new EngineError('no-space', 'failed to create task for container: no space left on device');
      for (const attachment of container.attachments.values()) ground.networks.join(container, attachment);
      container.ports = ground.ports.bind(container);
      if (program.startError) {
        exitCode = program.startError.exitCode;
        throw new EngineError('invalid', program.startError.detail);
      }
    } catch (thrown) {
      this.release(container);
      container.error = thrown instanceof EngineError ? thrown.detail : String(thrown);
      if (container.exitCode === 0) container.exitCode = exitCode;
      ground.checkpoint(container);
      throw thrown;
    }
    const now = ground.clock.monotonic();
    const process = {
      program,
      startedAt: now,
      pid: ground.nextPid(),
      timers: [],
      cpuNanos: 0,
      throttledNanos: 0,
      networkBytes: 0,
      countedAt: now,
    };
    Object.assign(container, {
      process,
      state: 'running',
      exitCode: 0,
      error: '',
      oomKilled: false,
      startedAt: ground.clock.now(),
    });
    container.starts += 1;
    beginHealth(ground, container);
    ground.checkpoint(container);
    ground.emitNetwork('connect', container);
    ground.emit(container, 'start');
    this.schedule(container, -1);
    if (program.logs) container.output.open(program.logs);
  }

  /** Arms what the program does by itself after it has lived `lived` milliseconds; a negative age means from its birth. */
  private schedule(container: Container, lived: number): void {
    const process = container.process;
    if (!process) return;
    const at = (moment: number, act: () => void): void => {
      if (moment > lived) process.timers.push(this.ground.clock.timer(moment - Math.max(0, lived), act));
    };
    for (const { after, text, stream } of process.program.prints)
      at(after, () => container.output.write(text, stream ?? 'stdout'));
    const { exit } = process.program;
    if (exit) at(exit.after, () => this.end(container, exit.code, exit.oom ?? false));
    const outgrows = outgrowsAfter(container);
    if (outgrows !== undefined) at(outgrows, () => this.end(container, 137, true));
  }

  /** The process ends, of itself or killed from outside; a daemon that cannot see it learns of it later. */
  end(container: Container, code: number, oom = false): void {
    const process = container.process;
    if (!process || process.unseenExit) return;
    if (container.state === 'paused') {
      // A frozen process takes its SIGKILL when it is thawed, as with the freezer of cgroup v1.
      process.frozenExit = { code, oom };
      return;
    }
    for (const timer of process.timers.splice(0)) timer.dispose();
    container.output.close();
    if (this.ground.awake()) this.ended(container, { code, oom });
    else process.unseenExit = { code, oom };
  }

  /** The daemon notices ends, and restarts that fell due, after it was frozen. */
  catchUp(container: Container): void {
    const unseen = container.process?.unseenExit;
    if (unseen) this.ended(container, unseen);
  }

  private ended(container: Container, end: { code: number; oom: boolean }): void {
    const { ground } = this;
    const { restarts } = container;
    const ran = ground.clock.monotonic() - (container.process?.startedAt ?? 0);
    if (end.oom) ground.emit(container, 'oom');
    this.settle(container, end);
    const again = !restarts.cancelled && this.wantsRestart(container);
    if (again) {
      if (ran >= resetAfter) restarts.delay = 0;
      restarts.delay = restarts.delay === 0 ? firstDelay : Math.min(longestDelay, restarts.delay * 2);
      restarts.count += 1;
      container.state = 'restarting';
    }
    ground.checkpoint(container);
    ground.emit(container, 'die', { exitCode: String(end.code) });
    ground.emitNetwork('disconnect', container);
    if (again) this.awaitRestart(container, restarts.delay);
    for (const listener of [...container.onEnd]) listener();
  }

  /** Whether the policy starts it again after this end; also asked of every container when a daemon starts. */
  wantsRestart(container: Container): boolean {
    const { policy, count } = container.restarts;
    if (policy.name === 'always') return true;
    if (policy.name === 'unless-stopped') return !container.manuallyStopped;
    return (
      policy.name === 'on-failure' &&
      container.exitCode !== 0 &&
      (policy.maxAttempts === 0 || count < policy.maxAttempts)
    );
  }

  private awaitRestart(container: Container, delay: number): void {
    container.restarts.waiting = this.ground.clock.timer(delay, () => {
      delete container.restarts.waiting;
      if (container.state !== 'restarting') return;
      // A frozen daemon acts when it is thawed.
      if (!this.ground.awake()) return this.awaitRestart(container, 250);
      container.state = 'exited';
      try {
        this.run(container);
      } catch {
        // Docker gives up here and leaves the container exited with the error text; so do we.
      }
    });
  }

  /**
   * The bookkeeping of an end, without events and policy. After a crash the daemon forgets to clear the addresses of what it finds ended:
   * `inspect` goes on showing them (seen with 20.10), so `staleAddresses` keeps them on show.
   */
  settle(container: Container, end: { code: number; oom: boolean }, options = { staleAddresses: false }): void {
    sample(container, this.ground.clock);
    for (const timer of container.process?.timers.splice(0) ?? []) timer.dispose();
    container.output.close();
    delete container.process;
    const shown = [...container.attachments.values()].map((attachment) => ({
      attachment,
      address: attachment.address,
    }));
    this.release(container);
    if (options.staleAddresses) for (const { attachment, address } of shown) attachment.address = address;
    closeMonitor(container);
    const finishedAt = this.ground.clock.now();
    Object.assign(container, { state: 'exited', exitCode: end.code, oomKilled: end.oom, finishedAt });
  }

  private release(container: Container): void {
    for (const attachment of container.attachments.values()) this.ground.networks.leave(container, attachment);
    this.ground.ports.release(container.id);
    container.ports = [];
  }

  /** Ends a wait for the policy. */
  cancelRestart(container: Container): void {
    container.restarts.cancelled = true;
    container.restarts.waiting?.dispose();
    delete container.restarts.waiting;
  }

  /** Asks the process to end and kills it after `timeout` milliseconds; false when nothing ran. Resolves when it has ended. */
  async stop(container: Container, timeout: number): Promise<boolean> {
    if (container.state === 'restarting') {
      this.cancelRestart(container);
      container.manuallyStopped = true;
      container.state = 'exited';
      this.ground.checkpoint(container);
      this.ground.emit(container, 'stop');
      return true;
    }
    if (!isAlive(container)) return false;
    const ended = new Promise<void>((resolve) => {
      const listener = (): void => {
        container.onEnd.delete(listener);
        resolve();
      };
      container.onEnd.add(listener);
    });
    const signal = container.request.stopSignal ?? container.image.stopSignal ?? 'SIGTERM';
    this.signal(container, signalNumber(signal));
    const process = container.process;
    if (process && timeout >= 0) {
      process.timers.push(
        this.ground.clock.timer(timeout, () => {
          if (container.process === process && !process.unseenExit) this.signal(container, 9);
        }),
      );
    }
    await ended;
    this.ground.emit(container, 'stop');
    return true;
  }

  /** Sends a signal as `docker kill` does; throws `refused` when nothing runs. */
  kill(container: Container, signal: number): void {
    if (container.state === 'restarting') {
      this.cancelRestart(container);
      container.manuallyStopped = true;
      container.state = 'exited';
      this.ground.checkpoint(container);
      return;
    }
    if (!isAlive(container)) throw new EngineError('refused', `Container ${container.id} is not running`);
    this.signal(container, signal);
  }

  private signal(container: Container, signal: number): void {
    const own = container.request.stopSignal ?? container.image.stopSignal;
    // Any signal counts as a stop by hand unless the image names another stop signal (moby daemon/kill.go).
    const stops = own === undefined || signal === 9 || signalNumber(own) === signal;
    if (stops) container.restarts.cancelled = true;
    container.manuallyStopped = true;
    this.ground.emit(container, 'kill', { signal: String(signal) });
    if (container.state === 'paused' && stops) this.unpause(container);
    const onStop = container.process?.program.onStop;
    if (signal === 9) this.end(container, 137);
    else if (onStop && onStop !== 'ignores' && [2, 3, 15].includes(signal)) {
      container.process?.timers.push(this.ground.clock.timer(onStop.after, () => this.end(container, onStop.code)));
    }
  }

  pause(container: Container): void {
    if (container.state === 'paused') throw new EngineError('refused', `Container ${container.id} is already paused`);
    if (container.state === 'restarting')
      throw new EngineError('refused', `Container ${container.id} is restarting, wait until the container is running`);
    if (container.state !== 'running') throw new EngineError('refused', `Container ${container.id} is not running`);
    sample(container, this.ground.clock);
    for (const timer of container.process?.timers.splice(0) ?? []) timer.dispose();
    if (container.process) container.process.pausedAt = this.ground.clock.monotonic();
    container.output.close();
    container.state = 'paused';
    closeMonitor(container);
    this.ground.checkpoint(container);
    this.ground.emit(container, 'pause');
  }

  unpause(container: Container): void {
    const process = container.process;
    if (container.state !== 'paused' || !process)
      throw new EngineError('refused', `Container ${container.id} is not paused`);
    const now = this.ground.clock.monotonic();
    // The process did not live meanwhile, so neither does its age.
    process.startedAt += now - (process.pausedAt ?? now);
    delete process.pausedAt;
    process.countedAt = now;
    container.state = 'running';
    openMonitor(this.ground, container);
    this.schedule(container, now - process.startedAt);
    if (process.program.logs) container.output.open(process.program.logs);
    this.ground.checkpoint(container);
    this.ground.emit(container, 'unpause');
    if (process.frozenExit) this.end(container, process.frozenExit.code, process.frozenExit.oom);
  }

  /** Everything of this container that ticks stands still for good. */
  dispose(container: Container): void {
    for (const timer of container.process?.timers.splice(0) ?? []) timer.dispose();
    container.restarts.waiting?.dispose();
    delete container.restarts.waiting;
    endMonitor(container);
    container.output.close();
  }
}
