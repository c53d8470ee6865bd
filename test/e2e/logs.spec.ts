/** The log screen's tools in the real window: completion, kinds of lines, around a line, saved views, a link with its time, files. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from './pilothouse';

test.use({ appOptions: { engine: 'memory', args: ['--demo'] } });
test.describe.configure({ mode: 'serial', timeout: 120_000 });

const folder = mkdtempSync(join(tmpdir(), 'pilothouse-logs-'));
test.afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('completes a query by keyboard', async ({ pilothouse: { page, go } }) => {
  await go('/services');
  await expect(page.getByTestId('service-status-demo/web')).toContainText(/running/i, { timeout: 90_000 });
  await go('/logs');
  await expect(page.getByTestId('log-line').first()).toBeVisible({ timeout: 30_000 });
  const field = page.getByTestId('log-query').locator('input');
  await field.click();
  await page.keyboard.type('serv');
  await expect(page.getByTestId('filter-offers')).toContainText('service:');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.keyboard.type('wor');
  await page.keyboard.press('Tab');
  await expect(field).toHaveValue('service:demo/worker ');
  await expect(page.getByTestId('log-line').first()).toContainText('worker.');
});

test('keeps a view and shows it again', async ({ pilothouse: { page } }) => {
  await page.getByTestId('log-views').click();
  await page.getByTestId('log-view-name').locator('input').fill('Workers');
  await page.getByTestId('log-view-save').click();
  await expect(page.getByRole('button', { name: 'Workers', exact: true })).toBeVisible();
  await page.keyboard.press('Escape');
  await page.getByTestId('log-query').locator('input').fill('');
  await page.getByTestId('log-views').click();
  await page.getByRole('button', { name: 'Workers', exact: true }).click();
  await expect(page.getByTestId('log-query').locator('input')).toHaveValue('service:demo/worker');
});

test('shows what was written around a line', async ({ pilothouse: { page } }) => {
  const first = page.getByTestId('log-line').first();
  await expect(first).toBeVisible();
  await page.getByTestId('log-list').focus();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  await page.getByTestId('log-around').first().click();
  await expect(page.getByTestId('log-context').locator('.current')).toHaveCount(1);
  expect(await page.getByTestId('log-context').locator('.log-line').count()).toBeGreaterThan(1);
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('log-context')).toHaveCount(0);
});

test('lists kinds of lines and leads to them', async ({ pilothouse: { page } }) => {
  await page.getByTestId('log-patterns-toggle').click();
  const panel = page.getByTestId('log-patterns');
  const kind = panel.locator('li button').first();
  await expect(kind).toBeVisible();
  await expect(panel).toContainText(/kinds in/);
  await kind.click();
  await expect(page.getByTestId('log-query').locator('input')).toHaveValue(/^service:demo\/worker ".+"$/);
  await expect(page.getByTestId('log-line').first()).toBeVisible();
  await page.getByTestId('log-patterns-toggle').click();
});

test('a link carries the query and the time', async ({ pilothouse: { page, go } }) => {
  const to = Date.now();
  await go(`/logs?q=service%3Ademo%2Fweb&from=${to - 60_000}&to=${to}`);
  await expect(page.getByTestId('log-query').locator('input')).toHaveValue('service:demo/web');
  await expect(page.getByTestId('log-line').first()).toContainText('web.');
  await expect(page.getByRole('button', { name: 'Go live' })).toBeVisible();
  await expect.poll(() => page.evaluate(() => location.hash)).toBe('#/logs?q=service:demo/web');
});

test('saves the selection as JSON', async ({ pilothouse: { app, page } }) => {
  const path = join(folder, 'lines.json');
  await app.evaluate(({ dialog }, filePath) => {
    dialog.showSaveDialog = () => Promise.resolve({ canceled: false, filePath });
  }, path);
  await page.getByTestId('log-export').click();
  await page.getByRole('menuitem', { name: /JSON/ }).click();
  await expect(page.getByText(/^Saved \d+ lines$/).first()).toBeVisible();
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .map((text) => JSON.parse(text) as { service: string });
  expect(lines.length).toBeGreaterThan(0);
  expect(new Set(lines.map(({ service }) => service))).toEqual(new Set(['demo/web']));
});
