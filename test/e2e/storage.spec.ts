/** Volumes in the real window: a file goes in, is seen, is backed up and restored; images are tagged; a network is looked at. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from './pilothouse';

const compose = `
name: shop
services:
  db:
    image: busybox
    command: ['sh', '-c', 'while true; do sleep 1; done']
    volumes: ['data:/data']
volumes: { data: {} }
`;

test('a volume is filled, looked into, backed up and restored', async ({ pilothouse }) => {
  const { page, cli, go } = pilothouse;
  const folder = mkdtempSync(join(tmpdir(), 'e2e-storage-'));
  writeFileSync(join(folder, 'compose.yaml'), compose);
  writeFileSync(join(folder, 'hello.txt'), 'hello from the window\n');
  expect((await cli('up', '-f', join(folder, 'compose.yaml'), '--wait')).code).toBe(0);
  await go('/volumes');
  const view = page.getByTestId('view-volumes');
  await view.getByText('shop_data').first().dblclick();
  await go('/volumes/shop_data/files');
  const panel = page.getByTestId('volume-panel');
  await expect(panel.getByText(/This folder is empty|此文件夹为空/)).toBeVisible();
  await panel.locator('input[type=file]').setInputFiles(join(folder, 'hello.txt'));
  await panel.getByRole('button', { name: 'hello.txt', exact: true }).click();
  await expect(panel.locator('pre')).toHaveText('hello from the window\n');
  await page.screenshot({ path: 'test-results/storage/files.png' });
  await go('/volumes/shop_data/backups');
  await panel.getByTestId('backup').click();
  await expect(panel.getByRole('button', { name: 'Restore', exact: true })).toBeVisible();
  await page.screenshot({ path: 'test-results/storage/backups.png' });
  await panel.getByRole('button', { name: 'Restore', exact: true }).click();
  await page.getByRole('dialog').getByText('Put it in the place of shop_data').click();
  await page.screenshot({ path: 'test-results/storage/restore.png' });
  await page.getByRole('dialog').getByRole('button', { name: 'Restore', exact: true }).click();
  await expect(view.getByText(/shop_data\.r\d+/).first()).toBeVisible();
  await page.getByTestId('prune').click();
  await expect(page.getByTestId('prune-items')).toContainText('shop_data');
  await page.screenshot({ path: 'test-results/storage/prune.png' });
  await page.keyboard.press('Escape');
  await go('/images');
  await page.getByTestId('view-images').getByText('busybox:latest').first().click();
  await page.keyboard.press('Enter');
  await page.screenshot({ path: 'test-results/storage/images.png' });
  await go('/networks');
  await expect(page.getByTestId('view-networks').getByText('shop_default')).toBeVisible();
  const list = await cli('network', 'ls', '--json');
  const network = (JSON.parse(list.stdout) as { id: string; name: string }[]).find(
    (one) => one.name === 'shop_default',
  );
  await go(`/networks/${network?.id}`);
  await expect(page.getByTestId('network-panel').getByText('shop.db.1.g', { exact: false })).toBeVisible();
  await page.screenshot({ path: 'test-results/storage/networks.png' });
  rmSync(folder, { recursive: true, force: true });
});

const stateful = (version: number): string => `
name: ledger
services:
  db:
    image: busybox
    init: true
    command: ['sh', '-c', 'echo v${version} >> /data/log; exec sleep 100000']
    stop_grace_period: 0s
    volumes: ['data:/data']
    deploy: { replicas: 2, update_config: { order: stop-first, monitor: 0s } }
    x-pilothouse: { stateful: true, checkpoint: live }
volumes: { data: {} }
`;

test('an update leaves a checkpoint behind, and the way back offers its data', async ({ pilothouse }) => {
  const { page, cli, go, home } = pilothouse;
  const { ask } = await import('../machine/ask.mjs');
  const folder = mkdtempSync(join(tmpdir(), 'e2e-checkpoint-'));
  const file = join(folder, 'compose.yaml');
  writeFileSync(file, stateful(1));
  expect((await cli('up', '-f', file, '--wait')).code).toBe(0);
  writeFileSync(file, stateful(2));
  expect((await cli('plan', '-f', file)).stdout).toContain('Back up ledger_data before');
  expect((await cli('up', '-f', file, '--wait')).code).toBe(0);
  await go('/services/ledger/db/rollouts');
  const first = page.getByRole('button', { name: /^r1/ });
  await expect(first).toContainText('checkpoint', { timeout: 30_000 });
  await first.click();
  await page.getByRole('button', { name: 'Back to this' }).click();
  await expect(page.getByTestId('with-data')).toBeVisible();
  await page.screenshot({ path: 'test-results/storage/checkpoint.png' });
  await ask(join(home, 'socket'), 'settings.set', { language: 'zh-CN', theme: 'light' });
  await expect(page.getByText('同时恢复')).toBeVisible();
  await page.screenshot({ path: 'test-results/storage/checkpoint-zh.png' });
  await page.getByRole('dialog').getByRole('button', { name: '回滚', exact: true }).click();
  await expect(page.getByText(/ledger\/db 在版本|已连同|回到/).first()).toBeVisible({ timeout: 60_000 });
  await expect
    .poll(async () => (await cli('volume', 'ls', '--json')).stdout, { timeout: 60_000 })
    .toMatch(/ledger_data\.r\d{8}t\d{6}-2/);
  rmSync(folder, { recursive: true, force: true });
});
