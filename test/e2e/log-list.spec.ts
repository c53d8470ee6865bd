/** The log list at scale, in the real window: any row of a long history at once, and a flood that neither drowns nor grows it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from '@playwright/test';
import { expect, test } from './pilothouse';

/** More than fit into the page at one pixel for one pixel (see `tallScroll.ts`), and quickly written. */
const rows = 600_000;
/** Elements of rows: the view and a few beyond it. */
const mostDrawn = 120;

const home = mkdtempSync(join(tmpdir(), 'pilothouse-list-'));
let span = { from: 0, to: 0 };
let evil = span;

type Fill = (
  home: string,
  rows: number,
  story?: { text: (row: number) => string; service: string; to: number },
) => Promise<{ from: number; to: number }>;

const e = '\u001b';
/** S1, S3 and S4 of the plan, as whoever writes a line of log may try them. */
const hostile = [
  '<img src=x onerror="window.pwn=1">',
  '<script>window.pwn=1</script>',
  '<svg/onload=window.pwn=1>',
  '"><iframe srcdoc="<script>parent.pwn=1</script>"></iframe>',
  '<style>main{display:none}</style>',
  '<a href="javascript:window.pwn=1">here</a>',
  "{{constructor.constructor('window.pwn=1')()}}",
  '${window.pwn=1}',
  '{"msg":"<img src=x onerror=window.pwn=1>","__proto__":{"pwn":1},"{{7*7}}":"<b>bold</b>"}',
  'level=error msg="<img src=x onerror=window.pwn=1>" <b>=1',
  `${e}]8;;file:///etc/passwd${e}\\click${e}]8;;${e}\\`,
  `${e}]52;c;cHduZWQ=\u0007`,
  `${e}]0;another title\u0007`,
  `${e}[2J${e}[H${e}[?1049h`,
  `${e}]0;never ends`,
  `${e}[31;1mred${e}[0m ${e}[38;2;1;2;3;url(x)mcolour`,
  'harmless\roverwritten\u0000\u0007',
  'user\u202egnp.exe',
  'x'.repeat(65_000),
  `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!`,
];

test.use({ appOptions: { engine: 'memory', home } });
test.describe.configure({ mode: 'serial', timeout: 120_000 });

test.beforeAll(async () => {
  const { build } = await import('vite');
  const root = resolve(__dirname, '../..');
  const outDir = join(root, 'node_modules/.vite/fill-logs');
  await build({
    configFile: false,
    root,
    logLevel: 'error',
    build: {
      ssr: 'test/bench/kit/fillLogs.ts',
      outDir,
      target: 'node20',
      minify: false,
      rollupOptions: { output: { entryFileNames: 'fill.mjs' } },
    },
    ssr: { external: ['@photostructure/sqlite'], noExternal: ['re2js'] },
  });
  const { fillLogs } = (await import(pathToFileURL(join(outDir, 'fill.mjs')).href)) as { fillLogs: Fill };
  span = await fillLogs(home, rows);
  // As a damaged or strange store would have them: the collector cleans lines before they are stored, the window must not need that.
  evil = await fillLogs(home, hostile.length, {
    text: (row) => `evil ${row} ${hostile[row] ?? ''}`,
    service: 'villain',
    to: span.from - 60_000,
  });
});
test.afterAll(() => rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));

/** What the page holds once all that nobody needs is collected; nodes that hang nowhere are counted, too. */
async function held(page: Page): Promise<{ nodes: number; listeners: number; heap: number }> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  await session.detach();
  const of = (name: string): number => metrics.find((metric) => metric.name === name)?.value ?? NaN;
  return { nodes: of('Nodes'), listeners: of('JSEventListeners'), heap: of('JSHeapUsedSize') };
}

/** Numbers of the rows in view whose line is there, with what they say. */
function inView(page: Page): Promise<{ number: number; text: string }[]> {
  return page.getByTestId('log-list').evaluate((list) => {
    const { top, bottom } = list.getBoundingClientRect();
    return [...list.querySelectorAll<HTMLElement>('[data-row]')]
      .map((row) => ({ row, box: row.getBoundingClientRect() }))
      .filter(({ box }) => box.bottom > top && box.top < bottom)
      .sort((one, other) => one.box.top - other.box.top)
      .map(({ row }) => ({ number: Number(row.dataset['row']), text: row.textContent ?? '' }));
  });
}

/** Every row in view is the one it says it is, and none is missing between them. */
async function expectRight(page: Page, first: (number: number) => boolean): Promise<void> {
  await expect
    .poll(async () => {
      const seen = await inView(page);
      const start = seen[0]?.number ?? NaN;
      return (
        seen.length > 10 &&
        first(start) &&
        seen.every(({ number, text }, at) => number === start + at && text.includes(`row ${number} of`))
      );
    })
    .toBe(true);
  expect(await page.locator('[data-row]').count()).toBeLessThan(mostDrawn);
}

test('shows any row of a long history at once', async ({ pilothouse: { page, go } }) => {
  await go(`/logs?from=${span.from}&to=${span.to}`);
  const list = page.getByTestId('log-list');
  await expect(list).toHaveAttribute('data-rows', String(rows));
  await expectRight(page, (number) => number > rows - 100);
  for (const share of [0, 0.5, 0.123, 0.999, 0.31]) {
    await list.evaluate((box, place) => {
      box.scrollTop = (box.scrollHeight - box.clientHeight) * place;
    }, share);
    await expectRight(page, (number) => Math.abs(number - share * rows) < 100);
  }
});

test('goes on row by row from there, by wheel and by keyboard, and to both ends', async ({ pilothouse: { page } }) => {
  const list = page.getByTestId('log-list');
  const before = (await inView(page))[0]?.number ?? NaN;
  await list.hover();
  for (let step = 0; step < 5; step++) await page.mouse.wheel(0, 220);
  await expectRight(page, (number) => Math.abs(number - before - 50) <= 3);
  await list.focus();
  await page.keyboard.press('End');
  await expectRight(page, (number) => number > rows - 100);
  await page.keyboard.press('Home');
  await expectRight(page, (number) => number === 0);
  for (let step = 0; step < 5; step++) await page.keyboard.press('PageDown');
  await expectRight(page, (number) => number > 40 && number < 110);
  // An open row is taller than others; those below it move on, none is lost.
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('log-around')).toHaveCount(1);
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('log-around')).toHaveCount(0);
  await expectRight(page, (number) => number > 40 && number < 110);
});

test('shows what means harm as the text it is, also where it is marked and opened', async ({
  pilothouse: { app, page, go },
}) => {
  await app.evaluate(({ clipboard }) => clipboard.writeText('mine'));
  const title = await page.title();
  // "img" is in many of them, so that their marks cut through what would be tags.
  for (const query of ['evil', 'img', '"window.pwn"']) {
    await go(`/logs?q=${encodeURIComponent(query)}&from=${evil.from - 5000}&to=${evil.to}`);
    const list = page.getByTestId('log-list');
    await expect(page.getByTestId('log-query').locator('input')).toHaveValue(query);
    await expect(list.locator('mark').first()).toBeVisible();
    if (query === 'evil') await expect(list).toHaveAttribute('data-rows', String(hostile.length));
    await expect(list).toContainText('<img src=x onerror="window.pwn=1">');
    // From below: an opened row pushes what is under it out of the list.
    for (const chevron of (await list.locator('button.chevron').all()).reverse()) await chevron.click();
    await expect(list.locator('.detail').first()).toBeVisible();
    expect(await list.locator('img, script, iframe, style, a, b').count()).toBe(0);
  }
  const seen = await page.evaluate(() => (window as { pwn?: number }).pwn);
  expect(seen).toBeUndefined();
  expect(await page.title()).toBe(title);
  expect(await app.evaluate(({ clipboard }) => clipboard.readText())).toBe('mine');
  await expect(page.getByTestId('view-logs')).toBeVisible();
});

test('an expression that would never end is answered, and the window stays alive', async ({
  pilothouse: { page, go },
}) => {
  await go(`/logs?q=${encodeURIComponent('/(a+)+$/')}&from=${evil.from - 5000}&to=${evil.to}`);
  await expect(page.getByTestId('log-query').locator('input')).toHaveValue('/(a+)+$/');
  await expect(page.getByTestId('log-list')).toHaveAttribute('data-rows', /^\d$/);
  await go(`/logs?q=${encodeURIComponent('/(a+)+!$/')}&from=${evil.from - 5000}&to=${evil.to}`);
  await expect(page.getByTestId('log-list')).toContainText('aaaaaaaaaaaa!');
});

test('a flood is followed, counted and bounded, and stands still when read', async ({
  pilothouse: { page, go, cli },
}) => {
  await go('/logs');
  await page.getByRole('button', { name: 'Go live' }).click();
  const compose = {
    name: 'flood',
    services: { talker: { image: 'pilothouse/demo-app:1', environment: { LOG_RATE: '30000' } } },
  };
  const file = join(home, 'compose.json');
  writeFileSync(file, JSON.stringify(compose));
  expect((await cli('up', '-f', file, '--wait')).code).toBe(0);
  const list = page.getByTestId('log-list');
  await expect(list).toHaveAttribute('data-rows', '20000', { timeout: 60_000 });
  expect(await page.locator('[data-row]').count()).toBeLessThan(mostDrawn);

  await list.hover();
  await page.mouse.wheel(0, -400);
  await expect(page.getByTestId('log-follow')).toBeVisible();
  // The wheel takes a moment; what is in view once it has stopped must stay.
  let still = await inView(page);
  await expect
    .poll(async () => {
      const before = JSON.stringify(still);
      still = await inView(page);
      return JSON.stringify(still) === before;
    })
    .toBe(true);
  await expect(page.getByText(/new lines, \d+ of them errors/)).toBeVisible();
  expect(await inView(page)).toEqual(still);
  // What the window or the container's limit did not let through is said where it would stand.
  const said = await list.evaluate(async (box) => {
    for (let step = 0; step < 500; step++) {
      const strip = [...box.querySelectorAll('.strip')].find((one) => /skipped/i.test(one.textContent ?? ''));
      if (strip) return strip.textContent ?? '';
      box.scrollTop -= box.clientHeight;
      await new Promise((done) => requestAnimationFrame(done));
    }
    return '';
  });
  expect(Number(/[\d,]+/.exec(said)?.[0].replaceAll(',', ''))).toBeGreaterThan(0);
  await page.getByTestId('log-follow').click();
  await expect(page.getByTestId('log-follow')).toHaveCount(0);
  await expect.poll(async () => (await inView(page)).at(-1)?.number ?? 0).toBeGreaterThan(still.at(-1)?.number ?? 0);

  // Of what has passed nothing is held: the list is full, and as many lines again change nothing of what it keeps.
  const before = await held(page);
  const newest = (await inView(page)).at(-1)?.number ?? 0;
  await expect
    .poll(async () => (await inView(page)).at(-1)?.number ?? 0, { timeout: 90_000 })
    .toBeGreaterThan(newest + 2 * 20_000);
  const after = await held(page);
  expect(after.nodes).toBeLessThan(before.nodes + mostDrawn * 20);
  expect(after.listeners).toBeLessThan(before.listeners + 2 * mostDrawn);
  // Forty thousand lines would be some ten megabytes.
  expect(after.heap - before.heap).toBeLessThan(4e6);
  expect((await cli('down', 'flood')).code).toBe(0);
});
