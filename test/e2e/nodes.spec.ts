/** The nodes screen: a second engine is tried and joined, takes its share, and is emptied after a look at what that does. */
import { writeFileSync } from 'node:fs';
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
