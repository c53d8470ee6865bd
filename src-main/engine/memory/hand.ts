/** What people and the world do behind the app's back: no latency, no faults, no record among the app's deeds. */
import { sleep } from '../../base/clock';
import type { CreateContainer } from '../../core/engine';
import type { Container } from './container';
import type { Daemon } from './daemon';
import type { ImageDefinition } from './images';

export class Hand {
  constructor(private readonly daemon: Daemon) {}

  /** Every container of the engine, as it really is. */
  containers(): Container[] {
    return this.daemon.all();
  }

  /** The process dies of itself or of the host's `kill`; the restart policy acts. */
  killProcess(reference: string, code = 137): void {
    this.daemon.processes.end(this.daemon.get(reference), code);
  }

  /** The kernel kills the process for its memory (F13). */
  runOutOfMemory(reference: string): void {
    this.daemon.processes.end(this.daemon.get(reference), 137, true);
  }

  /** `docker kill`: counts as a stop by hand, the policy does not act. */
  kill(reference: string, signal = 'SIGKILL'): void {
    this.daemon.kill(reference, signal);
  }

  /** `docker stop`. */
  async stop(reference: string, timeout = 10_000): Promise<void> {
    await this.daemon.stop(reference, timeout);
  }

  start(reference: string): void {
    this.daemon.start(reference);
  }

  /** `docker rm -f`. */
  remove(reference: string): void {
    this.daemon.remove(reference, { force: true, anonymousVolumes: false });
  }

  pause(reference: string): void {
    this.daemon.processes.pause(this.daemon.get(reference));
  }

  unpause(reference: string): void {
    this.daemon.processes.unpause(this.daemon.get(reference));
  }

  rename(reference: string, name: string): void {
    this.daemon.rename(reference, name);
  }

  update(reference: string, change: Parameters<Daemon['update']>[1]): void {
    this.daemon.update(reference, change);
  }

  disconnect(network: string, reference: string): void {
    this.daemon.disconnect(network, reference);
  }

  /** Somebody else's container, with any labels they like (F9). Returns its id. */
  create(request: CreateContainer): string {
    return this.daemon.create(request).id;
  }

  /** A container that dockerd could not finish removing (F6): `dead`, removable by force only. */
  makeDead(reference: string): void {
    const container = this.daemon.get(reference);
    this.daemon.processes.end(container, 137);
    this.daemon.processes.dispose(container);
    container.state = 'dead';
    this.daemon.processes.ground.checkpoint(container);
  }

  /** From now on the health check of the running process fails, or passes again. */
  setHealthy(reference: string, healthy: boolean): void {
    const process = this.daemon.get(reference).process;
    if (!process) return;
    const { unhealthyAfter: _, ...program } = process.program;
    process.program = healthy ? { ...program, readyAfter: 0 } : { ...program, unhealthyAfter: 0 };
  }

  /** The container writes a line now. */
  writeLog(reference: string, text: string, stream: 'stdout' | 'stderr' = 'stdout'): void {
    this.daemon.get(reference).output.write(text, stream);
  }

  /** A process of the host takes a port. */
  stealPort(port: number): void {
    this.daemon.ports.steal(port);
  }

  /** The thief lets go. */
  freePort(port: number): void {
    this.daemon.ports.giveBack(port);
  }

  /** An image vanishes from the disk, and with `registry` from the registry too. */
  dropImage(reference: string, options: { registry: boolean } = { registry: true }): void {
    this.daemon.images.drop(reference, options);
  }

  addImage(definition: ImageDefinition): void {
    this.daemon.images.declare(definition);
  }

  setDiskFull(full: boolean): void {
    this.daemon.setDiskFull(full);
  }

  /** The list tells what was true so many milliseconds ago. */
  setListLag(lag: number): void {
    this.daemon.listLag = lag;
  }

  /** `kill -9` of the daemon; with `downFor` (milliseconds) it is started again after that time. */
  crashDaemon(options: { liveRestore?: boolean; downFor?: number } = {}): void {
    this.daemon.power.liveRestore = options.liveRestore ?? false;
    this.daemon.power.crash();
    const { downFor } = options;
    if (downFor !== undefined)
      void sleep(this.daemon.clock, downFor).then(() => this.daemon.power.boot().catch(() => {}));
  }

  /** Starts the daemon again; resolves when it answers. */
  startDaemon(): Promise<void> {
    return this.daemon.power.boot();
  }

  /** A clean restart, as a package upgrade does. */
  restartDaemon(options: { liveRestore?: boolean } = {}): Promise<void> {
    this.daemon.power.liveRestore = options.liveRestore ?? false;
    return this.daemon.power.restart();
  }

  /** SIGSTOP, and SIGCONT with `resumeDaemon`. */
  hangDaemon(): void {
    this.daemon.power.hang();
  }

  resumeDaemon(): void {
    this.daemon.power.resume();
  }

  /** SIGSTOP or SIGCONT of containerd: acts hang while reads answer (F4). */
  setActsHang(hang: boolean): void {
    this.daemon.power.setActsHang(hang);
  }
}
