/** Opens and closes the listener for `/metrics` as the settings say. */
import { Hono } from 'hono';
import { never, type Disposable } from '../../base/lifecycle';
import type { Log } from '../../base/log';
import type { App } from '../../app';
import type { Settings } from '../../contract/nouns';
import { serveLoopback, type LoopbackServer } from './loopback';

/** Follows until it is disposed; the returned promise of `settled` resolves when the newest wish has been carried out. */
export function followMetricsPort(
  app: App,
  log: Log,
): Disposable & { settled(): Promise<void>; stop(): Promise<void> } {
  let running: LoopbackServer | undefined;
  let wanted = 0;
  let work: Promise<void> = Promise.resolve();
  const change = async (port: number): Promise<void> => {
    await running?.close();
    running = undefined;
    if (port === 0) return;
    try {
      const page = new Hono().get(app.scrape.path, (context) => app.scrape.handle(context.req.raw));
      running = await serveLoopback(page, port);
      log('info', 'Metrics are served', { port: running.port });
    } catch (thrown) {
      log('warn', 'Metrics cannot be served', { port, thrown });
    }
  };
  const follow = (settings: Settings): void => {
    const { port } = settings.metrics;
    if (port === wanted) return;
    wanted = port;
    work = work.then(() => change(port));
  };
  const watching = app.api.streams['settings.watch'](
    {},
    { send: follow, credit: () => 1, onCredit: () => ({ dispose: () => {} }), end: () => {}, fail: () => {} },
    { kind: 'app', signal: never },
  );
  return {
    dispose: () => watching.dispose(),
    settled: () => work,
    stop: async () => {
      watching.dispose();
      wanted = 0;
      await work;
      await running?.close();
    },
  };
}
