/** What the system tells the app and what it is told: sleep, battery and lock; desktop notices and their clicks. */
import { join } from 'node:path';
import { expect, test, type Pilothouse } from './pilothouse';

// The command of the tour's engine is played as a shell script: this one ends at once, with an error.
const compose = `name: loop
services:
  crash:
    image: busybox
    command: [sh, -c, 'exit 3']
`;

async function asked(pilothouse: Pilothouse, name: string, input: unknown = {}): Promise<unknown> {
  const { ask } = await import('../machine/ask.mjs');
  return ask(join(pilothouse.home, 'socket'), name, input) as Promise<unknown>;
}
const power = async (pilothouse: Pilothouse): Promise<unknown> =>
  ((await asked(pilothouse, 'app.status')) as { power: unknown }).power;

/** As the system's own event would: Electron's emitter is the real one. */
function emit(pilothouse: Pilothouse, event: string): Promise<void> {
  return pilothouse.app.evaluate(({ powerMonitor }, name) => {
    powerMonitor.emit(name);
  }, event);
}

test("sleep, lock and battery reach the core by Electron's own events", async ({ pilothouse }) => {
  for (const [event, state] of [
    ['suspend', { asleep: true }],
    ['resume', { asleep: false }],
    ['lock-screen', { locked: true }],
    ['unlock-screen', { locked: false }],
    ['on-battery', { battery: true, pace: 5000 }],
  ] as const) {
    await emit(pilothouse, event);
    await expect.poll(() => power(pilothouse), { message: event }).toMatchObject(state);
  }
  await expect(pilothouse.page.getByText('On battery')).toBeVisible();
  await pilothouse.go('/settings');
  await pilothouse.page.getByRole('switch', { name: 'On battery, sample' }).click();
  await expect.poll(() => power(pilothouse)).toMatchObject({ battery: true, pace: 1000 });
  await emit(pilothouse, 'on-ac');
  await expect.poll(() => power(pilothouse)).toMatchObject({ battery: false });
  await expect(pilothouse.page.getByText('On battery', { exact: true })).toHaveCount(0);
});

test('the shell speaks the language that the window speaks: notices, menu and tray', async ({ pilothouse }) => {
  const { app } = pilothouse;
  await app.evaluate(({ Notification, Tray }) => {
    const said: string[] = [];
    Object.assign(globalThis, { saidByShell: said });
    Notification.isSupported = () => true;
    Notification.prototype.show = function (this: Electron.Notification) {
      said.push(this.title, this.body);
    };
    Tray.prototype.setToolTip = (text) => void said.push(text);
  });
  const said = (): Promise<string[]> =>
    app.evaluate(({ Menu }) => [
      ...(globalThis as unknown as { saidByShell: string[] }).saidByShell,
      ...(Menu.getApplicationMenu()?.items ?? []).map(({ label }) => label),
    ]);
  const channel = { name: 'Desktop', target: { kind: 'desktop' } };
  await asked(pilothouse, 'settings.set', { language: 'zh-CN' });
  await expect.poll(said).toEqual(expect.arrayContaining(['编辑', '显示', '窗口', 'Pilothouse — 还没有声明任何服务']));
  await asked(pilothouse, 'channels.test', { channel });
  await expect
    .poll(said)
    .toEqual(expect.arrayContaining(['[触发中 1] 测试通知 · shop/web', '这是 Pilothouse 的测试通知，一切正常。']));
  await asked(pilothouse, 'settings.set', { language: 'en' });
  await expect
    .poll(said)
    .toEqual(expect.arrayContaining(['Edit', 'View', 'Window', 'Pilothouse — Nothing declared yet']));
  await asked(pilothouse, 'channels.test', { channel });
  await expect.poll(said).toContain('[FIRING:1] Test notice · shop/web');
});

test("an alert becomes a notice of the desktop, and its click leads to the alert's card", async ({ pilothouse }) => {
  test.setTimeout(180_000);
  const { app, page } = pilothouse;
  // Here no desktop shows notices. What Electron is asked to show is kept; everything else is as it is.
  await app.evaluate(({ Notification }) => {
    const shown: Electron.Notification[] = [];
    Object.assign(globalThis, { shownNotices: shown });
    Notification.isSupported = () => true;
    Notification.prototype.show = function (this: Electron.Notification) {
      shown.push(this);
    };
  });
  const rule = {
    name: 'Any restart',
    source: { kind: 'metric', query: 'sum by (service) (restarts) > 0' },
    severity: 'warning',
    annotations: { summary: '{{ $labels.service }} restarted' },
  };
  await asked(pilothouse, 'rules.put', { rule });
  await asked(pilothouse, 'routing.set', { routing: { groupWait: 0, channels: ['desktop'] } });
  await asked(pilothouse, 'stacks.apply', { source: { files: [{ name: 'compose.yaml', text: compose }] } });
  const notices = (): Promise<{ title: string; body: string }[]> =>
    app.evaluate(() =>
      (globalThis as unknown as { shownNotices: Electron.Notification[] }).shownNotices.map(({ title, body }) => ({
        title,
        body,
      })),
    );
  await expect
    .poll(notices, { timeout: 120_000 })
    .toContainEqual({ title: '[FIRING:1] Any restart · loop/crash', body: 'loop/crash restarted' });
  await pilothouse.go('/services');
  await app.evaluate(() => {
    const { shownNotices } = globalThis as unknown as { shownNotices: Electron.Notification[] };
    shownNotices.find(({ title }) => title.includes('Any restart'))?.emit('click');
  });
  await expect(page.getByTestId('alert-Any-restart')).toBeFocused();
  expect(page.url()).toMatch(/#\/alerts\/firing\/[0-9a-f]{16}$/);
});
