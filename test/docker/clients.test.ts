/**
 * The published clients of Nacos and Apollo inside containers of the real engine, against our core where containers reach it: the
 * bridge of the engine. The core is a process of its own, as it listens there, and is killed between two releases.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitUntil } from './app-kit';
import { coreProcess, type CoreProcess } from './core-kit';

const project = join(__dirname, '..', '..');
const namespace = `apps${process.pid}`;
let core: CoreProcess;
const cli = (...words: string[]): Promise<string> => core.cli(...words);

/** What the clients said, oldest first. */
async function heard(who: string): Promise<string[]> {
  const text = await cli('logs', `${namespace}/client`, '--json');
  return [...text.matchAll(new RegExp(`${who} ([a-z0-9]+)`, 'g'))].map(([, word = '']) => word);
}
const hears = (who: string, word: string): Promise<number> =>
  waitUntil(`${who} to hear ${word}`, async () => (await heard(who)).at(-1) === word);

beforeAll(async () => {
  core = await coreProcess();
  await core.serve();
});
afterAll(() => core.end(namespace));

/** Node of this machine and its libraries, lent to a container that has none. */
function lent(): string[] {
  const libraries = ['/lib', '/lib64', '/usr/lib'].filter((folder) => existsSync(folder));
  return [
    `${process.execPath}:/usr/local/bin/node:ro`,
    ...libraries.map((folder) => `${folder}:${folder}:ro`),
    `${join(project, 'node_modules')}:/app/node_modules:ro`,
    `${join(__dirname, 'clients-program.cjs')}:/app/main.cjs:ro`,
  ];
}

describe('clients inside containers', () => {
  it('get, listen, hear releases, gray ones and rollbacks, and read nothing old after we were killed', async () => {
    const [nacosItem, apolloItem] = [`${namespace}/default/app.json`, `${namespace}/default/application`];
    const publish = async (word: string, ...more: string[]): Promise<void> => {
      await cli('config', 'set', '--format', 'text', nacosItem, word);
      await cli('config', 'set', '--format', 'properties', apolloItem, `level=${word}`);
      for (const item of [nacosItem, apolloItem]) await cli('config', 'publish', ...more, item);
    };
    await publish('one');
    const view = JSON.parse(await cli('config', 'serve', '--containers', '--json')) as { urls: string[] };
    expect(view.urls).toHaveLength(2);
    const url = new URL(view.urls[1] ?? '');
    const token = JSON.parse(await cli('config', 'token', namespace, 'clients', '--json')) as {
      id: string;
      token: string;
    };
    const compose = {
      name: namespace,
      services: {
        client: {
          image: 'busybox:latest',
          command: ['/usr/local/bin/node', '/app/main.cjs'],
          environment: {
            CONFIG_SERVER: `host.docker.internal:${url.port}`,
            CONFIG_NAMESPACE: namespace,
            TOKEN_ID: token.id,
            TOKEN: token.token,
          },
          extra_hosts: [`host.docker.internal:${url.hostname}`],
          volumes: lent(),
        },
      },
    };
    const file = join(core.home, 'compose.yaml');
    writeFileSync(file, JSON.stringify(compose));
    await cli('up', '-f', file);
    for (const who of ['nacos', 'apollo']) await hears(who, 'one');
    await publish('two');
    for (const who of ['nacos', 'apollo']) await hears(who, 'two');
    await publish('gray', '--ip', '203.0.113.9');
    await core.stop('SIGKILL');
    await core.serve();
    await publish('three');
    for (const who of ['nacos', 'apollo']) await hears(who, 'three');
    for (const item of [nacosItem, apolloItem]) await cli('config', 'rollback', item);
    for (const who of ['nacos', 'apollo']) await hears(who, 'two');
    for (const who of ['nacos', 'apollo']) expect(await heard(who)).toEqual(['one', 'two', 'three', 'two']);
  });
});
