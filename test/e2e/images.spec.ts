/** Images and large folders in the real window over a real engine: built, with the builder's words, asked about at registries; paged. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from './pilothouse';

test.use({ appOptions: { engine: 'docker' } });

test('an image is built from a folder in the window; without a registry its newness is unknown', async ({
  pilothouse,
}) => {
  const { page, go, home } = pilothouse;
  const { ask } = await import('../machine/ask.mjs');
  const folder = mkdtempSync(join(tmpdir(), 'e2e-build-'));
  writeFileSync(join(folder, 'Dockerfile'), 'FROM busybox\nCOPY hello.txt /\nRUN cat /hello.txt\n');
  writeFileSync(join(folder, 'hello.txt'), 'hello from the context\n');
  await go('/images');
  const view = page.getByTestId('view-images');
  await page.getByTestId('build').click();
  const form = page.getByTestId('build-form');
  await form.getByLabel('Folder (whole path)').fill(folder);
  await form.getByLabel('Name of the image').fill('window/hello:1');
  await page.screenshot({ path: 'test-results/images/build.png' });
  await page.getByRole('dialog').getByRole('button', { name: 'Build', exact: true }).click();
  await expect(view.getByText('window/hello:1')).toBeVisible({ timeout: 60_000 });
  writeFileSync(join(folder, 'Dockerfile'), 'FROM busybox\nRUN echo so far && exit 3\n');
  await page.getByTestId('build').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Build', exact: true }).click();
  await expect(page.getByTestId('build-log')).toContainText('so far', { timeout: 60_000 });
  await page.getByTestId('check-images').click();
  await expect(view.getByText('unknown').first()).toBeVisible({ timeout: 60_000 });
  await page.screenshot({ path: 'test-results/images/built.png' });
  await ask(join(home, 'socket'), 'settings.set', { language: 'zh-CN', theme: 'light' });
  await expect(view.getByText('未知').first()).toBeVisible();
  await page.screenshot({ path: 'test-results/images/built-zh.png' });
  rmSync(folder, { recursive: true, force: true });
});

test('a stack builds its image first; a build that fails is seen and changes nothing', async ({ pilothouse }) => {
  const { page, cli, go, home } = pilothouse;
  const { ask } = await import('../machine/ask.mjs');
  const folder = mkdtempSync(join(tmpdir(), 'e2e-stack-'));
  const steps = (last: string): string =>
    `FROM busybox\nRUN echo one word && sleep 2\nRUN ${last}\nCMD ["sleep", "1000"]\n`;
  const compose = 'name: builder\nservices:\n  web: { build: ., stop_grace_period: 0s }\n';
  writeFileSync(join(folder, 'compose.yaml'), compose);
  writeFileSync(join(folder, 'Dockerfile'), steps('true'));
  const up = await cli('up', '-f', join(folder, 'compose.yaml'), '--wait');
  expect([up.code, up.stderr]).toEqual([0, expect.stringContaining('Building builder-web')]);
  await ask(join(home, 'socket'), 'settings.set', { language: 'en', theme: 'dark' });
  writeFileSync(join(folder, 'Dockerfile'), steps('echo so far && exit 3'));
  await go('/apply/builder');
  await expect(page.getByTestId('plan')).toContainText('what lies there has changed', { timeout: 20_000 });
  await page.getByTestId('apply-now').click();
  const builds = page.getByTestId('apply-builds');
  await expect(builds).toContainText('Building builder-web', { timeout: 20_000 });
  await page.screenshot({ path: 'test-results/images/stack-building.png' });
  await expect(builds).toContainText('so far', { timeout: 60_000 });
  await expect(builds).toContainText('code: 3');
  await ask(join(home, 'socket'), 'settings.set', { language: 'zh-CN', theme: 'light' });
  await expect(builds).toContainText('失败');
  await page.screenshot({ path: 'test-results/images/stack-failed-zh.png' });
  const { stdout } = await cli('ps', 'builder', '--json');
  expect(JSON.parse(stdout)).toMatchObject([{ revision: 1, ready: 1 }]);
  expect((await cli('down', 'builder')).code).toBe(0);
  rmSync(folder, { recursive: true, force: true });
});

test('a large folder of a volume is shown a page at a time', async ({ pilothouse }) => {
  const { page, cli, go, home } = pilothouse;
  const { ask } = await import('../machine/ask.mjs');
  const folder = mkdtempSync(join(tmpdir(), 'e2e-paged-'));
  const file = join(folder, 'compose.yaml');
  writeFileSync(
    file,
    `
name: paged
services:
  db:
    image: busybox
    init: true
    command: ['sh', '-c', 'cd /data && mkdir -p sub && seq 1001 1450 | xargs touch && touch /done && exec sleep 100000']
    healthcheck: { test: ['CMD', 'test', '-e', '/done'], interval: 1s }
    stop_grace_period: 0s
    volumes: ['data:/data']
volumes: { data: {} }
`,
  );
  expect((await cli('up', '-f', file, '--wait')).code).toBe(0);
  await ask(join(home, 'socket'), 'settings.set', { language: 'en', theme: 'dark' });
  await go('/volumes/paged_data/files');
  const pages = page.getByTestId('volume-pages');
  await expect(pages).toContainText('1–200 of 451');
  await expect(page.getByTestId('volume-files').getByRole('listitem').first()).toContainText('sub');
  await pages.getByRole('button', { name: 'Next page' }).click();
  await pages.getByRole('button', { name: 'Next page' }).click();
  await expect(pages).toContainText('401–451 of 451');
  await pages.scrollIntoViewIfNeeded();
  await page.screenshot({ path: 'test-results/images/paged.png' });
  expect((await cli('down', 'paged', '--volumes')).code).toBe(0);
  rmSync(folder, { recursive: true, force: true });
});
