/** A service at rest in the real window: shown as such and as nothing to worry about, and back with the first request. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noEngine, noEngineReason } from './engine';
import { expect, launch, test, type Pilothouse } from './pilothouse';

const port = 16_000 + (process.pid % 2000);
const compose = `
name: rest
services:
  web:
    image: pilothouse/demo-app:1
    environment: { LOG_RATE: '0' }
    ports: ['${port}:8080']
    stop_grace_period: 1s
    x-pilothouse:
      traffic: { mode: http }
      autoscale: { max: 3, metrics: [{ metric: requests, target: 50 }], idle_after: 4s }
`;

test.describe.configure({ mode: 'serial' });
test.skip(noEngine, noEngineReason);

let pilothouse: Pilothouse;
let folder: string;
test.beforeAll(async () => {
  if (noEngine()) return;
  folder = mkdtempSync(join(tmpdir(), 'pilothouse-rest-'));
  writeFileSync(join(folder, 'compose.yaml'), compose);
  pilothouse = await launch({ engine: 'docker' });
  const up = await pilothouse.cli('up', '-f', join(folder, 'compose.yaml'), '--wait');
  expect(up.code, up.stderr).toBe(0);
});
test.afterAll(async () => {
  if (noEngine()) return;
  await pilothouse.cli('down', 'rest', '--volumes');
  await pilothouse.close();
  rmSync(folder, { recursive: true, force: true });
});

test('says that it is at rest, why, and what wakes it', async () => {
  const { page } = pilothouse;
  await pilothouse.go('/services');
  await expect(page.getByTestId('service-status-rest/web')).toContainText('At rest', { timeout: 30_000 });
  await pilothouse.go('/services/rest/web/autoscale');
  await expect(page.getByTestId('service-status')).toContainText('At rest');
  const tab = page.getByTestId('autoscale-tab');
  await expect(tab.getByTestId('autoscale-state')).toHaveText('At rest: the next request wakes it');
  await expect(tab.getByTestId('autoscale-rest')).toContainText('Without a request for 4 s it goes to zero');
  await expect(tab.locator('.decisions')).toContainText(/1 → 0\s*No request for 4s/);
  await expect(tab.getByTestId('autoscale-idle')).toHaveValue('4');
});

test('is back with the first request', async () => {
  const { page } = pilothouse;
  const host = process.env['PILOTHOUSE_TEST_ADDRESS'] ?? '127.0.0.1';
  const status = await new Promise((resolve, reject) => {
    get({ host, port }, (answer) => resolve(answer.resume().statusCode)).on('error', reject);
  });
  expect(status).toBe(200);
  await expect(page.getByTestId('service-status')).toContainText('Running');
  await expect(page.getByTestId('autoscale-tab').locator('.decisions')).toContainText(/0 → 1\s*A request waits/, {
    timeout: 10_000,
  });
});
