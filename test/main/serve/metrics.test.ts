/** `GET /metrics` of a running core: opened and closed by the settings, on loopback alone, read by Prometheus' own tools. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp, type App } from '../../../src-main/app';
import { systemClock } from '../../../src-main/app/clock';
import { silent } from '../../../src-main/base/log';
import { seeded } from '../../../src-main/base/random';
import type { Caller } from '../../../src-main/contract/api';
import { MemoryEngine } from '../../../src-main/engine/memory';
import { followMetricsPort } from '../../../src-main/serve/http/follow';

const caller: Caller = {
  kind: 'cli',
  signal: { aborted: false, addEventListener: () => {}, removeEventListener: () => {} },
};
const compose = "name: shop\nservices:\n  web: { image: 'web:1', deploy: { replicas: 2 } }\n";
let home = '';
let app: App;
let listener: ReturnType<typeof followMetricsPort>;
let port = 0;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const found = (server.address() as AddressInfo).port;
  await new Promise((resolve) => server.close(resolve));
  return found;
}

async function setPort(to: number): Promise<void> {
  await app.api.calls['settings.set']({ metrics: { retentionDays: 30, port: to } }, caller);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await listener.settled();
}

/** A request as it is written; the first line of the answer. */
function raw(lines: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(`${lines.join('\r\n')}\r\n\r\n`));
    let text = '';
    socket.on('data', (part: Buffer) => (text += part.toString()));
    socket.on('error', reject);
    socket.on('close', () => resolve(text.split('\r\n')[0] ?? ''));
  });
}

const page = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await holds().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`It did not come: ${await page().catch(String)}`);
}

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'metrics-'));
  const engine = new MemoryEngine({ clock: systemClock, random: seeded(1) });
  app = await createApp({
    home,
    version: '1.2.3',
    socket: '',
    clock: systemClock,
    random: seeded(2),
    log: silent,
    engines: {
      find: () => Promise.resolve([{ id: 'one', kind: 'docker', name: 'D', endpoint: 'unix:///one', source: 'test' }]),
      connect: () => Promise.resolve(engine),
      release: () => {},
    },
  });
  await app.start();
  listener = followMetricsPort(app, silent);
  port = await freePort();
  await setPort(port);
  await app.api.calls['stacks.apply']({ source: { files: [{ name: 'compose.yaml', text: compose }] } }, caller);
}, 30_000);

afterAll(async () => {
  await listener.stop();
  await app.stop();
  rmSync(home, { recursive: true, force: true });
});

describe('/metrics', () => {
  it('tells of containers, services, and the disk under our state', async () => {
    await until(async () => {
      const text = await page();
      return text.includes('container_memory_working_set_bytes{') && text.includes('replicas_ready');
    });
    const text = await page();
    expect(text).toMatch(/^pilothouse_disk_free_bytes\{place="pilothouse"\} \d+/m);
    expect(text).toMatch(/^pilothouse_service_replicas_wanted\{stack="shop",service="shop\/web"\} 2$/m);
    const { headers } = await fetch(`http://127.0.0.1:${port}/metrics`);
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  });

  it('answers to its own names only', async () => {
    const ask = (host: string): Promise<string> => raw(['GET /metrics HTTP/1.1', `Host: ${host}`, 'Connection: close']);
    expect(await ask(`127.0.0.1:${port}`)).toContain('200');
    expect(await ask(`localhost:${port}`)).toContain('200');
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      `localhost.evil.example:${port}`,
      `127.0.0.1.nip.example:${port}`,
      'localhost',
      `[::1]:${port}`,
      '',
    ])
      expect(await ask(host)).toContain('421');
    expect(await raw(['GET /metrics HTTP/1.1', 'Connection: close'])).toContain('400');
    const doubled = await raw([
      'GET /metrics HTTP/1.1',
      'Host: evil.example',
      `Host: 127.0.0.1:${port}`,
      'Connection: close',
    ]);
    expect(doubled).not.toContain('200');
    expect(await raw(['POST /metrics HTTP/1.1', `Host: 127.0.0.1:${port}`, 'Connection: close'])).toContain('404');
  });

  const promtool = spawnSync('promtool', ['--version']).status === 0;
  it.skipIf(!promtool)('promtool, when it is installed, finds nothing that a scrape would refuse', async () => {
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: await page(), encoding: 'utf8' });
    // Lints about names are opinions (`container_cpu_…` are cAdvisor's own); what cannot be parsed is not.
    expect(checked.stderr).not.toMatch(/error while|text format parsing|expected/i);
    expect([0, 3]).toContain(checked.status);
  });

  const prometheus = spawnSync('prometheus', ['--version']).status === 0;
  it.skipIf(!prometheus)('Prometheus, when it is installed, scrapes it', { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'prometheus-'));
    const own = await freePort();
    const config = `global: { scrape_interval: 1s, scrape_timeout: 1s }\nscrape_configs:\n  - job_name: pilothouse\n    static_configs: [{ targets: ['127.0.0.1:${port}'] }]\n`;
    writeFileSync(join(folder, 'prometheus.yml'), config);
    const scraper = spawn(
      'prometheus',
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${own}`,
      ],
      { stdio: 'ignore' },
    );
    try {
      const value = async (query: string): Promise<string | undefined> => {
        const answer = await fetch(`http://127.0.0.1:${own}/api/v1/query?query=${encodeURIComponent(query)}`);
        const body = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
        return body.data.result[0]?.value[1];
      };
      await until(async () => (await value('up{job="pilothouse"}')) === '1');
      await until(async () => (await value('pilothouse_service_replicas_ready{service="shop/web"}')) === '2');
      expect(Number(await value('scrape_samples_scraped'))).toBeGreaterThan(10);
    } finally {
      scraper.kill();
      await new Promise((resolve) => scraper.on('exit', resolve));
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('is off when the port is 0', async () => {
    await setPort(0);
    await expect(page()).rejects.toThrow();
  });
});
