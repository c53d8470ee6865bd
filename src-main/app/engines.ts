/** The engines of this machine: what Docker's own rules find, and the tour engine that is always there. */
import type { Clock } from '../base/clock';
import type { Disposable } from '../base/lifecycle';
import type { Random } from '../base/random';
import type { Engine } from '../core/engine';
import type { EngineFinder, FoundEngine } from '../core/system';
import type * as Docker from '../engine/docker';
import { MemoryEngine } from '../engine/memory';

/** The id of the tour engine, which is also what PILOTHOUSE_ENGINE may be set to. */
export const tourId = 'memory';

const tour: FoundEngine = { id: tourId, kind: 'memory', name: 'Tour engine', endpoint: 'memory:', source: 'built in' };

/** Docker's client with its libraries takes longer to load than all of the core; nobody waits for it who only opens the window. */
const loadDocker = (): Promise<typeof Docker> => import('../engine/docker');

/** Finds engines. With `onlyTour` (PILOTHOUSE_ENGINE=memory) nothing outside the app is looked at. */
export function findEngines(world: { clock: Clock; random: Random; onlyTour: boolean }): EngineFinder {
  const found = new Map<string, Docker.FoundEngine>();
  // Its containers live as long as the app: leaving the tour for a while must not end them.
  let memory: MemoryEngine | undefined;
  return {
    find: async () => {
      if (world.onlyTour) return [tour];
      const docker = (await loadDocker()).discover();
      for (const engine of docker) found.set(engine.id, engine);
      return [...docker, tour];
    },
    connect: async (engine): Promise<Engine> => {
      const docker = found.get(engine.id);
      if (docker) return (await loadDocker()).connect(docker);
      memory ??= new MemoryEngine({ clock: world.clock, random: world.random, id: tourId, latency: 'real' });
      return memory;
    },
    release: (engine) => {
      if (engine !== memory && 'dispose' in engine) (engine as Engine & Disposable).dispose();
    },
  };
}
