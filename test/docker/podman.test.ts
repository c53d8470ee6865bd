/**
 * Podman behind its Docker-compatible socket does the main job: a stack of services is applied, heals, scales, is reached and read, and
 * goes; what Podman lacks is said. Seen with Podman 4.3 of Debian 12, without systemd.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { say } from '../../src-main/contract/sentence';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { caller } from '../support/app';
import { startPrivateEngine, testImages, whyNoPrivateEngine, type PrivateEngine } from '../support/engine';
import { startApp, waitUntil, type TestApp } from './app-kit';

const why = whyNoPrivateEngine('podman');
const stack = `pod${process.pid}`;
const port = 18_080;

let place: PrivateEngine;
let engine: DockerEngine;
let home: string;
let ours: TestApp;

const compose = `
name: ${stack}
services:
  web:
    image: ${testImages.busybox}
    command: ['sh', '/app/web.sh']
    configs: [{ source: web, target: /app/web.sh }]
    ports: ['${port}:8080']
    healthcheck: { test: ['CMD', 'wget', '-q', '-O', '/dev/null', 'http://127.0.0.1:8080/'], interval: 1s, timeout: 2s, retries: 3 }
    depends_on:
      api: { condition: service_healthy }
      migrate: { condition: service_completed_successfully }
    networks: [front, back]
    stop_grace_period: 1s
    logging: { driver: json-file, options: { max-size: 5m, max-file: '2' } }
    deploy: { replicas: 3, resources: { limits: { cpus: '0.50', memory: 32M } } }
  api:
    image: ${testImages.busybox}
    command: ['sh', '-c', 'cat /run/secrets/password > /dev/shm/seen; trap "exit 0" TERM; while :; do sleep 1 & wait $$!; done']
    domainname: example.internal
    healthcheck: { test: ['CMD', 'test', '-s', '/dev/shm/seen'], interval: 1s }
    secrets: [password]
    networks: [back]
    stop_grace_period: 1s
  migrate:
    image: ${testImages.busybox}
    command: ['sh', '-c', 'echo v3 > /data/schema; echo schema is at v3']
    restart: 'no'
    volumes: ['data:/data']
    networks: [back]
networks: { front: , back: }
volumes: { data: }
secrets: { password: { environment: PASSWORD } }
configs:
  web:
    content: |
      mkdir -p /www
      hostname > /www/index.html
      httpd -f -p 8080 -h /www &
      trap 'kill $$!; exit 0' TERM
      echo "INFO listening" && wait
`;
const source = { files: [{ name: 'compose.yaml', text: compose }], environment: { PASSWORD: 'canary-p0dman' } };

const key = (name: string): string => `${stack}/${name}`;
const containersOf = async (name: string): Promise<string[]> =>
  (await ours.view(name)).replicaList.flatMap(({ container }) => container?.id ?? []);
/** Asks the published port; resolves with the answer's text. */
const ask = (): Promise<string> =>
  new Promise((resolve, reject) => {
    const request = get({ host: place.address, port, agent: false, timeout: 3000 }, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.on('end', () => resolve(text.trim()));
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
  });
const lines = async (query: string): Promise<string[]> => {
  const page = await ours.app.api.calls['logs.page'](
    { scope: { services: [key('web'), key('migrate')] }, query, limit: 50 },
    caller,
  );
  return page.lines.map(({ text }) => text);
};

describe.skipIf(why !== undefined)(`Podman${why === undefined ? '' : ` (${why})`}`, () => {
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'pilothouse-podman-'));
    place = await startPrivateEngine({ name: `podman-${process.pid}`, program: 'podman' });
    engine = await connect({ endpoint: place.dockerHost });
    ours = await startApp({ engine, stack, home });
  });
  afterAll(async () => {
    await ours?.stop();
    engine?.dispose();
    await place?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  it('is known as what it is, with what it lacks', async () => {
    const [view] = await ours.app.api.calls['engines.list']({}, caller);
    expect(view).toMatchObject({ kind: 'podman', name: expect.stringMatching(/^Podman \d+\.\d+/) });
    const limits = view?.limits?.map(say).join('\n');
    expect(limits).toContain('podman-restart.service');
    expect(limits).toContain('no health checks without systemd');
    const plan = await ours.app.api.calls['stacks.plan']({ source, name: stack }, caller);
    const warnings = plan.warnings.map(({ message }) => message).join('\n');
    expect(warnings).toContain('The health of web is checked only while Pilothouse runs');
    if (parseInt(view?.version ?? '', 10) < 5) expect(warnings).toContain('api is run without domainname');
  });

  it('runs a stack: in order, healthy, with files, secrets in memory, names and a published port', async () => {
    await ours.app.api.calls['stacks.apply']({ source, name: stack }, caller);
    await ours.until('three of web', () => ours.settled('web', 3));
    const [web = ''] = await containersOf('web');
    const [api = ''] = await containersOf('api');
    const inside = async (id: string, script: string): Promise<string> =>
      (await engine.exec(id, ['sh', '-c', script])).output;
    expect(await inside(api, 'cat /dev/shm/seen')).toBe('canary-p0dman');
    expect(await inside(api, 'grep /run/secrets /proc/mounts')).toMatch(/^tmpfs \/run\/secrets tmpfs ro/);
    expect(await inside(web, 'nslookup api 2>&1 | grep -c "^Address.*10\\."')).toMatch(/[1-9]/);
    expect(await inside(api, 'wget -qO- http://web:8080/')).toMatch(/^[0-9a-f]{12}/);
    const answers = new Set<string>();
    await waitUntil('all three by the gateway', async () => answers.add(await ask()).size === 3);
  });

  it('scales 3 → 5 → 2, and what is killed or removed comes back', async () => {
    await ours.scale('web', 5);
    await ours.until('five', () => ours.settled('web', 5));
    await ours.scale('web', 2);
    await ours.until('two', () => ours.settled('web', 2));
    const [first = '', second = ''] = await containersOf('web');
    await engine.kill(first, 'SIGKILL');
    await engine.remove(second, { force: true, anonymousVolumes: true });
    await ours.until('two others', async () => {
      const detail = await engine.inspect(first);
      const again = detail === undefined || (detail.state === 'running' && detail.restartCount >= 0);
      return again && (await ours.settled('web', 2)) && !(await containersOf('web')).includes(second);
    });
    await waitUntil('an answer', async () => (await ask()) !== '');
  });

  it('tells its lines, its figures and its events', async () => {
    await waitUntil('the lines', async () => (await lines('listening')).length >= 2);
    expect(await lines('schema')).toEqual(['schema is at v3']);
    await waitUntil('the figures', async () => {
      const now = Date.now();
      const series = await ours.app.api.calls['metrics.range'](
        { metric: 'memory', services: [key('web')], by: 'replica', from: now - 10_000, to: now, points: 10 },
        caller,
      );
      return series.length >= 2 && series.every(({ v }) => v.some((value) => (value ?? 0) > 0));
    });
    expect(await ours.events('replica.gone', 'web')).not.toEqual([]);
    expect(await ours.events('replica.ready', 'web')).not.toEqual([]);
  });

  it('is adopted by the next start without a write, and goes down but for its volume', async () => {
    const before = (await engine.list()).map(({ id }) => id).sort();
    await ours.stop();
    ours = await startApp({ engine, stack, home });
    await ours.until('two of web', () => ours.settled('web', 2));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect((await engine.list()).map(({ id }) => id).sort()).toEqual(before);
    await ours.app.api.calls['stacks.remove']({ stack, volumes: false }, caller);
    await ours.until('the end', async () => (await ours.app.api.calls['stacks.list']({}, caller)).length === 0);
    // The gateway goes a moment after the last service, also when the app is ended in that moment.
    await ours.stop();
    expect((await engine.list()).map(({ name }) => name)).toEqual([]);
    expect((await engine.networks()).filter(({ name }) => name.startsWith(stack))).toEqual([]);
    expect((await engine.volumes()).map(({ name }) => name)).toEqual([`${stack}_data`]);
  });
});
