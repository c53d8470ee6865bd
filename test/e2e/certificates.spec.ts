/** Certificates in the real window: issued, renewed, refused, removed; and what it takes to trust the authority. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from './pilothouse';

test.use({ appOptions: { engine: 'memory' } });
test.describe.configure({ mode: 'serial', timeout: 120_000 });

test('a certificate is issued, renewed and removed', async ({ pilothouse: { page, go, cli } }) => {
  await go('/secrets');
  await page.getByRole('tab', { name: 'Certificates' }).click();
  await expect(page.getByTestId('certificates')).toContainText('There are no certificates');
  await page.getByTestId('certificate-issue').click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill('app');
  const names = dialog.getByRole('textbox', { name: 'Names and addresses' });
  await names.fill('example.com');
  await expect(dialog).toContainText('cannot vouch for example.com');
  await expect(page.getByTestId('certificate-issue-now')).toBeDisabled();
  await names.fill('app.localhost, 127.0.0.1');
  await page.getByTestId('certificate-issue-now').click();

  const panel = page.getByTestId('certificate-panel');
  await expect(panel).toContainText(/Good for \d+ more days/);
  await expect(panel).toContainText('app.localhost');
  await expect(page.getByTestId('certificates')).toContainText('Local authority');
  const serial = async (): Promise<string> =>
    new X509Certificate((await cli('cert', 'export', 'app')).stdout).serialNumber;
  const before = await serial();
  await expect(panel).toContainText(before);
  await page.getByTestId('certificate-renew').click();
  await expect(panel).not.toContainText(before);
  await expect(panel).toContainText(await serial());
  await page.getByTestId('certificate-remove').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await expect(page.getByTestId('certificates')).toContainText('There are no certificates');
});

test('what does not belong together is not imported, and the reason is said', async ({ pilothouse }) => {
  const { page, cli, home } = pilothouse;
  const chain = join(home, 'chain.pem');
  await cli('cert', 'export', '--authority', '--output', chain);
  expect(readFileSync(chain, 'utf8')).toContain('BEGIN CERTIFICATE');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await page.getByTestId('certificate-import').click();
  await page.getByRole('dialog').getByRole('textbox').fill('theirs');
  await page.getByTestId('certificate-file-chain').setInputFiles(chain);
  const file = { name: 'key.pem', mimeType: 'application/x-pem-file', buffer: Buffer.from(key) };
  await page.getByTestId('certificate-file-key').setInputFiles(file);
  await page.getByTestId('certificate-import-now').click();
  await expect(page.getByTestId('certificate-problem')).toContainText('The key does not belong to any');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('trust is explained, and not taken', async ({ pilothouse: { page, cli } }) => {
  await page.getByTestId('authority-open').click();
  const panel = page.getByTestId('authority-panel');
  await expect(panel).toContainText('Pilothouse changes no trust store');
  await expect(page.getByTestId('authority-command')).toContainText('pilothouse-authority.crt');
  const { authority } = JSON.parse((await cli('cert', 'ls', '--json')).stdout) as { authority: { sha256: string } };
  await expect(panel).toContainText(authority.sha256);
  await page.getByTestId('authority-replace').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Replace…' }).click();
  await expect(panel).not.toContainText(authority.sha256);
});
