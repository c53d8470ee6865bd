/** The memory engine and a real one side by side: the same acts on both, then the same answers and the same states. */
import { expect } from 'vitest';
import { systemClock } from '../../src-main/app/clock';
import { seeded } from '../../src-main/base/random';
import type { ContainerDetail, CreateContainer, Engine, EngineErrorCode } from '../../src-main/core/engine';
import { EngineError } from '../../src-main/core/engine';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { MemoryEngine } from '../../src-main/engine/memory';
import { createRequest } from '../support/builders';

const image = 'busybox:latest';
/** Process 1 without handlers: the kernel keeps SIGTERM from it. */
export const deaf = ['sleep', '600'];
/** Obeys SIGTERM. */
export const polite = ['sh', '-c', 'trap "exit 0" TERM; while true; do sleep 0.1; done'];
/** Removal that always works. */
export const byForce = { force: true, anonymousVolumes: true };

/** A request for a container that both engines can run. */
export function request(name: string, change: Parameters<typeof createRequest>[0] = {}): CreateContainer {
  return createRequest({ name, image, command: deaf, stopTimeout: 1000, ...change });
}

/** An act on one of the two. */
export type Act = (engine: Engine, real: boolean) => Promise<unknown>;

export class Twins {
  private constructor(
    readonly docker: DockerEngine,
    readonly memory: MemoryEngine,
    /** What the names of everything made here begin with. */
    readonly prefix: string,
  ) {}

  static async connect(dockerHost: string, prefix: string): Promise<Twins> {
    const docker = await connect({ endpoint: dockerHost });
    const memory = new MemoryEngine({ clock: systemClock, random: seeded(1), images: [{ reference: image }] });
    return new Twins(docker, memory, prefix);
  }

  /** Removes what was made, and lets go of both. */
  async dispose(): Promise<void> {
    const { docker, prefix } = this;
    for (const { id, name } of await docker.list()) if (name.startsWith(prefix)) await docker.remove(id, byForce);
    for (const { id, name } of await docker.networks()) if (name.startsWith(prefix)) await docker.removeNetwork(id);
    for (const { name } of await docker.volumes()) if (name.startsWith(prefix)) await docker.removeVolume(name);
    docker.dispose();
    this.memory.dispose();
  }

  /** One act on both engines; the answers must be of one kind. */
  async both(what: string, act: Act): Promise<void> {
    const [real, imagined] = await Promise.all([outcome(act(this.docker, true)), outcome(act(this.memory, false))]);
    expect(`${what}: ${imagined}`).toBe(`${what}: ${real}`);
  }

  /** Both engines come to the same state of these containers; a state may take a moment to be reached. */
  async same(what: string, names: readonly string[]): Promise<void> {
    const look = (engine: Engine): Promise<unknown[]> =>
      Promise.all(names.map(async (name) => shape(await engine.inspect(name))));
    const until = performance.now() + 8000;
    for (;;) {
      const [real, imagined] = await Promise.all([look(this.docker), look(this.memory)]);
      if (JSON.stringify(real) === JSON.stringify(imagined)) return;
      if (performance.now() > until) throw new Error(differences(what, real, imagined));
      await pause(150);
    }
  }

  /** The process dies without the engine being asked. */
  async killFromOutside(engine: Engine, name: string): Promise<void> {
    const pid = (await engine.inspect(name))?.pid;
    if (!pid) return;
    if (engine === this.docker) process.kill(pid, 'SIGKILL');
    else this.memory.hand.killProcess(name);
  }

  /** Waits while a container of either engine is between two lives. */
  async calm(names: readonly string[]): Promise<void> {
    for (let turn = 0; turn < 100; turn++) {
      const found = await Promise.all(names.flatMap((name) => [this.docker.inspect(name), this.memory.inspect(name)]));
      if (!found.some((detail) => detail?.state === 'restarting')) return;
      await pause(50);
    }
  }
}

/** What must be equal. Ids, times and addresses differ; that there is an address must not. */
function shape(detail: ContainerDetail | undefined): unknown {
  if (!detail) return 'gone';
  const { state, exitCode, oomKilled, health, labels, restartPolicy, error } = detail;
  return {
    // While it is being restarted it is now this, now that.
    state: state === 'restarting' || (state === 'running' && detail.restartCount > 1) ? 'restarting or running' : state,
    exitCode: state === 'restarting' || state === 'running' ? 'any' : exitCode,
    oomKilled: state === 'running' ? 'any' : oomKilled,
    health,
    labels,
    restartPolicy,
    failed: error !== '',
    restarted: detail.restartCount > 0,
    name: detail.name,
    networks: Object.entries(detail.networks).map(([name, { address }]) => [name, address !== '']),
    ports: detail.ports.map(({ target, published }) => [target, published]),
    mounts: detail.mounts.map(({ type, target, name }) => [type, target, name]).sort(),
  };
}

/** How a call ends: `ok`, or its error's code. */
async function outcome(call: Promise<unknown>): Promise<'ok' | EngineErrorCode> {
  try {
    await call;
    return 'ok';
  } catch (thrown) {
    if (thrown instanceof EngineError) return thrown.code;
    throw thrown;
  }
}

/** The shapes that differ, side by side. */
function differences(what: string, real: readonly unknown[], imagined: readonly unknown[]): string {
  const lines = real.flatMap((shapeOfReal, index) => {
    const [one, other] = [JSON.stringify(shapeOfReal), JSON.stringify(imagined[index])];
    return one === other ? [] : [`real   ${one}`, `memory ${other}`];
  });
  return [`After ${what}:`, ...lines].join('\n');
}

/** Real milliseconds. */
export function pause(duration: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, duration));
}
