/** Alerts in the window: what fires with its curve, a rule written against the history, a channel tried on a real receiver. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from './pilothouse';

// The command of the tour's engine is played as a shell script: this one ends at once, with an error.
const compose = `name: loop
services:
  crash:
    image: busybox
    command: [sh, -c, 'echo cannot start >&2; exit 3']
`;

let receiver: Server;
const heard: string[] = [];
test.beforeAll(async () => {
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      heard.push(body);
      response.end('a secret of the other side');
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
});
test.afterAll(() => {
  receiver.closeAllConnections();
  receiver.close();
});

test('a crash loop fires, with its curve, and leads to its rule', async ({ pilothouse }) => {
  test.setTimeout(180_000);
  const { page } = pilothouse;
  await pilothouse.go('/apply');
  await page.getByTestId('compose-editor').locator('.cm-content').click();
  await page.keyboard.insertText(compose);
  await page.getByTestId('apply-now').click();
  await pilothouse.go('/alerts');
  const card = page.getByTestId('alert-CrashLoop');
  await expect(card).toBeVisible({ timeout: 120_000 });
  await expect(card).toContainText('loop/crash.1');
  await expect(card.locator('canvas')).toBeVisible();
  const { stdout } = await pilothouse.cli('alerts');
  expect(stdout).toContain('Restart loop');
  await card.getByRole('link', { name: 'Rule' }).click();
  await expect(page.getByTestId('rule-editor')).toContainText('Restart loop');
  await expect(page.getByTestId('backtest-fires')).not.toHaveText('0');
});

test('a rule is checked and tried on the history while it is written', async ({ pilothouse }) => {
  const { page } = pilothouse;
  await pilothouse.go('/alerts/rules/new');
  await page.getByTestId('rule-name').locator('input').fill('Any restart');
  await page.getByTestId('rule-expression').fill('sum(restarts) >');
  await expect(page.getByTestId('rule-problem')).toBeVisible();
  await page.getByTestId('rule-expression').fill('sum by (service) (restarts) > 0');
  await expect(page.getByTestId('rule-now')).toContainText('Now: 1');
  await expect(page.getByTestId('backtest-notices')).toBeVisible();
  await page.getByTestId('rule-save').click();
  await expect(page.getByTestId('alerts-rules')).toContainText('Any restart');
});

test('a channel is tried on a real receiver, and its answer is not shown', async ({ pilothouse }) => {
  const { page } = pilothouse;
  const { port } = receiver.address() as AddressInfo;
  await pilothouse.go('/alerts/channels/new');
  await page.getByTestId('channel-name').locator('input').fill('Ops');
  await page.getByTestId('channel-url').locator('input').fill(`http://127.0.0.1:${port}/in`);
  await expect(page.getByTestId('channel-preview')).toContainText('"version": "4"');
  await page.getByTestId('channel-test').click();
  await expect(page.getByTestId('channel-outcome')).toContainText('private network');
  expect(heard).toEqual([]);
  await page.getByTestId('channel-editor').getByText('May reach this machine').click();
  await page.getByTestId('channel-test').click();
  await expect(page.getByTestId('channel-outcome')).toContainText('Delivered');
  await expect(page.getByTestId('channel-editor')).not.toContainText('a secret of the other side');
  expect(JSON.parse(heard[0] ?? '')).toMatchObject({ version: '4', status: 'firing' });
  await page.getByTestId('channel-save').click();
  await expect(page.getByTestId('view-alerts')).toContainText('Ops');
});

test('alerts are routed: matchers, mute times and timers are written, tried and kept', async ({ pilothouse }) => {
  const { page } = pilothouse;
  await pilothouse.go('/alerts/routing');
  const answer = page.getByTestId('routing-answer');
  await expect(answer).toContainText('Told to Desktop by default');
  await page.getByTestId('route-add').click();
  const matchers = page.getByRole('textbox', { name: 'Route 1: Matches' });
  await matchers.fill('service=~"(shop');
  await expect(page.getByTestId('routing-save')).toBeDisabled();
  await matchers.fill('service=~"(shop"');
  await expect(page.getByTestId('alerts-routing').getByRole('alert')).toBeVisible();
  await matchers.fill('service=~"(shop|blog)/.*"');
  await page.getByRole('group', { name: 'Route 1: Channels' }).getByRole('checkbox', { name: 'Ops' }).click();
  await expect(answer).toContainText('Told to Ops by route 1');
  await page.getByTestId('mute-add').click();
  await page.getByRole('textbox', { name: 'From', exact: true }).fill('00:00');
  await page.getByRole('textbox', { name: 'To', exact: true }).fill('24:00');
  await page.getByTestId('routing-labels').locator('input').fill('severity=warning, service=shop/web');
  await expect(answer).toContainText('not now: Night');
  await page.getByTestId('routing-repeat').locator('input').fill('1s');
  await expect(page.getByTestId('alerts-routing').getByRole('alert')).toContainText('from 1m to 30d');
  await page.getByTestId('routing-repeat').locator('input').fill('1d');
  await page.getByTestId('routing-save').click();
  await expect(page.getByTestId('routing-save')).toBeDisabled();
  await pilothouse.go('/alerts/rules');
  await pilothouse.go('/alerts/routing');
  await expect(matchers).toHaveValue('service=~(shop|blog)/.*');
  await expect(page.getByTestId('held-back')).toContainText('Service down');
});
