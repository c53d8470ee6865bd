/** One controller at a time, for the engine that is worked on; what the last one of each engine knew is handed to its next. */
import type { Engine } from '../core/engine';
import { Controller, type ControllerOptions, type Remains } from '../core/reconcile';

export interface Controllers {
  /** The controller of the present engine. */
  readonly current: Controller | undefined;
  /** Another engine, another version of the same one, or none. */
  setEngine(engine: Engine | undefined): void;
}

/** Makes controllers with `optionsFor` and starts them. */
export function createControllers(optionsFor: (engine: Engine) => ControllerOptions): Controllers {
  const remains = new Map<string, Remains>();
  let current: { controller: Controller; engine: string } | undefined;
  return {
    get current() {
      return current?.controller;
    },
    setEngine(engine) {
      if (current) {
        current.controller.dispose();
        remains.set(current.engine, current.controller.remains());
      }
      current = undefined;
      if (!engine) return;
      const before = remains.get(engine.id);
      const controller = new Controller({ ...optionsFor(engine), ...(before ? { before } : {}) });
      current = { controller, engine: engine.id };
      controller.start();
    },
  };
}
