/** The topology in the real window: walked by keyboard, opened, and the same as a list. */
import { expect, test } from './pilothouse';

test.use({ appOptions: { engine: 'memory', args: ['--demo'] } });
test.describe.configure({ mode: 'serial', timeout: 120_000 });

test('draws the map, and arrows walk it', async ({ pilothouse: { page, go } }) => {
  await go('/services');
  await expect(page.getByTestId('service-status-demo/web')).toContainText(/running/i, { timeout: 90_000 });
  await go('/topology');
  const map = page.getByTestId('topology-map');
  await expect.poll(async () => Number(await map.getAttribute('data-items'))).toBeGreaterThan(15);
  await map.focus();
  await page.keyboard.press('ArrowDown');
  const panel = page.getByTestId('topology-panel');
  await expect(panel).toContainText('demo/api');
  await page.keyboard.press('ArrowRight');
  await expect(panel).toContainText('demo/api.1');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('view-service')).toContainText('api');
});

test('is the same as a list, filtered as the map is', async ({ pilothouse: { page, go } }) => {
  await go('/topology?as=list');
  const list = page.getByTestId('topology-list');
  await expect(list).toContainText('demo/web.1');
  await page.getByPlaceholder('Filter services').fill('worker');
  await expect(list).not.toContainText('demo/web.1');
  await expect(list).toContainText('demo/worker.1');
});
