/** A published port that is shown and dead, on the real engine with its real docker-proxy. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testEngine, testImages } from '../support/engine';
import { figure, waitUntil } from './app-kit';
import { coreProcess, type CoreProcess } from './core-kit';

const stack = `ports${process.pid}`;
const port = 18_000 + (process.pid % 1000);
let core: CoreProcess;

beforeAll(async () => {
  core = await coreProcess();
  await core.serve();
});
afterAll(() => core.end(stack));

/** The engine's own proxies for the port: children of its daemon, and of no other. */
function proxies(): number[] {
  const daemon = String(testEngine().pid());
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => {
      try {
        const status = readFileSync(`/proc/${entry}/stat`, 'utf8');
        const parent = status.slice(status.lastIndexOf(')') + 2).split(' ')[1];
        const words = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0');
        return parent === daemon && /docker-proxy$/.test(words[0] ?? '') && words.includes(String(port));
      } catch {
        // It ended while it was looked at.
        return false;
      }
    })
    .map(Number);
}

interface Told {
  kind: string;
  words: { values?: { port?: number; replica?: string } };
}
async function told(kind: string): Promise<Told[]> {
  const lines = (await core.cli('events', '--json')).trim();
  const rows = (
    lines.startsWith('[') ? JSON.parse(lines) : lines.split('\n').map((line) => JSON.parse(line))
  ) as Told[];
  return rows.filter((row) => row.kind === kind);
}

describe('a published port', () => {
  it('M36: that is shown and dead is noticed, and told once', async () => {
    const compose = {
      name: stack,
      services: {
        web: {
          image: testImages.demoApp,
          environment: { PORT: '8080', LOG_RATE: '0' },
          ports: [`${port}:8080`],
        },
      },
    };
    const file = join(core.home, 'compose.yaml');
    writeFileSync(file, JSON.stringify(compose));
    await core.cli('up', '-f', file, '--wait');
    const found = proxies();
    expect(found.length).toBeGreaterThan(0);
    for (const pid of found) process.kill(pid, 'SIGKILL');
    const took = await waitUntil('it is told', async () => (await told('port.dead')).length > 0);
    figure('M36', `docker-proxy killed: told after ${Math.round(took)} ms`);
    expect(await told('port.dead')).toHaveLength(1);
    expect(await told('port.back')).toEqual([]);
    await core.cli('restart', `${stack}/web`, '--wait');
    await waitUntil('a proxy again', () => Promise.resolve(proxies().length > 0));
  });
});
