/** What a daemon's crash and restart do to containers (F1, F2, F3), on the real engine and on the memory engine. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPrivateEngine, type PrivateEngine } from '../support/engine';
import { deaf, pause, polite, request, Twins } from './twins';

const policies = ['no', 'always', 'on-failure', 'unless-stopped'] as const;
let engine: PrivateEngine;
let twins: Twins;

async function begin(liveRestore: boolean): Promise<void> {
  engine = await startPrivateEngine({ name: `power-${process.pid}`, hostNetwork: false, liveRestore });
  twins = await Twins.connect(engine.dockerHost, `power-${process.pid}`);
}

/** Containers of every policy: running, deaf, stopped by hand, failed, paused and never started. */
async function fleet(): Promise<string[]> {
  const names: string[] = [];
  for (const policy of policies) {
    for (const life of ['runs', 'deaf', 'stopped', 'failed', 'paused', 'created'] as const) {
      const name = `${twins.prefix}-${policy}-${life}`;
      names.push(name);
      // A container that fails under a policy that restarts it would be in the middle of that.
      const command = life === 'deaf' ? deaf : life === 'failed' && policy === 'no' ? ['sh', '-c', 'exit 3'] : polite;
      const restartPolicy = { name: policy, maxAttempts: 0 };
      await twins.both('create', (one) => one.create(request(name, { command, host: { restartPolicy } })));
      if (life !== 'created') await twins.both('start', (one) => one.start(name));
      if (life === 'stopped') await twins.both('stop', (one) => one.stop(name, 1000));
      if (life === 'paused') await twins.both('pause', (one) => one.pause(name));
    }
  }
  await twins.same('before', names);
  return names;
}

afterEach(async () => {
  await twins.dispose();
  await engine.stop();
});

describe('without live-restore', () => {
  beforeEach(() => begin(false));

  it('a crash brings back always and what failed, but not unless-stopped (F1)', { timeout: 240_000 }, async () => {
    const names = await fleet();
    await engine.kill();
    twins.memory.hand.crashDaemon();
    await pause(1500);
    await Promise.all([engine.start(), twins.memory.hand.startDaemon()]);
    await twins.same('crash', names);
    const state = async (name: string): Promise<string | undefined> =>
      (await twins.docker.inspect(`${twins.prefix}-${name}`))?.state;
    expect([await state('always-runs'), await state('unless-stopped-runs')]).toEqual(['running', 'exited']);
  });

  it('a clean restart brings back unless-stopped as well', { timeout: 240_000 }, async () => {
    const names = await fleet();
    await Promise.all([engine.restart(), twins.memory.hand.restartDaemon()]);
    await twins.same('restart', names);
  });
});

describe('with live-restore', () => {
  beforeEach(() => begin(true));

  it(
    'a crash leaves every process alone; what died meanwhile is known afterwards (F2, F3)',
    { timeout: 240_000 },
    async () => {
      const names = await fleet();
      const victims = policies.map((policy) => `${twins.prefix}-${policy}-runs`);
      const pids = await Promise.all(victims.map(async (name) => (await twins.docker.inspect(name))?.pid ?? 0));
      await engine.kill();
      twins.memory.hand.crashDaemon({ liveRestore: true });
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      for (const name of victims) twins.memory.hand.killProcess(name);
      await pause(1000);
      await Promise.all([engine.start(), twins.memory.hand.startDaemon()]);
      await twins.same('crash', names);
    },
  );
});
