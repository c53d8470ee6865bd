/** The metrics screen in the real window: panels that draw, a query with completion and its error in place, boards, files. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from './pilothouse';

test.use({ appOptions: { engine: 'memory', args: ['--demo'] } });
test.describe.configure({ mode: 'serial', timeout: 120_000 });

const folder = mkdtempSync(join(tmpdir(), 'pilothouse-metrics-'));
test.afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('draws every service, and one by its replicas', async ({ pilothouse: { page, go } }) => {
  await go('/services');
  await expect(page.getByTestId('service-status-demo/web')).toContainText(/running/i, { timeout: 90_000 });
  await go('/metrics');
  const cpu = page.getByTestId('metric-cpu');
  await expect(cpu).toContainText('demo/web', { timeout: 30_000 });
  await go('/metrics?service=demo/web');
  await expect(cpu).toContainText('demo/web.1');
  await expect(cpu).not.toContainText('demo/api');
});

test('completes a query, marks what is wrong with it, and draws it', async ({ pilothouse: { page } }) => {
  const field = page.getByTestId('metrics-query').locator('.cm-content');
  await field.click();
  await page.keyboard.type('sum by (service) (memo');
  await expect(page.locator('.cm-tooltip-autocomplete')).toContainText('memory');
  // An offer takes a key only once it has stood for a moment.
  await page.waitForTimeout(150);
  await page.keyboard.press('Enter');
  await expect(field).toHaveText('sum by (service) (memory');
  await expect(page.getByRole('alert')).toContainText('ends too early');
  await expect(page.getByTestId('metrics-query').locator('.cm-lintRange-error, .cm-lintPoint-error')).toHaveCount(1);
  await page.keyboard.type(')');
  await expect(page.getByRole('alert')).toHaveCount(0);
  await expect(page.getByTestId('metrics-own')).toContainText('demo/worker');
});

test('pins a chart to a board that outlives the window', async ({ pilothouse: { page } }) => {
  await page.getByTestId('metrics-pin').click();
  await page.getByTestId('pin-title').locator('input').fill('Memory of services');
  await page.getByTestId('pin-save').click();
  await page.getByRole('tab', { name: /My board/ }).click();
  await page.reload();
  await expect(page.getByRole('tab', { name: /My board/ })).toHaveAttribute('aria-selected', 'true');
  await expect(page.getByRole('region', { name: 'Memory of services' })).toContainText('demo/web', { timeout: 30_000 });
});

test('saves a picture and a table', async ({ pilothouse: { app, page } }) => {
  const panel = page.getByRole('region', { name: 'Memory of services' });
  for (const [name, kind] of [
    ['one.png', 'PNG'],
    ['one.csv', 'CSV'],
  ] as const) {
    const path = join(folder, name);
    await app.evaluate(({ dialog }, filePath) => {
      dialog.showSaveDialog = () => Promise.resolve({ canceled: false, filePath });
    }, path);
    await panel.getByRole('button', { name: /Acts on/ }).click();
    await page.getByRole('menuitem', { name: `Save as ${kind}` }).click();
    await expect(page.getByText('Saved Memory of services').first()).toBeVisible();
    await expect.poll(() => readFileSync(path).length).toBeGreaterThan(100);
  }
  expect(readFileSync(join(folder, 'one.png')).subarray(1, 4).toString()).toBe('PNG');
  const [head = '', first = ''] = readFileSync(join(folder, 'one.csv'), 'utf8').split('\r\n');
  expect(head).toContain('demo/web');
  expect(first.split(',')).toHaveLength(head.split(',').length);
});
