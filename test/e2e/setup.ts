/** What the tests need and `npm test` already brought: a display, and a private engine where one is possible. */
/** Brings what is missing and returns how to take it away again. */
export default async function setup(): Promise<() => Promise<void>> {
  // Loaded here and not above: Playwright turns static imports of these modules into something Node cannot run.
  const [
    { ensureBuild },
    { hasDisplay, startDisplay },
    { ensureElectron },
    { startPrivateEngine, whyNoPrivateEngine },
  ] = await Promise.all([
    import('../machine/build.mjs'),
    import('../machine/display.mjs'),
    import('../machine/electron.mjs'),
    import('../machine/engine.mjs'),
  ]);
  const undo: (() => Promise<void> | void)[] = [];
  await ensureElectron();
  await ensureBuild();
  if (!hasDisplay()) {
    const display = await startDisplay();
    process.env['DISPLAY'] = display.display;
    undo.push(display.stop);
  }
  if (!process.env['PILOTHOUSE_TEST_ENGINE'] && !whyNoPrivateEngine()) {
    const engine = await startPrivateEngine({ name: `window-${process.pid}` });
    process.env['DOCKER_HOST'] = engine.dockerHost;
    process.env['PILOTHOUSE_TEST_ENGINE'] = engine.name;
    process.env['PILOTHOUSE_TEST_ADDRESS'] = engine.address;
    undo.push(() => engine.stop());
  }
  return async () => {
    for (const one of undo.reverse()) await one();
  };
}
