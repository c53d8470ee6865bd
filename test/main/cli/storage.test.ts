/** The storage verbs against an API that answers as the core does: jobs are followed, problems become exit codes. */
import { expect, it } from 'vitest';
import { runCommandLine } from '../../../src-main/cli/run';
import type { Api } from '../../../src-main/contract/api';
import { Client } from '../../../src-main/contract/client';
import { Session } from '../../../src-main/contract/session';

const running = { id: 'j', kind: 'backup', subject: 'data', state: 'running', done: 0, total: 0, startedAt: 1 };
const reading = { ...running, words: { code: 'storage.reading', args: { volume: 'data' } } };

async function run(
  words: string,
  calls: Record<string, (input: never) => unknown>,
  end: object = { state: 'done', result: 'data-1', words: { code: 'storage.done' } },
): Promise<{ code: number; out: string; errors: string }> {
  const said = { out: '', errors: '' };
  const api = {
    calls: Object.fromEntries(Object.entries(calls).map(([name, work]) => [name, async (input: never) => work(input)])),
    streams: {
      'storage.watch': (_input: unknown, sink: { send(item: unknown): void }) => {
        sink.send({ reset: true, put: [reading], gone: [] });
        sink.send({ reset: false, put: [{ ...running, ...end }], gone: [] });
        return { dispose() {} };
      },
    },
  };
  const client: Client = new Client((message) => session.receive(message));
  const session = new Session(api as unknown as Api, 'cli', (message) => queueMicrotask(() => client.receive(message)));
  const screen = (key: 'out' | 'errors') => ({
    write: (text: string) => void (said[key] += text),
    coloured: false,
    interactive: false,
  });
  const code = await runCommandLine(
    words.split(' '),
    { out: screen('out'), errors: screen('errors') },
    {
      connect: () => Promise.resolve(client),
      environment: {},
      folder: '/here',
      now: () => 1_000_000,
      standardInput: () => '',
      version: '1',
      programs: '',
      interrupted: new Promise(() => {}),
    },
  );
  return { code, ...said };
}

const job = { job: 'j' };

it('a backup is followed to its end', async () => {
  const inputs: unknown[] = [];
  const calls = { 'volumes.backup': (input: unknown) => (inputs.push(input), job) };
  const { code, out, errors } = await run('volume backup data --stopped', calls);
  expect([code, out, errors]).toEqual([0, 'Backed up as data-1\n', 'Reading data\n']);
  expect(inputs).toEqual([{ name: 'data', mode: 'stopped' }]);
  expect(JSON.parse((await run('volume backup data --json', calls)).out)).toMatchObject({ result: 'data-1' });
});

it('one that fails says why, with exit code 1; one that is cancelled, too', async () => {
  const calls = { 'volumes.restore': () => job };
  const problem = { code: 'bad-input', message: 'It is damaged' };
  const failed = await run('volume restore b --swap', calls, {
    state: 'failed',
    problem,
    words: { code: 'storage.done' },
  });
  expect([failed.code, failed.errors]).toEqual([1, 'Reading data\nIt is damaged\n']);
  const cancelled = await run('volume restore b', calls, { state: 'cancelled', words: { code: 'storage.cancelled' } });
  expect(cancelled.code).toBe(1);
});

it('a prune only shows, until it is told to go on', async () => {
  const pruned: unknown[] = [];
  const calls = {
    'volumes.prunePlan': () => ({ items: [{ name: 'old', size: 2048, why: 'unused' }], bytes: 2048 }),
    'volumes.prune': (input: unknown) => (pruned.push(input), job),
  };
  const shown = await run('volume prune', calls);
  expect(shown.out).toContain('old');
  expect(shown.errors).toContain('--yes');
  expect(pruned).toEqual([]);
  expect((await run('volume prune --yes', calls)).out).toContain('Removed 1');
  expect(pruned).toEqual([{ names: ['old'], recycle: true }]);
});

it('files are named from where one stands', async () => {
  const inputs: unknown[] = [];
  await run('volume import a.tar.gz data', { 'volumes.import': (input: unknown) => (inputs.push(input), job) });
  expect(inputs).toEqual([{ file: '/here/a.tar.gz', name: 'data' }]);
  expect((await run('volume import a.tar.gz', {})).code).toBe(2);
});
