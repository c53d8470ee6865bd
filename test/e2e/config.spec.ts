/** The config center in the real window: an item made, edited with its mistake shown, published, changed, rolled back. */
import { expect, test } from './pilothouse';

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
