/** Every screen in both themes and both languages: it shows itself, reads well, and can be used without a mouse or eyes. */
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Pilothouse } from './pilothouse';

test.use({ appOptions: { engine: 'memory', args: ['--demo'] } });
test.describe.configure({ mode: 'serial', timeout: 240_000 });

interface Place {
  name: string;
  route: string;
  ready: string;
}

/** The screens, from where the pictures take them too. */
async function places(): Promise<Place[]> {
  const { screenList } = await import('../machine/screen-list.mjs');
  return screenList({ stack: 'demo', service: 'web' });
}

async function settings(pilothouse: Pilothouse, change: Record<string, unknown>): Promise<void> {
  const { ask } = await import('../machine/ask.mjs');
  await ask(join(pilothouse.home, 'socket'), 'settings.set', change);
}

test('the sample stack becomes healthy on the tour engine', async ({ pilothouse: { page, go } }) => {
  await go('/services');
  await expect(page.getByTestId('service-status-demo/web')).toContainText(/running/i, { timeout: 90_000 });
});

test('the tiles of the overview go on drawing while nobody touches them', async ({ pilothouse: { page, go } }) => {
  await go('/');
  const line = page.getByTestId('view-overview').locator('svg.spark path').first();
  await expect(line).toBeAttached();
  const before = await line.getAttribute('d');
  await expect.poll(() => line.getAttribute('d'), { timeout: 15_000 }).not.toBe(before);
});

for (const theme of ['dark', 'light'] as const) {
  test(`every screen is there and accessible in the ${theme} theme`, async ({ pilothouse }) => {
    const { page, go } = pilothouse;
    await settings(pilothouse, { theme, language: 'en' });
    await expect(page.locator('html')).toHaveAttribute('data-theme', theme);
    const faults: string[] = [];
    for (const place of await places()) {
      await go(place.route);
      await expect(page.getByTestId(place.ready), place.name).toBeVisible();
      await page.waitForTimeout(400);
      // The frame around the screens is the same everywhere, so it is looked at once; a theme changes colours and nothing else.
      const axe = new AxeBuilder({ page }).setLegacyMode();
      if (theme === 'dark') axe.withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']);
      else axe.withRules('color-contrast');
      if (place.name !== 'overview') axe.include(`[data-testid="${place.ready}"]`);
      const { violations } = await axe.analyze();
      for (const violation of violations) {
        const where = violation.nodes.slice(0, 3).map((node) => node.html.slice(0, 160));
        faults.push(`${place.name}: ${violation.id} (${violation.nodes.length}×) ${where.join(' | ')}`);
      }
    }
    expect(faults).toEqual([]);
  });
}

test('every screen speaks Chinese, and nothing falls back to a key', async ({ pilothouse }) => {
  const { page, go } = pilothouse;
  await settings(pilothouse, { language: 'zh-CN' });
  await expect(page.locator('html')).toHaveAttribute('lang', 'zh-CN');
  for (const place of await places()) {
    await go(place.route);
    await expect(page.getByTestId(place.ready), place.name).toBeVisible();
    const text = await page.locator('body').innerText();
    expect(text, place.name).toMatch(/[\u4e00-\u9fff]/);
    expect(text, place.name).not.toMatch(
      /\b(pages|common|frame|service|apply|logs|events)\.[a-z][A-Za-z]+\.[a-z][A-Za-z.]+/,
    );
  }
  await settings(pilothouse, { language: 'en', theme: 'system' });
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
});

test('language and theme are switched in the window', async ({ pilothouse: { page, go } }) => {
  await go('/settings');
  const root = page.locator('html');
  await page.getByTestId('setting-theme').getByText(/light/i).click();
  await expect(root).toHaveAttribute('data-theme', 'light');
  await page.getByTestId('setting-theme').getByText(/dark/i).click();
  await expect(root).toHaveAttribute('data-theme', 'dark');
  await page.getByTestId('setting-language').getByText('简体中文').click();
  await expect(root).toHaveAttribute('lang', 'zh-CN');
  await page.getByTestId('setting-language').getByText('English').click();
  await expect(root).toHaveAttribute('lang', 'en');
});

test('nothing runs over the edge at the narrow width', async ({ pilothouse }) => {
  const { app, page, go } = pilothouse;
  await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.setContentSize(1024, 768));
  const wide: string[] = [];
  for (const place of await places()) {
    await go(place.route);
    await expect(page.getByTestId(place.ready), place.name).toBeVisible();
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (over > 0) wide.push(`${place.name}: ${over} px`);
  }
  expect(wide).toEqual([]);
});

test('the page reported no error and no breach of its policy', async ({ pilothouse: { page, go } }) => {
  const said: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') said.push(message.text());
  });
  page.on('pageerror', (error) => said.push(error.message));
  for (const place of await places()) {
    await go(place.route);
    await expect(page.getByTestId(place.ready), place.name).toBeVisible();
    await page.waitForTimeout(200);
  }
  expect(said).toEqual([]);
});
