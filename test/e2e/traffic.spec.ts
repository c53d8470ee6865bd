/** Traffic in the real window: rates of every replica, weights and drains by keyboard, addresses to copy. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noEngine, noEngineReason } from './engine';
import { expect, launch, test, type Pilothouse } from './pilothouse';

const port = 18_000 + (process.pid % 2000);
const compose = `
name: flow
services:
  web:
    image: pilothouse/demo-app:1
    environment: { LOG_RATE: '0' }
    ports: ['${port}:8080']
    stop_grace_period: 1s
    deploy: { replicas: 3 }
    x-pilothouse: { traffic: { mode: http, route: { port: 8080 } } }
`;

test.describe.configure({ mode: 'serial' });
test.skip(noEngine, noEngineReason);

let pilothouse: Pilothouse;
let folder: string;
let load: NodeJS.Timeout | undefined;
test.beforeAll(async () => {
  if (noEngine()) return;
  folder = mkdtempSync(join(tmpdir(), 'pilothouse-flow-'));
  writeFileSync(join(folder, 'compose.yaml'), compose);
  pilothouse = await launch({ engine: 'docker' });
  const up = await pilothouse.cli('up', '-f', join(folder, 'compose.yaml'), '--wait');
  expect(up.code, up.stderr).toBe(0);
});
test.afterAll(async () => {
  if (noEngine()) return;
  clearInterval(load);
  await pilothouse.cli('down', 'flow', '--volumes');
  await pilothouse.close();
  rmSync(folder, { recursive: true, force: true });
});

test('shows how requests reach the replicas', async () => {
  const { page } = pilothouse;
  const host = process.env['PILOTHOUSE_TEST_ADDRESS'] ?? '127.0.0.1';
  load = setInterval(() => {
    get({ host, port }, (answer) => answer.resume()).on('error', () => undefined);
  }, 15);
  await pilothouse.go('/services/flow/web/traffic');
  const tab = page.getByTestId('traffic');
  await expect(tab).toContainText('Balancing over 3 replicas', { timeout: 30_000 });
  await expect(tab).toContainText('http://web.flow.localhost');
  await expect(page.getByTestId('traffic-flow/web.3')).toBeVisible();
  // Milliseconds of the 95th percentile: the gateway has measured.
  await expect(tab.locator('dl')).toContainText(/p95\s*[\d.<]+\s*ms/, { timeout: 20_000 });
});

test('a replica is taken out and given another weight with the keyboard alone', async () => {
  const { page } = pilothouse;
  const takes = page.getByTestId('takes-flow/web.2');
  await takes.focus();
  await page.keyboard.press('Space');
  await expect(takes).toHaveAttribute('aria-checked', 'false');
  await expect(page.getByTestId('traffic')).toContainText('Taken out by you');
  const weight = page.getByLabel('Weight of flow/web.1');
  await weight.first().focus();
  await page.keyboard.type('40');
  await page.keyboard.press('Enter');
  await expect(weight.first()).toContainText('40');
  await takes.focus();
  await page.keyboard.press('Space');
  await expect(takes).toHaveAttribute('aria-checked', 'true');
});
