/** A virtual display for machines without one. */
import { spawn } from 'node:child_process';
import { which } from './processes.mjs';

/** @returns {boolean} whether a window can be shown to somebody */
export function hasDisplay() {
  if (process.platform !== 'linux') return true;
  return Boolean(process.env['DISPLAY'] || process.env['WAYLAND_DISPLAY']);
}

/**
 * Starts an Xvfb of our own; it picks a free display number by itself.
 * @returns {Promise<{ display: string, stop: () => void }>}
 * @throws Error with what to do when there is no Xvfb
 */
export function startDisplay() {
  return new Promise((resolve, reject) => {
    const missing = new Error('There is no display and no Xvfb: install it with `apt-get install xvfb`.');
    const program = which('Xvfb');
    if (!program) {
      reject(missing);
      return;
    }
    // A session of its own, so that Ctrl-C does not end the display before the app on it has ended.
    const argv = ['-displayfd', '3', '-screen', '0', '1920x1200x24', '-nolisten', 'tcp', '-noreset'];
    const child = spawn(program, argv, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'], detached: true });
    const stop = () => void child.kill('SIGTERM');
    const numbers = child.stdio[3];
    child.on('error', () => reject(missing));
    child.on('exit', (code) => reject(new Error(`The virtual display ended at once with ${code}.`)));
    numbers?.on('data', (chunk) => {
      // Whatever ends us, the display must not outlive us.
      process.once('exit', stop);
      child.unref();
      if (numbers && 'unref' in numbers && typeof numbers.unref === 'function') numbers.unref();
      resolve({ display: `:${String(chunk).trim()}`, stop });
    });
  });
}
