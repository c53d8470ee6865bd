/** The one time line: what led to what, chosen, saved, and marked on the charts of the service that it concerns. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from './pilothouse';

test.use({ appOptions: { engine: 'memory', args: ['--demo'] } });
test.describe.configure({ mode: 'serial' });
const folder = mkdtempSync(join(tmpdir(), 'pilothouse-events-'));
test.afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('an act of the user leads to what followed, by keyboard', async ({ pilothouse: { page, go, home } }) => {
  await go('/services');
  await expect(page.getByTestId('service-status-demo/web')).toContainText(/running/i, { timeout: 90_000 });
  const { ask } = await import('../machine/ask.mjs');
  await ask(join(home, 'socket'), 'services.scale', { service: 'demo/web', replicas: 4 });
  await go('/events');
  const view = page.getByTestId('view-events');
  await expect(view.getByText(/demo\/web\.4 ready/)).toBeVisible({ timeout: 30_000 });
  await page.keyboard.press('/');
  await page.keyboard.type('web scaled');
  const row = view.getByRole('row').filter({ hasText: 'web scaled 3 → 4' });
  await expect(row).toHaveCount(1);
  await row.click();
  await page.keyboard.press('Enter');
  const chain = page.getByTestId('event-chain');
  await expect(chain.getByRole('listitem').first()).toContainText('web scaled 3 → 4');
  await expect(chain).toContainText('demo/web.4 ready');
  await chain.getByRole('link', { name: /demo\/web\.4 ready/ }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('event-panel')).toContainText('replica.ready');
  await expect(chain.getByRole('listitem').first()).toContainText('web scaled 3 → 4');
});

test('what is chosen is saved as CSV and as JSON', async ({ pilothouse: { app, page } }) => {
  const view = page.getByTestId('view-events');
  await view.getByRole('textbox').first().fill('demo/web.4');
  for (const kind of ['csv', 'json'] as const) {
    const path = join(folder, `events.${kind}`);
    await app.evaluate(({ dialog }, filePath) => {
      dialog.showSaveDialog = () => Promise.resolve({ canceled: false, filePath });
    }, path);
    await page.getByTestId('events-export').click();
    await page.getByRole('menuitem', { name: kind.toUpperCase() }).click();
    await expect.poll(() => readFileSync(path, { encoding: 'utf8', flag: 'a+' }).length).toBeGreaterThan(100);
  }
  const rows = JSON.parse(readFileSync(join(folder, 'events.json'), 'utf8')) as { replica?: string; text: string }[];
  expect(rows.length).toBeGreaterThan(1);
  for (const { replica, text } of rows) expect(`${replica ?? ''} ${text}`).toContain('demo/web.4');
  const [head = '', ...lines] = readFileSync(join(folder, 'events.csv'), 'utf8').split('\r\n');
  expect(head).toBe('time,actor,kind,text,stack,service,replica,count,id,cause');
  expect(lines).toHaveLength(rows.length);
});

test('a mark on a chart leads to its event', async ({ pilothouse: { page, go } }) => {
  await go('/services/demo/web');
  const mark = page.getByTestId('chart-cpu').getByRole('button', { name: /web scaled 3 → 4/ });
  await expect(mark).toBeVisible({ timeout: 15_000 });
  await mark.click();
  await expect(page.getByTestId('event-panel')).toContainText('service.scaled');
});

test('marks of a chart are walked by arrows, and Enter opens their event', async ({ pilothouse: { page, go } }) => {
  await go('/services/demo/web');
  const chart = page.getByTestId('chart-cpu');
  const marks = chart.getByRole('group', { name: /marks/ }).getByRole('button');
  await expect(chart.getByRole('button', { name: /web scaled 3 → 4/ })).toBeVisible({ timeout: 15_000 });
  expect(await marks.count()).toBeGreaterThan(1);
  // One stop of the Tab key, whatever their number.
  await expect(chart.locator('[data-key][tabindex="0"]')).toHaveCount(1);
  await chart.locator('[data-key][tabindex="0"]').focus();
  await page.keyboard.press('Home');
  await expect(marks.first()).toBeFocused();
  await page.keyboard.press('ArrowRight');
  await expect(marks.nth(1)).toBeFocused();
  // The time cursor of the window goes along.
  await expect(page.getByRole('slider', { name: /time line/i })).not.toHaveAttribute('aria-valuetext', /following/i);
  const scaled = chart.getByRole('button', { name: /web scaled 3 → 4/ });
  for (let step = 0; step < 60 && !(await scaled.evaluate((one) => one === document.activeElement)); step++)
    await page.keyboard.press('ArrowRight');
  await expect(scaled).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('event-panel')).toContainText('service.scaled');
});

test("the overview's curves show what happened in their minute", async ({ pilothouse: { page, go, home } }) => {
  const { ask } = await import('../machine/ask.mjs');
  await go('/');
  const tile = page.getByTestId('tile-demo/web');
  await expect(tile.locator('svg.spark')).toHaveCount(2);
  await ask(join(home, 'socket'), 'services.scale', { service: 'demo/web', replicas: 3 });
  const mark = tile.locator('svg.spark').first().locator('[data-tip*="web scaled 4 → 3"]');
  await expect(mark).toHaveCount(1, { timeout: 15_000 });
  await expect(tile.getByRole('img', { name: /web scaled 4 → 3/ })).toHaveCount(2);
});
