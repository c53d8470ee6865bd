/** The nodes screen: a second engine is tried and joined, takes its share, and is emptied after a look at what that does. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from './pilothouse';

const compose = `name: shop
services:
  web:
    image: nginx:1.27
    networks: [front]
    deploy: { replicas: 4 }
  db:
    image: postgres:16
    networks: [back]
    volumes: ['data:/var/lib/postgresql/data']
    deploy: { placement: { constraints: ['node.labels.disk == ssd'] } }
networks: { front: {}, back: {} }
volumes: { data: {} }
`;

test('an engine is joined, takes its share, and is emptied', async ({ pilothouse }) => {
  test.setTimeout(120_000);
  const { page, go, cli, home } = pilothouse;
  await go('/nodes');
  await expect(page.getByTestId('view-nodes')).toContainText('One machine.');
  await page.getByTestId('node-add').click();
  const dialog = page.getByTestId('node-dialog');
  await dialog.getByLabel('Address or Docker context').fill('tcp://192.0.2.1:2375');
  await page.getByTestId('node-try').click();
  await expect(page.getByTestId('node-problem')).toContainText('not encrypted');
  await dialog.getByLabel('Address or Docker context').fill('memory:second');
  await page.getByTestId('node-try').click();
  await expect(page.getByTestId('node-test')).toContainText('answers in');
  await dialog.getByLabel('Name', { exact: true }).fill('second');
  await dialog.getByLabel('Labels').fill('disk=ssd');
  await page.getByTestId('node-save').click();
  await expect(page.getByTestId('view-nodes')).toContainText('disk=ssd');
  await expect(page.getByText('Ready', { exact: true })).toHaveCount(2);

  const file = join(home, 'compose.yaml');
  writeFileSync(file, compose);
  const up = await cli('up', '-f', file, '--wait');
  expect(up.code, up.stderr).toBe(0);
  await expect(page.getByText('3 replicas', { exact: false })).toBeVisible();
  await expect(page.getByText('2 replicas', { exact: false })).toBeVisible();

  // Why is it here? The window and the command line say the same of a replica that runs.
  await go('/services/shop/web/replicas');
  await page.getByTestId('replica-shop/web.2').click();
  const why = page.getByTestId('placement');
  await expect(why).toContainText('Of 2 nodes that could take it');
  await expect(why.getByRole('row', { name: 'apart from its like' })).toContainText('−0.');
  await page.getByTestId('replica-panel').getByRole('button', { name: 'Close' }).click();
  await expect(why).toBeHidden();
  const told = await cli('explain', 'shop/web.2');
  expect(told.stdout).toContain('Of 2 nodes that could take it');
  expect(told.stdout).toContain('apart from its like -0.');
  const data = JSON.parse((await cli('explain', 'shop/db.1', '--json')).stdout) as { placement: object };
  expect(data.placement).toMatchObject({
    node: 'second',
    revision: 1,
    refused: [{ words: { code: 'place.constraint' } }],
  });
  await go('/nodes');

  await page.getByTestId('node-drain').nth(1).click();
  const steps = page.getByTestId('drain-steps');
  await expect(steps.locator('li').filter({ hasText: 'shop/db' })).toContainText('Its volume shop_data lies on second');
  await expect(steps.locator('li').filter({ hasText: 'shop/web' })).toContainText('Goes to');
  await page.getByRole('dialog').getByRole('button', { name: 'Drain', exact: true }).click();
  await expect(page.getByText('4 replicas', { exact: false })).toBeVisible({ timeout: 30_000 });
  await expect(page.getByText('1 replicas', { exact: false })).toBeVisible();
  await page.getByTestId('node-cordon').nth(1).click();
  await expect(page.getByText('Ready', { exact: true })).toHaveCount(2);
  const listed = await cli('node', 'ls');
  expect(listed.stdout).toContain('memory:second');
});

test('what lies on the second is listed with it, and looked into and backed up there', async ({ pilothouse }) => {
  const { ask } = await import('../machine/ask.mjs');
  const { page, go, home, cli } = pilothouse;
  await go('/volumes');
  const list = page.getByTestId('view-volumes');
  await expect(list.getByRole('row', { name: /shop_data/ })).toContainText('second');
  await list.getByTestId('node-select').click();
  await page.getByRole('option', { name: 'second' }).click();
  await expect(list.getByRole('row', { name: /shop_data/ })).toHaveCount(1);
  await list.getByRole('link', { name: 'shop_data' }).click();
  const panel = page.getByTestId('volume-panel');
  await panel.getByRole('tab', { name: /Backups/ }).click();
  await panel.getByTestId('backup').click();
  await expect(panel.getByRole('button', { name: 'Restore', exact: true })).toBeVisible({ timeout: 30_000 });
  await panel.getByRole('tab', { name: 'Details' }).click();
  await expect(panel).toContainText('second');
  await page.screenshot({ path: 'test-results/nodes/volumes-dark.png' });
  await ask(join(home, 'socket'), 'settings.set', { language: 'zh-CN', theme: 'light' });
  await go('/images');
  await page.getByTestId('pull').click();
  await page.getByRole('dialog').getByTestId('node-select').click();
  await expect(page.getByRole('option', { name: 'second' })).toBeVisible();
  await page.screenshot({ path: 'test-results/nodes/pull-zh.png' });
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await go('/networks');
  await expect(page.getByTestId('view-networks')).toContainText('second');
  await page.screenshot({ path: 'test-results/nodes/networks-zh.png' });
  const listed = await cli('volume', 'ls', '--node', 'second');
  expect(listed.stdout).toMatch(/shop_data\s+second/);
  expect((await cli('volume', 'backups')).stdout).toContain('shop_data');
  await ask(join(home, 'socket'), 'settings.set', { language: 'en', theme: 'dark' });
});

test('a host that is met for the first time is shown by its fingerprint', async ({ pilothouse }) => {
  const sshd = '/usr/sbin/sshd';
  test.skip(!existsSync(sshd), 'There is no sshd here: install openssh-server.');
  const { page, go } = pilothouse;
  const folder = mkdtempSync(join(tmpdir(), 'pilothouse-sshd-'));
  const key = join(folder, 'host');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  mkdirSync('/run/sshd', { recursive: true });
  const port = 23_000 + (process.pid % 9000);
  const options = [`Port=${port}`, 'ListenAddress=127.0.0.1', `HostKey=${key}`, `PidFile=${join(folder, 'pid')}`];
  const server = spawn(sshd, ['-D', '-f', '/dev/null', ...options.flatMap((one) => ['-o', one])], { stdio: 'ignore' });
  try {
    await go('/nodes');
    await page.getByTestId('node-add').click();
    const dialog = page.getByTestId('node-dialog');
    await dialog.getByLabel('Address or Docker context').fill(`ssh://me@127.0.0.1:${port}`);
    const fingerprint = /SHA256:\S+/.exec(execFileSync('ssh-keygen', ['-lf', `${key}.pub`]).toString())?.[0] ?? 'none';
    await expect(async () => {
      await page.getByTestId('node-try').click();
      await expect(page.getByTestId('node-problem')).toContainText(fingerprint, { timeout: 10_000 });
    }).toPass({ timeout: 40_000 });
    const accept = page.getByTestId('node-trust');
    await expect(accept).toBeDisabled();
    await page.getByTestId('node-host-key').getByRole('checkbox').click();
    await expect(accept).toBeEnabled();
    await page.screenshot({ path: 'test-results/nodes/host-key.png' });
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  } finally {
    server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
});
