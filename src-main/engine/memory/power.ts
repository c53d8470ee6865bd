/** Whether the daemon runs, hangs or is down, and what its coming back does to containers (F1, F2, F3). */
import type { Clock } from '../../base/clock';
import { EngineError } from '../../core/engine';
import type { Container } from './container';
import { endMonitor, openMonitor } from './health';
import type { Processes } from './process';

export type DaemonMode = 'up' | 'hung' | 'starting' | 'down';

interface PowerGround {
  clock: Clock;
  containers: () => Container[];
  processes: () => Processes;
  diskFull: () => boolean;
  checkpoint: (container: Container) => void;
  /** A new daemon has no memory of past events. */
  forgetEvents: () => void;
}

/** Milliseconds between the polite and the hard end of a container when a daemon goes. */
const shutdownGrace = 10_000;

export class Power {
  /** With live-restore a new daemon takes running containers back instead of killing them. */
  liveRestore = false;
  /** Grows with each crash: what was asked of an older daemon will never be done. */
  epoch = 0;
  /** Containers with an act stuck in a frozen containerd; their `inspect` hangs too (F4). */
  readonly stuck = new Set<string>();
  private current: DaemonMode = 'up';
  private frozen = false;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly ground: PowerGround) {}

  get mode(): DaemonMode {
    return this.current;
  }

  /** containerd is frozen: acts hang while reads and pings answer (F4). */
  get actsHang(): boolean {
    return this.frozen;
  }

  setActsHang(hang: boolean): void {
    this.frozen = hang;
    if (!hang) this.stuck.clear();
    this.tell();
  }

  /** Hears when the mode, or whether acts hang, changes; call the result to stop. */
  watch(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The daemon stops answering (SIGSTOP): processes run on, but nobody sees their end. */
  hang(): void {
    if (this.current === 'up') this.become('hung');
  }

  /** The daemon goes on where it was. */
  resume(): void {
    if (this.current !== 'hung') return;
    this.become('up');
    for (const container of this.ground.containers()) this.ground.processes().catchUp(container);
  }

  /** kill -9 of the daemon: clients lose their connections, containers run on. */
  crash(): void {
    if (this.current === 'down') return;
    this.epoch += 1;
    this.become('down');
    this.ground.forgetEvents();
    for (const container of this.ground.containers()) {
      endMonitor(container);
      container.restarts.waiting?.dispose();
      delete container.restarts.waiting;
    }
  }

  /**
   * Starts a daemon after `crash`; it answers when the promise resolves. Without live-restore it first kills every container as if
   * stopped by hand, so that `always` comes back and `unless-stopped` does not (F1). Throws `no-space` on a full disk (F5).
   */
  async boot(): Promise<void> {
    if (this.current !== 'down') return;
    if (this.ground.diskFull()) throw new EngineError('no-space', 'mkdir /var/lib/docker/tmp: no space left on device');
    this.current = 'starting';
    const containers = this.ground.containers();
    if (!this.liveRestore) await Promise.all(containers.map((container) => this.killLeftover(container, false)));
    const processes = this.ground.processes();
    for (const container of containers) {
      const unseen = container.process?.unseenExit;
      if (unseen) processes.settle(container, unseen, { staleAddresses: true });
      if (container.state === 'restarting') container.state = 'exited';
    }
    this.become('up');
    for (const container of containers) {
      if (container.state === 'running') openMonitor(processes.ground, container);
      if (container.state === 'exited' && container.starts > 0 && processes.wantsRestart(container)) {
        try {
          processes.start(container, true);
        } catch {
          // Its error text says why; the daemon only logs it and goes on with the next.
        }
      }
      this.ground.checkpoint(container);
    }
    this.ground.forgetEvents();
  }

  /** A clean restart (SIGTERM): containers are stopped, but nobody meant it, so `unless-stopped` comes back too. */
  async restart(): Promise<void> {
    const containers = this.ground.containers();
    const meant = new Map(containers.map((container) => [container, container.manuallyStopped]));
    if (!this.liveRestore) await Promise.all(containers.map((container) => this.killLeftover(container, true)));
    for (const [container, stopped] of meant) container.manuallyStopped = stopped;
    this.crash();
    await this.boot();
  }

  /** Switches off for good. */
  end(): void {
    this.become('down');
  }

  private async killLeftover(container: Container, clean: boolean): Promise<void> {
    const process = container.process;
    if (!process) return;
    if (container.state === 'paused') container.state = 'running';
    container.manuallyStopped = true;
    const { onStop } = process.program;
    const polite = onStop !== 'ignores' && onStop.after < shutdownGrace ? onStop : undefined;
    if (!process.unseenExit) {
      await new Promise<void>((resolve) => this.ground.clock.timer(polite?.after ?? shutdownGrace, resolve));
    }
    if (container.process !== process) return;
    const end = process.unseenExit ?? { code: polite?.code ?? 137, oom: false };
    this.ground.processes().settle(container, end, { staleAddresses: !clean });
  }

  private become(mode: DaemonMode): void {
    this.current = mode;
    this.tell();
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}
