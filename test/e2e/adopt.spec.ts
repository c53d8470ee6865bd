/** Containers of somebody else in the real window: chosen, shown as what they would be, adopted untouched, let go of again. */
import { askEngine, fromEngine, noEngine, noEngineReason } from './engine';
import { expect, test } from './pilothouse';

test.use({ appOptions: { engine: 'docker' } });
test.describe.configure({ mode: 'serial', timeout: 120_000 });
test.skip(noEngine, noEngineReason);

const project = `guest${process.pid}`;
const ids: string[] = [];

test.beforeAll(async () => {
  if (noEngine()) return;
  for (const number of [1, 2]) {
    const { Id } = await fromEngine<{ Id: string }>('POST', `/containers/create?name=${project}-web-${number}`, {
      Image: 'busybox:latest',
      Cmd: ['sleep', '600'],
      Labels: {
        'com.docker.compose.project': project,
        'com.docker.compose.service': 'web',
        'com.docker.compose.container-number': String(number),
      },
    });
    await fromEngine('POST', `/containers/${Id}/start`);
    ids.push(Id);
  }
});
test.afterAll(async () => {
  for (const id of ids) await askEngine('DELETE', `/containers/${id}?force=1`);
});

const pidsOf = (): Promise<number[]> =>
  Promise.all(
    ids.map(async (id) => (await fromEngine<{ State: { Pid: number } }>('GET', `/containers/${id}/json`)).State.Pid),
  );

test('a project that Compose started is adopted and let go of, and its processes never notice', async ({
  pilothouse: { page, go, cli },
}) => {
  const before = await pidsOf();
  await go('/stacks');
  await page.getByTestId('adopt-open').click();
  const dialog = page.getByTestId('adopt');
  await expect(dialog).toBeVisible();
  await expect(page.getByTestId('adopt-confirm')).toHaveAttribute('aria-disabled', 'true');
  await page.getByTestId(`adopt-project-${project}`).getByRole('checkbox').click();
  await expect(page.getByTestId('adopt-name').getByRole('textbox')).toHaveValue(project);
  await expect(dialog).toContainText('replicas: 2');
  await page.getByTestId('adopt-confirm').click();
  await expect(page.getByTestId(`service-status-${project}/web`)).toContainText(/running/i, { timeout: 30_000 });
  expect(await pidsOf()).toEqual(before);

  const listed = await cli('adopt', '--json');
  expect(listed.stdout).not.toContain(`${project}-web-1`);
  const released = await cli('release', project);
  expect(released.stderr + released.stdout).toContain('is let go of');
  await expect(page.getByTestId(`service-status-${project}/web`)).toBeHidden();
  expect(await pidsOf()).toEqual(before);
  const again = await cli('adopt', project, '--name', 'again');
  expect(again.stdout).toContain('again adopted: 2 containers');
  await cli('release', 'again');
});
