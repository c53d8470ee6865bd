/** Dead ports among their neighbours: tried on the engine that is worked on, told on the time line. */
import type { Clock } from '../base/clock';
import type { Disposable } from '../base/lifecycle';
import { sentence } from '../contract/sentence';
import type { Engine } from '../core/engine';
import { PortWatch } from '../core/probes';
import type { Store } from '../core/store';
import { noteEvent } from '../core/system';
import { dialerFor } from './probes';

export interface PortGuard extends Disposable {
  /** Another engine to watch, or none. */
  setEngine(engine: Engine | undefined): void;
}

/** Watches the published ports of the present engine's replicas. */
export function guardPorts({ store, clock }: { store: Store; clock: Clock }): PortGuard {
  let watch: PortWatch | undefined;
  const dispose = (): void => {
    watch?.dispose();
    watch = undefined;
  };
  return {
    dispose,
    setEngine(engine) {
      dispose();
      // The memory engine forwards nothing that could die.
      if (!engine || engine.endpoint === 'memory:') return;
      watch = new PortWatch({
        clock,
        dialer: dialerFor(engine),
        services: () => store.all('serviceStatus'),
        tell: ({ service, replica, port, dead }) => {
          noteEvent(store, {
            at: clock.now(),
            actor: 'system',
            kind: dead ? 'port.dead' : 'port.back',
            health: dead ? 'warning' : 'ok',
            words: sentence(dead ? 'event.portDead' : 'event.portBack', { replica, port }),
            affects: [service],
          });
        },
      });
    },
  };
}
