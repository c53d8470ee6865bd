/** How hard the tests of this room try: a little in `npm run check`, all of it with PILOTHOUSE_THOROUGH=1, as `npm test` does. */
export const thorough = process.env['PILOTHOUSE_THOROUGH'] === '1';

/** Random schedules in one run. */
export const schedules = Number(process.env['PILOTHOUSE_SCHEDULES'] ?? (thorough ? 10_000 : 60));
