/**
 * The config center in the real window: an item made, edited with its mistake shown, published, changed, rolled back; replicas that have it
 * as a file, and what each of them acknowledged.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, type Pilothouse } from './pilothouse';

test.use({ appOptions: { engine: 'memory' } });
test.describe.configure({ mode: 'serial', timeout: 120_000 });

test('an item is made, edited, published and rolled back', async ({ pilothouse: { page, go } }) => {
  await go('/config');
  await page.getByTestId('config-new').click();
  await page.getByTestId('config-create-name').getByRole('textbox').fill('checkout.yaml');
  await page.getByTestId('config-create-now').click();
  // Closing, the dialog hands the focus back.
  await expect(page.getByRole('dialog')).toHaveCount(0);
  const editor = page.getByTestId('config-editor').getByRole('textbox');
  await editor.click();
  await page.keyboard.type('server: port: 1');
  const status = page.getByTestId('view-config').locator('footer');
  await expect(status).toContainText(/line 1/i);
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type('port: 7000');
  await expect(status).toContainText(/valid yaml.*draft kept/i);

  await page.getByTestId('config-publish-open').click();
  await expect(page.getByTestId('config-publish')).toContainText('port: 7000');
  await page.getByRole('dialog').getByRole('textbox', { name: 'note' }).fill('first port');
  await page.getByTestId('config-publish-now').click();
  await expect(status).toContainText('As released, #1');

  await expect(page.getByRole('dialog')).toHaveCount(0);
  await editor.click();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type('port: 8000');
  await page.getByTestId('config-publish-open').click();
  await page.getByTestId('config-publish-now').click();
  await expect(status).toContainText('As released, #2');

  await page.getByRole('radio', { name: 'History' }).click();
  await page.getByTestId('config-release-1').click();
  await expect(page.getByTestId('config-history')).toContainText('port: 7000');
  await expect(page.getByTestId('config-release-1')).toContainText('first port');
  await page.getByTestId('config-rollback').click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /roll back to #1/i })
    .click();
  await expect(page.getByTestId('config-release-3')).toContainText('active');
});

async function settings(pilothouse: Pilothouse, change: Record<string, unknown>): Promise<void> {
  const { ask } = await import('../machine/ask.mjs');
  await ask(join(pilothouse.home, 'socket'), 'settings.set', change);
}

test('replicas get a release as a file and say so; a guarded one goes to one first', async ({ pilothouse }) => {
  const { page, go, cli, home } = pilothouse;
  expect(await cli('config', 'set', '--format', 'properties', '--publish', 'files/app', 'level=info')).toMatchObject({
    code: 0,
  });
  const folder = join(home, 'files');
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'compose.yaml'),
    `name: files
services:
  web:
    image: nginx:latest
    deploy: { replicas: 4 }
    configs: [{ source: app, target: /etc/app.properties }]
    x-pilothouse: { config: [{ source: app, signal: HUP }] }
  job:
    image: nginx:latest
    environment: { LEVEL: '\${config:app#level}' }
configs:
  app: { external: true }
`,
  );
  expect((await cli('up', '-f', join(folder, 'compose.yaml'), '--wait')).code).toBe(0);
  await go('/config/files/default/app');
  const readers = page.getByTestId('config-users');
  await expect(readers.getByRole('listitem')).toHaveCount(5);
  await expect(readers.getByText('#1', { exact: true })).toHaveCount(5);

  const editor = page.getByTestId('config-editor').getByRole('textbox');
  await editor.click();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type('level=debug');
  await page.getByTestId('config-publish-open').click();
  const dialog = page.getByTestId('config-publish');
  await expect(dialog.getByText('files/web.4')).toBeVisible();
  await expect(dialog).toContainText('is replaced by an ordinary rollout');
  await page.getByRole('radio', { name: 'Guarded' }).click();
  await expect(dialog).toContainText('First to one');
  await expect(dialog.getByRole('listitem')).toHaveText(/files\/web\.1/);
  await page.screenshot({ path: 'test-results/config/guarded.png' });
  await page.getByTestId('config-publish-now').click();
  await expect(page.getByTestId('config-gray')).toContainText('files/web.1');
  await expect(readers.getByText('#2', { exact: true })).toHaveCount(1);
  await page.screenshot({ path: 'test-results/config/watching.png' });

  await page.getByTestId('config-gray').getByRole('button', { name: 'Widen to all' }).click();
  await expect(readers.getByText('#3', { exact: true })).toHaveCount(5, { timeout: 60_000 });
  await page.getByRole('radio', { name: 'History' }).click();
  await expect(page.getByTestId('config-holders')).toContainText('files/web.3');
  for (const [theme, language] of [
    ['dark', 'en'],
    ['light', 'zh-CN'],
  ]) {
    await settings(pilothouse, { theme, language });
    await expect(page.locator('html')).toHaveAttribute('data-theme', theme ?? '');
    await page.screenshot({ path: `test-results/config/holders-${theme}.png` });
  }
});
