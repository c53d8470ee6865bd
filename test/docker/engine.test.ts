/** The port's calls on a real engine: what they do, and what counts as done. */
import { describe, expect, it } from 'vitest';
import { call } from '../machine/api.mjs';
import { testEngine, testImages } from '../support/engine';
import { containerRequest } from '../main/engine/docker/request';
import { codeOf, engineKit, uniqueName } from './engine-kit';

const { engine, create, run, shell, network, volume } = engineKit();
const gone = 'f'.repeat(64);

describe('the engine', () => {
  it('says who it is', async () => {
    const facts = await engine().facts();
    expect(facts).toMatchObject({ kind: 'docker', rootless: false });
    expect(facts.cpus).toBeGreaterThan(0);
    expect(facts.memory).toBeGreaterThan(100_000_000);
    expect(engine().endpoint).toBe(testEngine().dockerHost);
    expect(await engine().ping()).toBeGreaterThan(0);
  });

  it('knows its images and what they declare', async () => {
    const images = await engine().images();
    expect(images.flatMap(({ tags }) => tags)).toEqual(expect.arrayContaining(Object.values(testImages)));
    expect(await engine().inspectImage(testImages.demoApp)).toMatchObject({ healthcheck: false, exposed: [8_080] });
    expect(await engine().inspectImage('no/such:image')).toBeUndefined();
    expect(await codeOf(engine().removeImage('no/such:image', false))).toBeUndefined();
  });

  it('measures its disk, and then knows the sizes of volumes', async () => {
    const name = await volume();
    const before = (await engine().volumes()).find((row) => row.name === name);
    expect(before).toMatchObject({ driver: 'local', labels: { 'io.pilothouse.test': name } });
    expect(before).not.toHaveProperty('size');
    const usage = await engine().diskUsage();
    expect(usage.images).toBeGreaterThan(1_000_000);
    expect((await engine().volumes()).find((row) => row.name === name)).toMatchObject({ size: 0, users: 0 });
  });

  it('says why it cannot pull', async () => {
    expect(await codeOf(engine().pull('localhost:1/no/such:image', {}))).toBe('refused');
    expect(await codeOf(engine().pull('not a reference', {}))).toBe('invalid');
  });
});

describe('a container', () => {
  it('lives: created, running, stopped, removed; doing a thing twice is doing it once', async () => {
    const name = uniqueName('life');
    const { id } = await engine().create(
      containerRequest({
        name,
        labels: { 'io.pilothouse.test': name },
        command: ['sh', '-c', 'trap "exit 3" TERM; sleep 600 & wait'],
      }),
    );
    const list = async (): Promise<unknown> =>
      (await engine().list({ labels: { 'io.pilothouse.test': name } })).map((row) => ({
        id: row.id,
        name: row.name,
        state: row.state,
        exit: row.exitCode,
      }));
    expect(await list()).toEqual([{ id, name, state: 'created', exit: undefined }]);
    await engine().start(id);
    await engine().start(id);
    expect(await list()).toEqual([{ id, name, state: 'running', exit: undefined }]);
    await engine().stop(id, 5_000);
    await engine().stop(id, 5_000);
    expect(await list()).toEqual([{ id, name, state: 'exited', exit: 3 }]);
    expect(await engine().inspect(name)).toMatchObject({ id, state: 'exited', exitCode: 3, oomKilled: false });
    await engine().remove(id, { force: false, anonymousVolumes: true });
    await engine().remove(id, { force: false, anonymousVolumes: true });
    expect(await list()).toEqual([]);
    expect(await engine().inspect(id)).toBeUndefined();
    expect(await codeOf(engine().stop(id, 0))).toBeUndefined();
    expect(await codeOf(engine().start(id))).toBe('not-found');
  });

  it('gets what was asked for', async () => {
    const [name, data] = [uniqueName('full'), await volume()];
    const id = await run({
      name,
      environment: { GREETING: 'a=b c' },
      workingDir: '/tmp',
      user: '1000:1000',
      hostname: 'harbour',
      labels: { one: 'two' },
      healthcheck: { test: ['CMD', 'true'], interval: 1_000, timeout: 1_000, retries: 1 },
      host: {
        capDrop: ['ALL'],
        init: true,
        // Not nofile: the runtime of runc raises its soft limit by itself, at times that of what it runs.
        ulimits: { core: { soft: 256 * 512, hard: 512 * 512 } },
        tmpfs: { '/scratch': 'size=65536' },
        extraHosts: ['elsewhere:192.0.2.1'],
        sysctls: { 'net.core.somaxconn': '99' },
        limits: { cpus: 0.5, memory: 64 * 1024 * 1024, pids: 30 },
        restartPolicy: { name: 'on-failure', maxAttempts: 2 },
        mounts: [{ type: 'volume', source: data, target: '/data', readOnly: true }],
        extras: { cpuShares: 512 },
      },
    });
    expect(await engine().inspect(id)).toMatchObject({
      name,
      hostname: 'harbour',
      labels: { one: 'two' },
      environment: expect.arrayContaining(['GREETING=a=b c']),
      limits: { cpus: 0.5, memory: 64 * 1024 * 1024, pids: 30 },
      mounts: [{ type: 'volume', name: data, target: '/data', readOnly: true }],
      restartPolicy: { name: 'on-failure', maxAttempts: 2 },
    });
    const script =
      'echo $GREETING; pwd; id -u; hostname; ulimit -Sc; cat /proc/sys/net/core/somaxconn; grep elsewhere /etc/hosts; touch /data/x';
    const { exitCode, output } = await engine().exec(id, ['sh', '-c', script]);
    expect(output.split('\n').slice(0, 6)).toEqual(['a=b c', '/tmp', '1000', 'harbour', '256', '99']);
    expect(output).toContain('192.0.2.1');
    expect(output).toContain('Read-only file system');
    expect(exitCode).toBe(1);
    await expect.poll(async () => (await engine().inspect(id))?.health, { timeout: 10_000 }).toBe('healthy');
    expect((await engine().list({ labels: { one: 'two' } }))[0]?.health).toBe('healthy');
  });

  it('has a name that only one can have (F7)', async () => {
    const name = uniqueName('twin');
    await create({ name });
    expect(await codeOf(create({ name }))).toBe('name-taken');
    const race = uniqueName('race');
    const codes = await Promise.all([1, 2, 3, 4].map(() => codeOf(create({ name: race }))));
    expect(codes.filter((code) => code === undefined)).toHaveLength(1);
    expect(codes.filter((code) => code === 'name-taken')).toHaveLength(3);
    const other = await create();
    expect(await codeOf(engine().rename(other, name))).toBe('name-taken');
    await engine().rename(other, `${name}-new`);
    expect((await engine().inspect(other))?.name).toBe(`${name}-new`);
  });

  it('cannot be what the engine does not allow', async () => {
    expect(await codeOf(create({ image: 'no/such:image' }))).toBe('no-image');
    expect(await codeOf(create({ host: { limits: { memory: 5 } } }))).toBe('invalid');
    expect(await codeOf(create({ name: '../x' }))).toBe('invalid');
  });

  it('whose port is taken stays created, with exit code 128 and a reason (F8)', async () => {
    const first = await run({ host: { ports: [{ target: 80, protocol: 'tcp', hostIp: '127.0.0.1' }] } });
    const [port] = (await engine().inspect(first))?.ports ?? [];
    expect(port).toMatchObject({ target: 80, protocol: 'tcp', hostIp: '127.0.0.1' });
    const second = await create({
      host: { ports: [{ target: 80, protocol: 'tcp', hostIp: '127.0.0.1', published: port?.published ?? 0 }] },
    });
    expect(await codeOf(engine().start(second))).toBe('port-taken');
    expect(await engine().inspect(second)).toMatchObject({
      state: 'created',
      exitCode: 128,
      error: expect.stringContaining('port is already allocated'),
    });
  });

  it('can be killed, and is not gone by that', async () => {
    const id = await run();
    await engine().kill(id, 'SIGKILL');
    await expect.poll(async () => (await engine().inspect(id))?.exitCode).toBe(137);
    expect(await codeOf(engine().kill(id, 'SIGKILL'))).toBe('refused');
    expect(await codeOf(engine().kill(id, 'SIGNONSENSE'))).toBe('invalid');
  });

  it('that runs is not removed unless forced', async () => {
    const id = await run();
    expect(await codeOf(engine().remove(id, { force: false, anonymousVolumes: false }))).toBe('refused');
    await Promise.all([1, 2, 3].map(() => engine().remove(id, { force: true, anonymousVolumes: true })));
    expect(await engine().inspect(id)).toBeUndefined();
  });

  it('can be paused, once, and says so (F14)', async () => {
    const id = await run();
    await engine().pause(id);
    await engine().pause(id);
    expect((await engine().inspect(id))?.state).toBe('paused');
    expect((await engine().list()).find((row) => row.id === id)?.state).toBe('paused');
    expect(await codeOf(engine().exec(id, ['true']))).toBe('paused');
    expect(await codeOf(engine().start(id))).toBe('paused');
    await engine().unpause(id);
    await engine().unpause(id);
    expect((await engine().inspect(id))?.state).toBe('running');
  });

  it('that ate its memory says so (F13)', async () => {
    // The kernel's word to the engine races with the end of the process: one that came too late is never told, so there are several.
    const starved = async (): Promise<boolean | undefined> => {
      const id = await shell('tail /dev/zero', { host: { limits: { memory: 16 * 1024 * 1024 } } });
      await expect.poll(async () => (await engine().inspect(id))?.state, { timeout: 20_000 }).toBe('exited');
      const seen = await engine().inspect(id);
      expect(seen?.exitCode).toBe(137);
      return seen?.oomKilled;
    };
    await expect.poll(starved, { timeout: 60_000 }).toBe(true);
  });

  it('takes other limits and another restart policy while it runs', async () => {
    const id = await run({ host: { limits: { memory: 32 * 1024 * 1024 } } });
    const limits = { cpus: 0.5, memory: 128 * 1024 * 1024, pids: 20 };
    await engine().update(id, { limits, restartPolicy: { name: 'always', maxAttempts: 0 } });
    expect(await engine().inspect(id)).toMatchObject({ limits, restartPolicy: { name: 'always' } });
    await engine().update(id, { restartPolicy: { name: 'no', maxAttempts: 0 } });
    expect(await engine().inspect(id)).toMatchObject({ limits, restartPolicy: { name: 'no' } });
  });
});

describe('exec', () => {
  it('gives exit code and output, both streams', async () => {
    const id = await run();
    const both = await engine().exec(id, ['sh', '-c', 'echo out; echo err >&2; exit 3']);
    // The engine reads the two pipes side by side, so their order is open.
    expect({ ...both, output: both.output.split('\n').sort() }).toEqual({ exitCode: 3, output: ['', 'err', 'out'] });
    expect(await engine().exec(id, ['echo', '$HOME; `id`', '--', "it's"])).toEqual({
      exitCode: 0,
      output: "$HOME; `id` -- it's\n",
    });
    expect(await engine().exec(id, ['id', '-u'], { user: '1234' })).toEqual({ exitCode: 0, output: '1234\n' });
    expect((await engine().exec(id, ['/no/such/program'])).exitCode).toBe(126);
  });

  it('keeps no more output than asked, and lets the program end', async () => {
    const id = await run();
    const { exitCode, output } = await engine().exec(id, ['sh', '-c', 'seq 1 200000; exit 4'], { limit: 1_000 });
    expect(exitCode).toBe(4);
    expect(output).toHaveLength(1_000);
    expect(output.startsWith('1\n2\n3\n')).toBe(true);
  });

  it('gives up on a program that goes on, and on containers that do not run', async () => {
    const id = await run();
    expect(await codeOf(engine().exec(id, ['sleep', '60'], { timeout: 300 }))).toBe('timeout');
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 200);
    expect(await codeOf(engine().exec(id, ['sleep', '60'], {}, controller.signal))).toBe('timeout');
    expect(await codeOf(engine().exec(await create(), ['true']))).toBe('refused');
    expect(await codeOf(engine().exec(gone, ['true']))).toBe('not-found');
  });
});

describe('putting files', () => {
  const file = (path: string, text: string): Parameters<ReturnType<typeof engine>['putFile']>[1] => ({
    path,
    content: new TextEncoder().encode(text),
    mode: 0o640,
    uid: 12,
    gid: 34,
  });

  it('works before the start and while it runs, makes folders, and replaces', async () => {
    const id = await create({ command: ['sleep', '600'] });
    await engine().putFile(id, file('/etc/app/deep/config.json', 'one'));
    await engine().start(id);
    const cat = [
      'sh',
      '-c',
      'cat /etc/app/deep/config.json; stat -c " %a %u %g" /etc/app/deep/config.json; stat -c "%a %u" /etc /etc/app',
    ];
    expect((await engine().exec(id, cat)).output).toBe('one 640 12 34\n755 0\n755 0\n');
    await engine().putFile(id, file('/etc/app/deep/config.json', 'two, and longer'));
    expect((await engine().exec(id, cat)).output).toBe('two, and longer 640 12 34\n755 0\n755 0\n');
    await engine().putFile(id, file('/top', 'x'.repeat(300_000)));
    expect((await engine().exec(id, ['wc', '-c', '/top'])).output).toBe('300000 /top\n');
  });

  it('reaches volumes', async () => {
    const id = await run({
      host: { mounts: [{ type: 'volume', source: await volume(), target: '/data', readOnly: false }] },
    });
    await engine().putFile(id, file('/data/sub/x', 'there'));
    expect((await engine().exec(id, ['cat', '/data/sub/x'])).output).toBe('there');
  });

  it('never leaves the container, and fails where there is nothing to put it into', async () => {
    const id = await run();
    await engine().exec(id, ['ln', '-s', '/../../../../tmp', '/out']);
    await engine().putFile(id, file('/out/pilothouse-escape', 'x'));
    expect((await engine().exec(id, ['ls', '/tmp'])).output).toContain('pilothouse-escape');
    expect(await codeOf(engine().putFile(id, file('relative', 'x')))).toBe('invalid');
    expect(await codeOf(engine().putFile(id, file('/bin/busybox/x', 'x')))).toBeDefined();
    expect(await codeOf(engine().putFile(gone, file('/x', 'x')))).toBe('not-found');
  });
});

describe('networks', () => {
  it('give containers names for each other, on each network they joined', async () => {
    const [front, back] = [await network(), await network()];
    const web = await run({
      networks: [
        { name: front, aliases: ['web'] },
        { name: back, aliases: ['web-inside'] },
      ],
    });
    const detail = await engine().inspect(web);
    expect(Object.keys(detail?.networks ?? {}).sort()).toEqual([front, back].sort());
    expect(detail?.networks[front]?.aliases).toContain('web');
    const other = await run({ networks: [{ name: back, aliases: ['db'] }] });
    const look = async (name: string): Promise<string> => (await engine().exec(other, ['nslookup', name])).output;
    expect(await look('web-inside')).toContain(detail?.networks[back]?.address ?? 'none');
    expect(await look('web')).not.toContain(detail?.networks[front]?.address ?? 'none');
    const inspected = await engine().inspectNetwork(back);
    expect(Object.keys(inspected?.containers ?? {}).sort()).toEqual([web, other].sort());
    expect(inspected?.subnets).toHaveLength(1);
  });

  it('can be joined and left while running, more than once', async () => {
    const [home, away] = [await network(), await network()];
    const id = await run({ networks: [{ name: home, aliases: [] }] });
    for (let time = 0; time < 2; time += 1) await engine().connect(away, id, { aliases: ['guest'] });
    expect((await engine().inspect(id))?.networks[away]?.aliases).toContain('guest');
    for (let time = 0; time < 2; time += 1) await engine().disconnect(away, id, false);
    expect((await engine().inspect(id))?.networks).not.toHaveProperty(away);
    expect(await codeOf(engine().connect('no-such-network', id, { aliases: [] }))).toBe('not-found');
  });

  it('that do not exist are noticed at the start, which is not taken for a missing container', async () => {
    const id = await create({
      networks: [await network(), 'no-such-network'].map((each) => ({ name: each, aliases: [] })),
    });
    expect(await codeOf(engine().start(id))).toBe('refused');
    expect((await engine().inspect(id))?.state).toBe('created');
  });

  it('have names that only one can have, and stay while they are used', async () => {
    const name = await network();
    const request = { name, driverOpts: {}, internal: false, attachable: false, enableIpv6: false, labels: {} };
    expect(await codeOf(engine().createNetwork(request))).toBe('name-taken');
    expect((await engine().networks({ labels: { 'io.pilothouse.test': name } })).map((row) => row.name)).toEqual([
      name,
    ]);
    const id = await run({ networks: [{ name, aliases: [] }] });
    expect(await codeOf(engine().removeNetwork(name))).toBe('in-use');
    expect(await codeOf(engine().removeNetwork('bridge'))).toBe('refused');
    expect(await codeOf(engine().removeNetwork('no-such-network'))).toBeUndefined();
    expect(await engine().inspectNetwork('no-such-network')).toBeUndefined();
    await engine().remove(id, { force: true, anonymousVolumes: true });
  });

  it('can have a name that looks like markup (F10), and are found by their label', async () => {
    const name = '<img src=x onerror=1>';
    const { id } = await engine().createNetwork({
      name,
      driverOpts: {},
      internal: true,
      attachable: false,
      enableIpv6: false,
      ipam: { config: [{ subnet: '10.254.254.0/29' }] },
      labels: { markup: '<b>' },
    });
    const [found] = await engine().networks({ labels: { markup: '<b>' } });
    expect(found).toMatchObject({ id, name, internal: true, subnets: ['10.254.254.0/29'] });
    await engine().removeNetwork(id);
  });
});

describe('volumes', () => {
  it('outlive their containers; anonymous ones do not', async () => {
    const name = await volume();
    const write = await shell('echo kept > /data/x', {
      host: {
        mounts: [
          { type: 'volume', source: name, target: '/data', readOnly: false },
          { type: 'volume', target: '/anonymous', readOnly: false },
        ],
      },
    });
    await expect.poll(async () => (await engine().inspect(write))?.state).toBe('exited');
    const anonymous = (await engine().inspect(write))?.mounts.find(({ target }) => target === '/anonymous')?.name ?? '';
    expect(anonymous).toHaveLength(64);
    expect(await codeOf(engine().removeVolume(name))).toBe('in-use');
    await engine().remove(write, { force: true, anonymousVolumes: true });
    const names = (await engine().volumes()).map((row) => row.name);
    expect(names).toContain(name);
    expect(names).not.toContain(anonymous);
    const reader = await run({ host: { mounts: [{ type: 'volume', source: name, target: '/data', readOnly: true }] } });
    expect((await engine().exec(reader, ['cat', '/data/x'])).output).toBe('kept\n');
  });

  it('are made once, and tell what they are bound to (F11)', async () => {
    const name = await volume({ type: 'none', o: 'bind', device: '/etc' });
    await engine().createVolume({ name, driverOpts: { type: 'none', o: 'bind', device: '/etc' }, labels: {} });
    const [found] = await engine().volumes({ labels: { 'io.pilothouse.test': name } });
    expect(found).toMatchObject({ name, driverOpts: { type: 'none', o: 'bind', device: '/etc' } });
    expect(await codeOf(engine().removeVolume('no-such-volume'))).toBeUndefined();
  });
});

describe('what is not ours', () => {
  it('is left alone by everything above', async () => {
    const foreign = await call(testEngine().socket, 'POST', `/containers/create?name=${uniqueName('foreign')}`, {
      body: { Image: 'busybox:latest', Cmd: ['sleep', '600'] },
    });
    const { Id: id } = JSON.parse(foreign.text) as { Id: string };
    const mine = await run();
    await engine().remove(mine, { force: true, anonymousVolumes: true });
    expect(await engine().inspect(id)).toMatchObject({ state: 'created' });
    await engine().remove(id, { force: true, anonymousVolumes: true });
  });
});
