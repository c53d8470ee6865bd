/** The main job as a person does it, in the real window over a real engine: apply, watch it become well, scale, heal, read logs. */
import { existsSync } from 'node:fs';
import { askEngine, fromEngine, noEngine, noEngineReason } from './engine';
import { expect, launch, logsOf, test, type Pilothouse } from './pilothouse';

interface Row {
  Id: string;
  Names: string[];
  State: string;
  Labels: Record<string, string>;
}

/** The engine's own word for what runs: never ours. */
async function containers(service: string): Promise<Row[]> {
  const rows = await fromEngine<Row[]>('GET', '/containers/json?all=1');
  return rows.filter((row) => row.Names.some((name) => name.startsWith(`/demo.${service}.`)));
}
async function running(service: string): Promise<number> {
  return (await containers(service)).filter((row) => row.State === 'running').length;
}
test.describe.configure({ mode: 'serial' });
test.skip(noEngine, noEngineReason);

let pilothouse: Pilothouse;
test.beforeAll(async () => {
  if (noEngine()) return;
  pilothouse = await launch({ engine: 'docker', firstRun: true });
});
test.afterAll(async () => {
  if (noEngine()) return;
  // Leave the shared engine of the run as it was found.
  await pilothouse.cli('down', 'demo', '--volumes');
  await pilothouse.close();
});
test.afterEach(({}, info) => {
  if (info.status !== info.expectedStatus && existsSync(pilothouse.home)) {
    process.stdout.write(logsOf(pilothouse.home).split('\n').slice(-40).join('\n'));
  }
});

test('the first run finds the engine and offers the first steps', async () => {
  const { page } = pilothouse;
  await expect(page.getByTestId('view-welcome')).toBeVisible();
  await expect(page.getByTestId('engine-docker').first()).toContainText('Docker');
  await page.getByTestId('skip-welcome').click();
  await expect(page.getByTestId('view-overview')).toBeVisible();
});

test('bad input is shown with its line before anything happens', async () => {
  const { page } = pilothouse;
  await pilothouse.go('/apply');
  const editor = page.getByTestId('compose-editor').locator('.cm-content');
  await editor.click();
  await page.keyboard.insertText('services:\n  web:\n    imagee: nginx\n');
  await expect(page.getByTestId('problems-critical')).toContainText('imagee');
  await expect(page.getByTestId('problems-critical')).toContainText('3');
  await expect(page.getByTestId('apply-now')).toHaveAttribute('aria-disabled', 'true');
});

test('the sample stack becomes well', async () => {
  const { page } = pilothouse;
  await pilothouse.go('/stacks');
  await page.getByTestId('apply-sample').click();
  await pilothouse.go('/services');
  await expect(page.getByTestId('service-status-demo/web')).toHaveText('Running', { timeout: 80_000 });
  await expect(page.getByTestId('service-status-demo/migrate')).toHaveText('Done, exit 0');
  await expect(page.getByTestId('service-status-demo/worker')).toHaveText('Running');
  expect(await running('web')).toBe(3);
  expect(await running('api')).toBe(2);
});

test('scales 3 → 8 → 2 by the stepper', async () => {
  const { page } = pilothouse;
  const stepper = page.getByTestId('stepper-demo/web');
  for (let click = 0; click < 5; click += 1) await stepper.getByRole('button', { name: 'One more' }).click();
  await expect(stepper).toContainText('3→8');
  await expect(page.getByTestId('service-status-demo/web')).toHaveText('Running', { timeout: 80_000 });
  await expect.poll(() => running('web'), { timeout: 60_000 }).toBe(8);
  for (let click = 0; click < 6; click += 1) await stepper.getByRole('button', { name: 'One less' }).click();
  await expect.poll(async () => (await containers('web')).length, { timeout: 60_000 }).toBe(2);
  await expect(page.getByTestId('service-status-demo/web')).toHaveText('Running');
});

test('a container killed from outside comes back', async () => {
  const { page } = pilothouse;
  const [first] = await containers('web');
  expect(first).toBeDefined();
  expect((await askEngine('POST', `/containers/${first?.Id}/kill`)).status).toBe(204);
  await expect.poll(() => running('web'), { timeout: 60_000 }).toBe(2);
  await pilothouse.go('/services/demo/web');
  await expect(page.getByTestId('service-status')).toContainText('Running', { timeout: 60_000 });
});

test('a container removed from outside comes back', async () => {
  const before = await containers('worker');
  expect((await askEngine('DELETE', `/containers/${before[0]?.Id}?force=1`)).status).toBe(204);
  await expect.poll(() => running('worker'), { timeout: 60_000 }).toBe(2);
  const after = await containers('worker');
  expect(after.map((row) => row.Id)).not.toContain(before[0]?.Id);
});

test('live log lines of all services run through the window', async () => {
  const { page } = pilothouse;
  await pilothouse.go('/logs');
  const lines = page.getByTestId('log-line');
  await expect(lines.filter({ hasText: 'worker.' }).first()).toBeVisible();
  await expect(lines.filter({ hasText: '"msg":"request"' }).first()).toBeVisible();
  const newest = await lines.last().textContent();
  await expect(lines.last()).not.toHaveText(newest ?? '');
  await page.getByTestId('log-query').locator('input').fill('"job done"');
  await expect(lines.filter({ hasText: '"msg":"request"' })).toHaveCount(0);
  await expect(lines.filter({ hasText: 'job done' }).first()).toBeVisible();
});

test('the service screen shows figures, its YAML and its events', async () => {
  const { page } = pilothouse;
  await pilothouse.go('/services/demo/web');
  await expect(page.getByTestId('chart-cpu').locator('canvas')).toBeVisible();
  await page.getByRole('tab', { name: 'YAML' }).click();
  await expect(page.locator('.cm-content')).toContainText('busybox');
  await page.getByRole('tab', { name: /Events/ }).click();
  await expect(page.getByText('web scaled 3 → 8')).toBeVisible();
});

test('switches language and theme', async () => {
  const { page } = pilothouse;
  await pilothouse.go('/settings');
  await page.getByTestId('setting-language').getByText('简体中文').click();
  await expect(page.getByRole('heading', { name: '设置' })).toBeVisible();
  await expect(page.locator('html')).toHaveAttribute('lang', 'zh-CN');
  await page.getByTestId('setting-theme').getByText('浅色').click();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'light');
  await page.getByTestId('setting-theme').getByText('深色').click();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.getByTestId('setting-language').getByText('English').click();
  await expect(page.getByRole('heading', { name: 'Settings' })).toBeVisible();
});

test('the command line sees and does the same', async () => {
  const listed = await pilothouse.cli('ps', 'demo', '--json');
  expect(listed.code, listed.stderr).toBe(0);
  expect(listed.stdout).toContain('demo/web');
  const scaled = await pilothouse.cli('scale', 'demo/worker=1', '--wait');
  expect(scaled.code, scaled.stderr).toBe(0);
  expect(await running('worker')).toBe(1);
});

test('a restart of the app adopts what runs and changes nothing', async () => {
  const ids = async (): Promise<string[]> =>
    (await Promise.all(['web', 'api', 'worker', 'cache'].map(containers)))
      .flat()
      .map((row) => row.Id)
      .sort();
  const before = await ids();
  pilothouse.app.process().kill('SIGKILL');
  const { home } = pilothouse;
  pilothouse = await launch({ engine: 'docker', home, firstRun: true });
  await pilothouse.go('/services');
  await expect(pilothouse.page.getByTestId('service-status-demo/web')).toHaveText('Running', { timeout: 60_000 });
  expect(await ids()).toEqual(before);
});

test('removing the stack leaves nothing of ours but the volume', async () => {
  const { page } = pilothouse;
  await pilothouse.go('/stacks');
  await page.getByRole('button', { name: 'Acts on demo', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Remove…' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByTestId('plan')).toContainText('web');
  await dialog.getByRole('button', { name: 'Remove demo' }).click();
  for (const service of ['web', 'api', 'worker', 'cache', 'migrate']) {
    await expect.poll(async () => (await containers(service)).length, { timeout: 60_000 }).toBe(0);
  }
});
