/** How hard the tests of this room try: a little in `npm run check`, all of it with PILOTHOUSE_THOROUGH=1, as `npm test` does. */
export const thorough = process.env['PILOTHOUSE_THOROUGH'] === '1';

/** Random schedules in one run. */
export const schedules = Number(process.env['PILOTHOUSE_SCHEDULES'] ?? (thorough ? 10_000 : 60));

/** Where the schedules start. Fixed, so that a verdict is about the change under test; hunt for new ones with PILOTHOUSE_SEED. */
export const seed = Number(process.env['PILOTHOUSE_SEED'] ?? 20261123);
