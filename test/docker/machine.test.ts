import { existsSync, readdirSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { call } from '../machine/api.mjs';
import { startPrivateEngine, testEngine, testImages } from '../support/engine';
import { startFaultProxy } from '../support/faultproxy';

interface Created {
  Id: string;
}

/** Starts a container on the engine behind `socket`, publishing the demo app on a port the engine picks. */
async function start(socket: string, name: string): Promise<{ id: string; port: number }> {
  const body = {
    Image: testImages.demoApp,
    ExposedPorts: { '8080/tcp': {} },
    HostConfig: { PortBindings: { '8080/tcp': [{ HostPort: '' }] } },
  };
  const created = await call(socket, 'POST', `/containers/create?name=${name}`, { body });
  expect(created.status).toBe(201);
  const { Id: id } = JSON.parse(created.text) as Created;
  expect((await call(socket, 'POST', `/containers/${id}/start`)).status).toBe(204);
  const inspected = JSON.parse((await call(socket, 'GET', `/containers/${id}/json`)).text) as {
    NetworkSettings: { Ports: Record<string, { HostPort: string }[]> };
  };
  return { id, port: Number(inspected.NetworkSettings.Ports['8080/tcp']?.[0]?.HostPort) };
}

const engine = testEngine();
const started: string[] = [];

afterAll(async () => {
  for (const id of started) await call(engine.socket, 'DELETE', `/containers/${id}?force=true`);
});

describe('the private engine', () => {
  it('has every image that tests use', async () => {
    for (const name of Object.values(testImages)) {
      expect((await call(engine.socket, 'GET', `/images/${name}/json`)).status, name).toBe(200);
    }
  });

  it('runs the demo app behind a published port, which fails on demand', async () => {
    const { id, port } = await start(engine.socket, 'machine-demo');
    started.push(id);
    const base = `http://${engine.address}:${port}`;
    await expect.poll(async () => (await fetch(base).catch(() => undefined))?.status, { timeout: 5_000 }).toBe(200);
    const answer = (await (await fetch(base)).json()) as { hostname: string; version: string };
    expect(answer).toMatchObject({ hostname: id.slice(0, 12), version: '1' });
    expect((await fetch(`${base}/healthz`)).status).toBe(200);
    await fetch(`${base}/fail?on=1`);
    expect((await fetch(`${base}/healthz`)).status).toBe(503);
    await fetch(`${base}/log?n=20`);
    const logs = async (): Promise<string> =>
      (await call(engine.socket, 'GET', `/containers/${id}/logs?stdout=true`)).text;
    await expect.poll(logs, { timeout: 5_000 }).toContain('line 20 of 20');
  });

  it('keeps one container when the answer of its creation is lost and the caller tries again', async () => {
    const proxy = await startFaultProxy({ upstream: engine.socket });
    try {
      proxy.inject({ kind: 'drop-response', method: 'POST', path: /^\/containers\/create/, times: 1 });
      const create = (): ReturnType<typeof call> =>
        call(proxy.socket, 'POST', '/containers/create?name=machine-lost', { body: { Image: testImages.busybox } });
      await expect(create()).rejects.toThrow();
      expect((await create()).status).toBe(409);
      const filters = encodeURIComponent(JSON.stringify({ name: ['machine-lost'] }));
      const list = await call(proxy.socket, 'GET', `/containers/json?all=true&filters=${filters}`);
      const found = JSON.parse(list.text) as Created[];
      expect(found).toHaveLength(1);
      started.push(...found.map((one) => one.Id));
    } finally {
      await proxy.stop();
    }
  });

  it('can be started a second time beside it, restarted, killed, and leaves nothing behind', async () => {
    const own = await startPrivateEngine({ name: `machine-${process.pid}`, liveRestore: true });
    try {
      expect(own.hostNetwork).toBe(false);
      const { port } = await start(own.socket, 'machine-second');
      const status = async (): Promise<number | undefined> =>
        (await fetch(`http://${own.address}:${port}`).catch(() => undefined))?.status;
      await expect.poll(status, { timeout: 5_000 }).toBe(200);
      const before = own.pid();
      await own.restart();
      expect(own.pid()).not.toBe(before);
      expect(await status()).toBe(200);
      await own.kill();
      expect(own.pid()).toBe(0);
      await own.start();
      expect((await call(own.socket, 'GET', '/containers/json')).text).toContain('machine-second');
    } finally {
      await own.stop();
    }
    expect(existsSync(own.socket)).toBe(false);
    expect(existsSync(own.dataRoot)).toBe(false);
    const groups = ['', ...readdirSync('/sys/fs/cgroup')].map((part) => `/sys/fs/cgroup/${part}${own.cgroupParent}`);
    expect(groups.filter((folder) => existsSync(folder))).toEqual([]);
  });
});
