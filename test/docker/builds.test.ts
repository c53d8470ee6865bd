/** Stacks that build their images, on a real engine: nothing changes before all is built, and what has not changed is not built again. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JobView } from '../../src-main/contract/api/storage';
import type { PlanView, StackSource } from '../../src-main/contract/nouns';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { caller } from '../support/app';
import { testEngine } from '../support/engine';
import { followJobs, startApp, type TestApp } from './app-kit';

const stack = `built${process.pid}`;
const image = `${stack}-web`;
const compose = `
services:
  web:
    build: { context: web, args: { WORD: hello }, labels: { made: here } }
    stop_grace_period: 0s
    deploy: { replicas: 2 }
`;
const dockerfile = `FROM busybox
ARG WORD
COPY . /app
RUN echo "$WORD" > /word
CMD ["sleep", "3600"]
`;

let home: string;
let project: string;
let engine: DockerEngine;
let test: TestApp;
const jobs = new Map<string, JobView>();

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'builds-home-'));
  project = mkdtempSync(join(tmpdir(), 'builds-project-'));
  mkdirSync(join(project, 'web'));
  write('page', 'one\n');
  write('ignored', 'no');
  write('.dockerignore', 'ignored\n');
  engine = await connect({ endpoint: testEngine().dockerHost });
  test = await startApp({ engine, stack, home });
  followJobs(test.app, jobs);
}, 60_000);

afterAll(async () => {
  await test.end();
  for (const one of await engine.images()) {
    if (one.tags.some((tag) => tag.startsWith(image))) await engine.removeImage(one.id, true).catch(() => undefined);
  }
  engine.dispose();
  for (const folder of [home, project]) rmSync(folder, { recursive: true, force: true });
}, 60_000);

function write(name: string, text: string): void {
  writeFileSync(join(project, 'web', name), text);
}
const source = (text = compose): StackSource => ({ files: [{ name: 'compose.yaml', text }], directory: project });
const plan = (text?: string): Promise<PlanView> =>
  test.app.api.calls['stacks.plan']({ source: source(text), name: stack }, caller);
const apply = (more: object = {}): Promise<{ changed: boolean; version: number }> =>
  test.app.api.calls['stacks.apply']({ source: source(), name: stack, ...more }, caller);
const acts = ({ actions }: PlanView): string[] =>
  actions.filter(({ noun }) => noun !== 'network').map(({ verb, noun, words }) => `${verb} ${noun} ${words.code}`);

const lastBuild = (): string => [...jobs.values()].filter(({ kind }) => kind === 'build').at(-1)?.id ?? '';

/** What every container of the service says. */
async function said(): Promise<string[]> {
  const { replicaList } = await test.view('web');
  const ids = replicaList.flatMap(({ container }) => (container ? [container.id] : []));
  const all = ids.map(async (id) => (await engine.exec(id, ['sh', '-c', 'cat /word /app/page; ls /app'])).output);
  return Promise.all(all);
}

it('a build that fails, and one that leads out of the project, change nothing', async () => {
  write('Dockerfile', `${dockerfile}RUN exit 3\n`);
  await expect(apply()).rejects.toThrow(/returned a non-zero code: 3/);
  symlinkSync(tmpdir(), join(project, 'out'));
  const outside = compose.replace('context: web', 'context: out');
  await expect(plan(outside)).rejects.toMatchObject({
    problem: { code: expect.stringMatching(/forbidden|not-found/) },
  });
  expect(await test.app.api.calls['stacks.list']({}, caller)).toEqual([]);
  expect(await engine.list({ labels: { 'io.pilothouse.stack': stack } })).toEqual([]);
});

it('what is missing is built, then applied, and is called as Compose calls it', async () => {
  write('Dockerfile', dockerfile);
  const view = await plan();
  expect(acts(view)).toEqual(['build image plan.buildMissing', 'create service plan.createReplicas']);
  await apply({ token: view.token });
  await test.until('both', () => test.settled('web', 2));
  expect(await said()).toEqual(Array(2).fill('hello\none\nDockerfile\npage\n'));
  expect((await engine.inspectImage(image))?.labels).toMatchObject({
    made: 'here',
    'com.docker.compose.project': stack,
    'com.docker.compose.service': 'web',
  });
  const { lines } = await test.app.api.calls['storage.log']({ job: lastBuild() }, caller);
  expect(lines.join('\n')).toContain('RUN echo "$WORD" > /word');
});

it('what has not changed is not built again, whatever its times say', async () => {
  utimesSync(join(project, 'web', 'page'), 1, 1);
  write('ignored', 'still no');
  const job = lastBuild();
  expect(acts(await plan())).toEqual(['keep image plan.keep', 'keep service plan.keep']);
  expect(await apply()).toMatchObject({ changed: false });
  expect(lastBuild()).toBe(job);
  // Built all the same when that is wanted; the same comes of it.
  expect(await apply({ build: true })).toMatchObject({ changed: false });
  expect(lastBuild()).not.toBe(job);
});

it('what has changed is built and rolled out, and a rollback brings the image before back', async () => {
  write('page', 'two\n');
  const view = await plan();
  expect(acts(view)).toEqual(['build image plan.buildChanged', 'replace service plan.replaceReplicas']);
  await apply({ token: view.token });
  await test.until(
    'the new ones',
    async () => (await test.settled('web', 2)) && (await said())[1]?.includes('two') === true,
  );
  expect(await said()).toEqual(Array(2).fill('hello\ntwo\nDockerfile\npage\n'));
  await test.app.api.calls['rollouts.undo']({ service: `${stack}/web`, revision: 1 }, caller);
  await test.until(
    'the old ones',
    async () => (await test.settled('web', 2)) && (await said())[1]?.includes('one') === true,
  );
  expect(await said()).toEqual(Array(2).fill('hello\none\nDockerfile\npage\n'));
});
