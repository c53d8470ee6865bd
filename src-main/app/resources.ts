/** The storage room with this machine's backups folder, and with the acts of other rooms that it needs. */
import { join } from 'node:path';
import { openBackups, openContext } from '../archive';
import type { Clock } from '../base/clock';
import { never } from '../base/lifecycle';
import type { Log } from '../base/log';
import type { Random } from '../base/random';
import type { Api, Caller } from '../contract/api';
import { createResources, type Resources, type RolloutData } from '../core/resources';
import type { NodeEngine } from '../core/engine';
import type { Store } from '../core/store';
import { engineProblem, noteEvent } from '../core/system';

const app: Caller = { kind: 'app', signal: never };

type Needed = 'services.stop' | 'services.start' | 'stacks.apply' | 'volumes.list' | 'images.list' | 'networks.list';

/** Makes the room. */
export function openResources(world: {
  home: string;
  store: Store;
  clock: Clock;
  random: Random;
  log: Log;
  calls: Pick<Api['calls'], Needed>;
  data: RolloutData;
  nodes: () => readonly NodeEngine[];
}): Resources {
  const { home, store, clock, random, log, calls, data, nodes } = world;
  return createResources({
    store,
    clock,
    random,
    log,
    data,
    nodes,
    engineProblem,
    openContext,
    openBox: () => openBackups(join(home, 'backups'), () => clock.now()),
    lists: {
      volumes: () => calls['volumes.list']({}, app),
      images: () => calls['images.list']({}, app),
      networks: () => calls['networks.list']({}, app),
    },
    services: {
      stop: (service) => calls['services.stop']({ service }, app),
      start: (service) => calls['services.start']({ service }, app),
    },
    apply: async (name) => {
      const source = store.get('stacks', name)?.source;
      if (source) await calls['stacks.apply']({ source, name }, app);
    },
    note: (event) => noteEvent(store, { ...event, at: clock.now(), actor: 'system' }),
  });
}
