/**
 * How hard the tests of this room try: a little in `npm run check`, 10,000 schedules in the slow part of `npm test`, dealt out to two
 * files so that two cores share them. PILOTHOUSE_SCHEDULES sets the number of each property in each file.
 */
export function schedules(usual: number): number {
  return Number(process.env['PILOTHOUSE_SCHEDULES'] ?? usual);
}

/** With PILOTHOUSE_THOROUGH=1 a life is ended at each of its effects, not at every seventh. */
export const thorough = process.env['PILOTHOUSE_THOROUGH'] === '1';

/** Where the schedules start. Fixed, so that a verdict is about the change under test; hunt for new ones with PILOTHOUSE_SEED. */
export const seed = Number(process.env['PILOTHOUSE_SEED'] ?? 20261123);

/** Schedules of each slow file: with troubles, and calm ones besides. */
export const wildShare = 5000;
export const calmShare = 1500;

/** The share of schedules in which a second engine is joined. */
export const nodesShare = 0.1;
