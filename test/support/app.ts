/** The whole app over one engine, without a window: for tests that ask its calls. */
import { createApp, type App, type AppOptions } from '../../src-main/app';
import { never } from '../../src-main/base/lifecycle';
import { silent } from '../../src-main/base/log';
import type { Caller } from '../../src-main/contract/api';
import type { Engine } from '../../src-main/core/engine';

export const caller: Caller = { kind: 'cli', signal: never };

/** An app that finds this engine and no other. */
export function onlyEngine(engine: Engine): NonNullable<AppOptions['engines']> {
  const found = { id: engine.id, kind: 'docker' as const, name: 'test', endpoint: engine.endpoint, source: 'test' };
  return { find: () => Promise.resolve([found]), connect: () => Promise.resolve(engine), release: () => {} };
}

/** Makes the app; nothing runs before its `start`. What a test does not say is dull. */
export function appOver(
  engine: Engine,
  given: Pick<AppOptions, 'home' | 'clock' | 'random'> & Partial<AppOptions>,
): Promise<App> {
  return createApp({ version: 'test', socket: '', log: silent, engines: onlyEngine(engine), ...given });
}
