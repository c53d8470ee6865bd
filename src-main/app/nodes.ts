/** Engines that are joined as nodes: found by the address the user gave, or by the name of a Docker context. */
import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../base/clock';
import type { Random } from '../base/random';
import type { Disposable } from '../base/lifecycle';
import type { Engine } from '../core/engine';
import type { FleetWorld } from '../core/nodes';
import { say, sentence } from '../contract/sentence';
import { EngineError } from '../core/engine';
import type * as Docker from '../engine/docker';
import { MemoryEngine } from '../engine/memory';

/** Docker's client is only loaded when it is needed. */
const loadDocker = (): Promise<typeof Docker> => import('../engine/docker');

/** Connects to engines by their address. `memory:<name>` is a further engine of the tour; it lives as long as the app. */
export function nodeDialer(world: {
  clock: Clock;
  random: Random;
}): Pick<FleetWorld, 'connect' | 'release' | 'resolve' | 'endpointOf' | 'hostKeys'> {
  const tour = new Map<string, MemoryEngine>();
  return {
    connect: async ({ endpoint, certificates }) => {
      if (/^memory:[a-z0-9-]{1,32}$/.test(endpoint)) {
        const engine = tour.get(endpoint) ?? new MemoryEngine({ ...world, id: endpoint, latency: 'real' });
        tour.set(endpoint, engine);
        return engine;
      }
      const docker = await loadDocker();
      if (certificates !== undefined) {
        const folder = certificates.replace(/^~(?=[/\\]|$)/, homedir());
        const words = sentence('engine.noCertificates', { endpoint, path: folder });
        if (!existsSync(join(folder, 'ca.pem')) && !existsSync(join(folder, 'cert.pem')))
          throw new EngineError('invalid', say(words), { words });
        return docker.connect({ endpoint, tls: { folder, skipVerify: false } });
      }
      const found = docker.discover().find((one) => one.endpoint === endpoint || one.source === `context ${endpoint}`);
      if (!found && !endpoint.includes('://'))
        throw new EngineError('invalid', `${endpoint} is neither an address nor a Docker context`);
      return docker.connect(found ?? { endpoint });
    },
    endpointOf: async (given) => {
      if (given.includes('://')) return given;
      const { discover } = await loadDocker();
      return discover().find(({ source }) => source === `context ${given}`)?.endpoint ?? given;
    },
    hostKeys: {
      read: async (endpoint) => (await loadDocker()).readHostKey(endpoint),
      trust: async (endpoint, fingerprint) => (await loadDocker()).trustHost(endpoint, fingerprint),
    },
    resolve: async (host) => {
      if (isIP(host) > 0) return host;
      try {
        return (await lookup(host)).address;
      } catch {
        return undefined;
      }
    },
    release: (engine) => {
      if (engine.endpoint !== 'memory:' && 'dispose' in engine) (engine as Engine & Disposable).dispose();
    },
  };
}
