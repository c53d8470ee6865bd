/**
 * The real Docker engine of the docker, e2e and bench tests. Tests share the engine of their run (`testEngine`); one
 * that restarts, kills or floods the daemon starts its own (`startPrivateEngine`).
 */
import { findPrivateEngine, type PrivateEngine } from '../machine/engine.mjs';

export {
  EngineUnavailable,
  findPrivateEngine,
  startPrivateEngine,
  whyNoPrivateEngine,
  type EngineOptions,
  type PrivateEngine,
} from '../machine/engine.mjs';

/** Images that every private engine has, by what they are for. */
export const testImages = {
  busybox: 'busybox:latest',
  haproxy: 'haproxy:3.2-alpine',
  demoApp: 'pilothouse/demo-app:1',
  demoAppNext: 'pilothouse/demo-app:2',
} as const;

/**
 * The engine this test run shares.
 * @throws Error when the run was started without one
 */
export function testEngine(): PrivateEngine {
  const name = process.env['PILOTHOUSE_TEST_ENGINE'] ?? '';
  const engine = name ? findPrivateEngine(name) : undefined;
  if (!engine)
    throw new Error('No private engine runs for these tests: start them with `npx vitest run --project docker`.');
  return engine;
}
