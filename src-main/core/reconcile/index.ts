/**
 * Reconcile: keeps services running as declared. `plan` decides (pure), the controller acts, the handlers turn what users ask for into
 * rows; README.md beside this file tells how they meet.
 */
export { buildMark, type Builder, type BuildWish } from './builds';
export { Controller, type Concurrency, type ControllerOptions, type Remains } from './controller';
export type { Fleet as ReconcileFleet } from './fleet';
export { stackHandlers, type StackHandlers, type StackWorld } from './handlers';
export { installId } from './install';
export { planService } from './plan';
export { takeReleases, rotateSecret } from './rotate';
export type { Configs } from './configs';
export { secretFolder, type Certificates, type Secrets } from './secrets';
