/**
 * Volumes, images and networks: looking into volumes, backups, restoring, cloning, removing with a recycle bin, pulling and pruning.
 * Decisions are pure (`guard`, `retention`, `subnets`, `candidates`); README.md beside this file tells how the acts are made safe.
 */
export * from './box';
export type { RolloutData } from './checkpoints';
export { ArchiveGuard, bomb, foreignCaps, ownCaps, partsOf, type ArchiveEntry, type GuardRules } from './guard';
export type { BuildInput } from './imageActs';
export { createResources, type Resources, type ResourcesWorld } from './resources';
export { emptied, expired } from './retention';
export { overlap } from './subnets';
