/**
 * Loaded into an Electron main process by NODE_OPTIONS, ours and the empty one alike: tells when the page is interactive, and does what
 * the benchmark asks. No debugger is attached, since that would slow both down and make their ratio look better.
 */
const { isMainThread } = require('node:worker_threads');
const { monitorEventLoopDelay } = require('node:perf_hooks');

/** Milliseconds between two looks at the loop; the histogram includes it. */
const resolution = 20;

if (isMainThread && process.send) setImmediate(start);

function start() {
  const { app, BrowserWindow } = require('electron');
  let loop;
  app.on('web-contents-created', (_event, contents) => {
    contents.on('dom-ready', () => {
      contents.executeJavaScript(process.env.PILOTHOUSE_BENCH_READY).then(
        (ready) => process.send({ ready }),
        (error) => process.send({ failed: String(error) }),
      );
    });
  });
  const act = {
    run: ({ script }) => BrowserWindow.getAllWindows()[0].webContents.executeJavaScript(script),
    hide: () => BrowserWindow.getAllWindows().forEach((window) => window.hide()),
    watchLoop: () => {
      loop = monitorEventLoopDelay({ resolution });
      loop.enable();
    },
    loopDelay: () => {
      loop.disable();
      return Math.max(0, loop.percentile(99) / 1e6 - resolution);
    },
    quit: () => app.quit(),
  };
  process.on('message', async (message) => {
    try {
      process.send({ answer: message.id, value: await act[message.act](message) });
    } catch (error) {
      process.send({ answer: message.id, failed: String(error) });
    }
  });
  // The benchmark has gone: so do we.
  process.on('disconnect', () => app.exit(0));
}
