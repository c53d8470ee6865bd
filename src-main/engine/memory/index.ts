/**
 * The memory engine: containers, networks, volumes and images that exist only in the app, with the manners of a real dockerd
 * (reliability facts F1 to F17). It drives the first-run tour when no Docker is found, every scenario and property test, and work on
 * the window without Docker. Time and chance come from outside, so the same seed gives the same run.
 *
 * `engine.ts` is the port; `connection.ts` adds latency, faults and the record of deeds; `daemon.ts` is what exists and `process.ts`,
 * `health.ts`, `power.ts` how it lives; `programs.ts` and `images.ts` say what runs inside; `hand.ts` is everybody else.
 */
export { MemoryEngine, type MemoryEngineOptions } from './engine';
export type { Deed, Hooks, Latency, Point } from './connection';
export type { Container } from './container';
export type { EventTrouble } from './events';
export type { Fault, Verb } from './faults';
export type { Hand } from './hand';
export { usualImages, type ImageDefinition } from './images';
export { fills, wander, type Curve, type Program, type ProgramContext, type ProgramSource } from './programs';
