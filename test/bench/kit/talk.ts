/** Containers that write as fast as told, our window that follows them, and a plain page that shows as much. */
import { setTimeout as sleep } from 'node:timers/promises';
import { clientAt } from './window';

/** Services that write. */
const services = 10;
/** Lines that are kept while following, in both. */
const kept = 20_000;

/** A stack of services that write `rate` lines a second together, none of them over its limit. */
export async function talk(home: string, rate: number): Promise<void> {
  const client = await clientAt(home);
  const settings = await client.call('settings.get', {});
  await client.call('settings.set', {
    firstRunDone: true,
    closeToTray: false,
    logs: { ...settings.logs, linesPerSecond: 1_000_000 },
  });
  while ((await client.call('engines.list', {}))[0]?.state !== 'connected') await sleep(100);
  const service = { image: 'pilothouse/demo-app:1', environment: { LOG_RATE: String(rate / services) } };
  const text = JSON.stringify({
    name: 'talk',
    services: Object.fromEntries(Array.from({ length: services }, (_, at) => [`service-${at}`, service])),
  });
  await client.call('stacks.apply', { source: { files: [{ name: 'compose.yaml', text }] } });
  const until = Date.now() + 60_000;
  while ((await client.call('app.status', {})).linesPerSecond < rate * 0.8) {
    if (Date.now() > until) throw new Error(`the containers do not write ${rate} lines/s after a minute`);
    await sleep(500);
  }
  client.close();
}

/** Shows the log screen, which follows everything. */
export const oursFollows = `(async () => {
  location.hash = '#/logs';
  while (!document.querySelector('[data-testid="log-line"]')) await new Promise((resolve) => setTimeout(resolve, 50));
})()`;

/** As many lines a second, the newest kept, the last hundred shown: the least that following can be. */
export function plainFollows(size: number): string {
  return `(() => {
    if (window.talking) return;
    window.talking = true;
    document.body.innerHTML = '<pre id="log" style="height:700px;overflow:hidden"></pre>';
    let number = 0, rows = [];
    setInterval(() => {
      const more = Array.from({ length: ${size / 40} }, () => 'line ' + number++ + ' of a container that never rests, with some words to read');
      rows = rows.concat(more).slice(-${kept});
    }, 25);
    const draw = () => { document.querySelector('#log').textContent = rows.slice(-100).join('\\n'); requestAnimationFrame(draw); };
    draw();
  })()`;
}
