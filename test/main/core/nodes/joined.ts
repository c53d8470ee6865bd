/** What makes several engines one in a process of the app: the real links, the fleet and the controllers, put together as `app.ts` does. */
import { createControllers, type Controllers } from '../../../../src-main/app/controllers';
import { silent } from '../../../../src-main/base/log';
import type { Random } from '../../../../src-main/base/random';
import { EngineError, type Engine } from '../../../../src-main/core/engine';
import { Fleet } from '../../../../src-main/core/nodes';
import type { ControllerOptions } from '../../../../src-main/core/reconcile';
import type { Store } from '../../../../src-main/core/store';
import { EngineLink } from '../../../../src-main/core/system';
import type { FakeClock } from '../../../support/clock';

export interface JoinedParts {
  clock: FakeClock;
  store: Store;
  random: Random;
  /** Id of the engine that is worked on. */
  home: string;
  engineOf: (id: string) => Engine | undefined;
  optionsFor: (engine: Engine) => ControllerOptions;
  /** Another engine, or set of engines, is worked with now. */
  onEngine?: (engine: Engine | undefined) => void;
}

/** Endpoint under which an engine of a test is joined. */
export function endpointOf(id: string): string {
  return `test://${id}`;
}

export class Joined {
  readonly link: EngineLink;
  readonly fleet: Fleet;
  readonly controllers: Controllers;
  /** What the handlers of nodes need besides. */
  readonly world: ConstructorParameters<typeof Fleet>[0];

  constructor({ clock, store, random, home, engineOf, optionsFor, onEngine }: JoinedParts) {
    const connect = (id: string): Promise<Engine> => {
      const engine = engineOf(id);
      return engine ? Promise.resolve(engine) : Promise.reject(new EngineError('away', `nobody at ${id}`));
    };
    const release = (): void => undefined;
    const found = { id: home, kind: 'memory' as const, name: home, endpoint: 'memory:', source: 'test' };
    this.link = new EngineLink({
      ...{ clock, random, log: silent },
      chosen: () => home,
      finder: { find: () => Promise.resolve([found]), connect: () => connect(home), release },
    });
    this.world = {
      ...{ store, clock, random, log: silent, link: this.link, release },
      resolve: (host) => Promise.resolve(host),
      endpointOf: (given) => Promise.resolve(given),
      hostKeys: { read: noHostKeys, trust: noHostKeys },
      connect: ({ endpoint }) => connect(endpoint.replace(endpointOf(''), '')),
    };
    this.fleet = new Fleet(this.world);
    this.controllers = createControllers((engine) => ({
      ...optionsFor(engine),
      ...(this.fleet.engine ? { fleet: this.fleet } : {}),
    }));
    this.fleet.onEngine((engine) => {
      this.controllers.setEngine(engine);
      onEngine?.(engine);
    });
  }

  dispose(): void {
    this.link.dispose();
    this.fleet.dispose();
    this.controllers.setEngine(undefined);
  }
}

function noHostKeys(): Promise<never> {
  return Promise.reject(new EngineError('invalid', 'memory engines are not behind SSH'));
}
