/**
 * Reconcile: keeps services running as declared. `plan` decides (pure), `controller` acts; what goes on in between is told in README.md
 * beside this file.
 */
export { Controller, type Concurrency, type ControllerOptions } from './controller';
export { installId } from './install';
export { planService } from './plan';
