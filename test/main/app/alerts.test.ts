/** From a container that dies again and again to the notice that is handed to the sender, through the whole core on the tour engine. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { App } from '../../../src-main/app';
import { seeded } from '../../../src-main/base/random';
import { channelInput, routing } from '../../../src-main/contract/api/alerts';
import type { Outgoing } from '../../../src-main/core/alerts';
import { MemoryEngine } from '../../../src-main/engine/memory';
import { appOver, caller } from '../../support/app';
import { FakeClock } from '../../support/clock';

const home = mkdtempSync(join(tmpdir(), 'app-alerts-'));
const clock = new FakeClock();
let app: App | undefined;

/** Real time passes for work on the real disk, and a little of the clock's. */
async function finish<Result>(work: Promise<Result>): Promise<Result> {
  const state = { settled: false };
  const settle = (): void => {
    state.settled = true;
  };
  work.then(settle, settle);
  for (let round = 0; !state.settled && round < 2000; round++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    await clock.advance(10);
  }
  return work;
}

afterEach(async () => {
  if (app) await finish(app.stop());
  rmSync(home, { recursive: true, force: true });
});

it('a service that dies again and again: the default rule fires and a notice goes out', async () => {
  const engine = new MemoryEngine({
    clock,
    random: seeded(1),
    images: [{ reference: 'crash:1', program: { exit: { after: 800, code: 1 } } }],
  });
  const sent: Outgoing[] = [];
  app = await appOver(engine, {
    home,
    clock,
    random: seeded(2),
    deliver: (outgoing) => {
      sent.push(outgoing);
      return Promise.resolve({ delivered: true });
    },
  });
  const { calls } = app.api;
  await finish(app.start());
  const hook = channelInput.parse({ name: 'Hook', target: { kind: 'webhook', url: 'https://hook.example/in' } });
  await calls['channels.put']({ id: 'hook', channel: hook }, caller);
  await calls['routing.set']({ routing: routing.parse({ groupWait: 1000, channels: ['hook'] }) }, caller);
  const text = 'name: shop\nservices:\n  web: { image: crash:1 }\n';
  await finish(calls['stacks.apply']({ source: { files: [{ name: 'compose.yaml', text }] } }, caller));

  for (let step = 0; step < 24; step++) await clock.advance(10_000);

  const views = await calls['alerts.list']({ limit: 100 }, caller);
  const loop = views.find(({ rule }) => rule === 'CrashLoop');
  expect(loop).toMatchObject({
    state: 'firing',
    labels: { stack: 'shop', service: 'shop/web', replica: 'shop/web.1' },
  });
  // It is told once, as what it is: what follows from it is held back.
  expect(views.find(({ rule }) => rule === 'ServiceDown')).toMatchObject({
    state: 'firing',
    heldBackBy: ['Restart loop'],
  });
  expect(sent).toHaveLength(1);
  const [notice] = sent;
  expect(notice).toMatchObject({ kind: 'http', url: 'https://hook.example/in' });
  const body = JSON.parse(notice?.kind === 'http' ? notice.body : '') as { alerts: { labels: object }[] };
  expect(body).toMatchObject({ version: '4', status: 'firing' });
  expect(body.alerts.map(({ labels }) => labels)).toContainEqual(
    expect.objectContaining({ alertname: 'Restart loop', severity: 'critical', service: 'shop/web' }),
  );
  const kinds = (await calls['events.list']({ limit: 500 }, caller)).map(({ kind }) => kind);
  expect(kinds).toContain('alert.firing');
});
