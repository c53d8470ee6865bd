/** The peers that are programs: Docker Compose and the docker CLI with Swarm. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureCompose } from '../../machine/compose.mjs';
import { run, which } from '../../machine/processes.mjs';
import { startPrivateEngine, type PrivateEngine } from '../../support/engine';
import { EventWatch } from './events';
import { newFolder, removeFolder } from './folder';
import { quietCommand, quietImage, RawApi } from './raw';

type Say = (text: string) => void;

/** How long a peer's command may take. */
const patience = 300_000;

async function command(argv: string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const [program = '', ...rest] = argv;
  const { code, output } = await run(program, rest, { quiet: true, timeoutMs: patience, env });
  if (code === 0) return output;
  const said = output.trim().split('\n').slice(-2).join(' / ');
  throw new Error(`${argv.slice(0, 6).join(' ')} ended with ${code}: ${said}`);
}

/** One Compose project; its containers carry the label `com.docker.compose.project`. */
export class ComposePeer {
  private readonly folder = newFolder('compose');

  private constructor(
    private readonly words: string[],
    private readonly host: string,
    readonly project: string,
  ) {}

  /** Undefined, aloud, when Compose v2 is not to be had. */
  static open(engine: PrivateEngine, project: string, say: Say): ComposePeer | undefined {
    const words = ensureCompose();
    if (words) return new ComposePeer(words, engine.dockerHost, project);
    say('! Compose v2 is skipped: it is not installed');
    return undefined;
  }

  write(compose: string): void {
    writeFileSync(join(this.folder, 'compose.yaml'), compose);
  }

  /** `up`, detached; returns when the command does. */
  async up(...more: string[]): Promise<void> {
    await this.call('up', '--detach', ...more);
  }

  async dispose(): Promise<void> {
    await this.call('down', '--timeout', '1');
    removeFolder(this.folder);
  }

  private async call(...argv: string[]): Promise<void> {
    const env = { ...process.env, DOCKER_HOST: this.host, DOCKER_CONTEXT: '' };
    const file = join(this.folder, 'compose.yaml');
    await command([...this.words, '--project-name', this.project, '--file', file, ...argv], env);
  }
}

/** A Swarm of one node on an engine of its own, so that it changes nothing for the others. */
export class SwarmPeer {
  private constructor(
    readonly engine: PrivateEngine,
    readonly api: RawApi,
    readonly events: EventWatch,
  ) {}

  /** Undefined, aloud, when there is no docker CLI. */
  static async open(name: string, say: Say): Promise<SwarmPeer | undefined> {
    if (!which('docker')) {
      say('! Swarm is skipped: the docker CLI is not installed');
      return undefined;
    }
    say('• a second engine for Swarm');
    const engine = await startPrivateEngine({ name: `${name}-swarm-${process.pid}`, hostNetwork: false });
    const api = new RawApi(engine.socket);
    await api.ask('POST', '/swarm/init', { ListenAddr: '0.0.0.0:2377', AdvertiseAddr: engine.address });
    return new SwarmPeer(engine, api, await EventWatch.open(engine.socket));
  }

  /** Creates a service of quiet tasks on the default bridge and waits until it has converged. */
  async create(service: string, replicas: number, ...options: string[]): Promise<void> {
    // By its id: an image with a name is looked for in a registry before each task, which costs seconds where there is none.
    const { Id: image } = await this.api.ask<{ Id: string }>('GET', `/images/${quietImage}/json`);
    const flags = ['--name', service, '--replicas', String(replicas), '--network', 'bridge', '--no-resolve-image'];
    await this.call('service', 'create', ...flags, ...options, image, ...quietCommand);
  }

  /** Scales; returns when the command says it has converged. */
  async scale(service: string, replicas: number): Promise<void> {
    await this.call('service', 'scale', `${service}=${replicas}`);
  }

  async call(...argv: string[]): Promise<string> {
    return command(['docker', '--host', this.engine.dockerHost, ...argv]);
  }

  async dispose(): Promise<void> {
    this.events.dispose();
    this.api.dispose();
    await this.engine.stop();
  }
}
