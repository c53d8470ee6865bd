/** Global set-up of the docker tests: one private engine for the run, unless `npm test` has already started one. */
import { findPrivateEngine, startPrivateEngine } from '../machine/engine.mjs';

/** @returns what ends the engine, if it was started here */
export async function setup(): Promise<() => Promise<void>> {
  const given = process.env['PILOTHOUSE_TEST_ENGINE'];
  const running = given ? findPrivateEngine(given) : undefined;
  const engine = running ?? (await startPrivateEngine({ name: `tests-${process.pid}` }));
  // Workers are started after this and inherit the environment.
  process.env['PILOTHOUSE_TEST_ENGINE'] = engine.name;
  process.env['PILOTHOUSE_TEST_ADDRESS'] = engine.address;
  process.env['DOCKER_HOST'] = engine.dockerHost;
  return async () => {
    if (!running) await engine.stop();
  };
}
