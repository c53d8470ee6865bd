/**
 * What mutants are hunted with: lives told by hand, schedules that once failed, then random ones of both kinds. A mutant brings its own
 * copy of this file, and so of everything that it loads.
 */
import fc from 'fast-check';
import { deploy, stackSpec, TestWorld } from './bench';
import type { AttemptRow } from '../../../../src-main/core/store';
import { regressions } from './regressions';
import { calmSchedule, schedule } from './schedules';
import { Sim, type Step } from './sim';

/** What ended a hunt: the promise that was broken, and how many runs that took. */
export interface Kill {
  runs: number;
  by: string;
}

/** Runs until something is noticed; of the random schedules at most `limit` of each kind. Seeds are fixed, so a kill can be looked at again. */
export async function hunt(limit: number): Promise<Kill | undefined> {
  let runs = 0;
  for (const told of [...stories, ...regressions.map(toRun), ...random(limit)]) {
    runs += 1;
    try {
      await told();
    } catch (thrown) {
      return { runs, by: (thrown instanceof Error ? thrown.message : String(thrown)).slice(0, 100) };
    }
  }
  return undefined;
}

type Run = () => Promise<void>;

function random(limit: number): Run[] {
  const wild = fc.sample(schedule, { numRuns: limit, seed: 41 });
  const calm = fc.sample(calmSchedule, { numRuns: limit, seed: 42 });
  return wild.flatMap((one, at) => [one, { ...(calm[at] ?? one), calm: true }].map(toRun));
}

function toRun(told: { seed: number; steps: readonly Step[]; calm?: boolean; nodes?: boolean }): Run {
  const { seed, steps, calm = false, nodes = false } = told;
  return async () => {
    const sim = await Sim.open({ seed, calm, nodes });
    try {
      for (const step of steps) await sim.step(step);
      await sim.calm();
      await sim.converge();
      await sim.callOff();
      await sim.quiet(30_000);
    } finally {
      sim.dispose();
    }
  };
}

function expectThat(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

/** Facts that random schedules meet too rarely, each told in a few lines. */
const stories: Run[] = [
  async function pausedContainerIsLeftAlone() {
    const world = new TestWorld().start();
    world.apply(stackSpec('shop', { web: { deploy: deploy({ replicas: 2 }) } }));
    await world.well();
    world.engine.hand.pause('shop.web.1.g1');
    await world.clock.advance(60_000);
    expectThat(world.containers('paused').join() === 'shop.web.1.g1', 'I12: a paused container is healed');
    world.dispose();
  },
  async function pausedServiceIsLeftAlone() {
    const world = new TestWorld().start();
    world.apply(stackSpec('shop', { web: { deploy: deploy({ replicas: 2 }) } }));
    await world.well();
    world.change('shop/web', { paused: true });
    world.scale('shop/web', 1);
    await world.clock.advance(60_000);
    expectThat(world.containers('running').length === 2, 'I12: a paused service is worked on');
    world.dispose();
  },
  async function everyEventIsLost() {
    const world = new TestWorld().start();
    world.apply(stackSpec('shop', { web: { deploy: deploy({ replicas: 2 }) } }));
    await world.well();
    world.engine.daemon.events.trouble.drop = 1;
    world.engine.hand.kill('shop.web.1.g1');
    await world.clock.advance(60_000);
    expectThat(world.containers('running').length === 2, 'M15: not healed without events');
    world.dispose();
  },
  async function engineCrashWhileTheAppIsClosed() {
    const world = new TestWorld().start();
    world.apply(stackSpec('shop', { web: { deploy: deploy({ replicas: 2 }) } }));
    await world.well();
    world.kill();
    world.engine.hand.crashDaemon({ downFor: 3000 });
    await world.clock.advance(60_000);
    expectThat(world.containers('running').length === 2, 'F1: the engine alone does not bring the replicas back');
    world.engine.dispose();
  },
  async function massExitIsNoCrash() {
    const world = new TestWorld().start();
    world.apply(stackSpec('shop', { web: { deploy: deploy({ replicas: 2 }) } }));
    await world.well();
    await world.clock.advance(15_000);
    world.engine.hand.crashDaemon({ downFor: 5000 });
    await world.clock.advance(60_000);
    expectThat(
      world.store.all('attempts').every((row) => !row.failures),
      'I13: an engine crash counts as a crash of its containers',
    );
    world.dispose();
  },
  async function lateCreateOfAHungEngine() {
    const world = new TestWorld().start();
    world.apply(stackSpec('shop', { web: {} }));
    await world.clock.settle();
    world.engine.hand.hangDaemon();
    world.scale('shop/web', 2);
    await world.clock.advance(70_000);
    world.scale('shop/web', 1);
    await world.clock.advance(70_000);
    world.engine.hand.resumeDaemon();
    await world.clock.advance(120_000);
    expectThat(world.containers().length === 1, `L6: ${world.containers().join(' ')} after a late create`);
    world.dispose();
  },
  async function crashLoopOfOurOwnRestarts() {
    const program = { exit: { after: 50, code: 1 } };
    const world = new TestWorld({ images: [{ reference: 'web:1', program }] }).start();
    const restartPolicy = { condition: 'any' as const, delay: 1, window: 0 };
    world.apply(stackSpec('shop', { web: { deploy: deploy({ restartPolicy }) } }));
    await world.clock.advance(60_000);
    const starts = world.engine.deeds.filter((deed) => deed.verb === 'start').length;
    expectThat(starts <= 12 && starts >= 5, `I13: ${starts} starts within a minute`);
    world.dispose();
  },
  async function badRevisionGoesBackOnce() {
    const images = [{ reference: 'web:1' }, { reference: 'crash:1', program: { exit: { after: 300, code: 1 } } }];
    const world = new TestWorld({ images, registry: 'declared' }).start();
    const update = { ...deploy({}).update, failureAction: 'rollback' as const, order: 'start-first' as const };
    world.apply(stackSpec('shop', { web: { image: 'crash:1', deploy: deploy({ update, rollback: update }) } }));
    await world.clock.advance(30_000);
    world.apply(
      stackSpec('shop', { web: { image: 'crash:1', command: ['x'], deploy: deploy({ update, rollback: update }) } }),
    );
    await world.clock.advance(60_000);
    const rows = world.store.all('rollouts').map((row) => `${row.from}>${row.to} ${row.state}`);
    expectThat(rows.join() === '1>2 failed', `I11: ${rows.join()} where nothing was ever stable`);
    world.dispose();
  },
  async function endsOfAnEngineCrashAreNobodysFault() {
    // Restarted by us: what the engine's going down has ended is seen ended.
    const restartPolicy = { condition: 'any' as const, delay: 1000, window: 0 };
    const world = new TestWorld().start();
    world.apply(stackSpec('shop', { web: { deploy: deploy({ replicas: 2, restartPolicy }) } }));
    await world.well();
    await world.clock.advance(15_000);
    for (let crash = 0; crash < 3; crash++) {
      world.engine.hand.crashDaemon({ downFor: 2000 });
      await world.clock.advance(20_000);
    }
    const counted = world.store.all('attempts').filter(({ failures = 0 }) => failures > 0);
    expectThat(counted.length === 0, 'I13: ends in an outage are counted as crashes');
    expectThat(world.containers('running').length === 2, 'L1: not back after an outage');
    world.dispose();
  },
  async function createThatArrivesAfterItWasGivenUp() {
    const world = new TestWorld().start();
    world.apply(stackSpec('shop', { web: { deploy: deploy({ replicas: 1 }) } }));
    await world.well();
    let back = '';
    world.store.onCommit((changes) => {
      for (const { table, row, before } of changes) {
        if (table !== 'attempts' || !row || (before as AttemptRow | undefined)?.state !== 'removing') continue;
        if ((row as AttemptRow).state !== 'removing') back = (row as AttemptRow).name;
      }
    });
    // No answer for a minute, and given up before it is tried again.
    world.engine.faults.add({ verbs: ['create'], does: 'delay', delay: 90_000, times: 1 });
    world.scale('shop/web', 2);
    await world.clock.advance(60_500);
    world.scale('shop/web', 1);
    await world.clock.advance(10_000);
    // It arrives while nothing may be done about it.
    world.change('shop/web', { paused: true });
    await world.clock.advance(60_000);
    world.change('shop/web', { paused: false });
    await world.clock.advance(60_000);
    expectThat(back === '', `I9: ${back} was given up, and came back`);
    expectThat(world.containers().length === 1, `L6: ${world.containers().join(' ')} after a create that came late`);
    world.dispose();
  },
  async function changesWhileNobodyListened() {
    const world = new TestWorld().start();
    const limits = { memory: 1024 * 1024 * 64 };
    world.apply(stackSpec('shop', { web: { deploy: deploy({ replicas: 30, limits }) } }));
    await world.well();
    await world.clock.advance(31_000);
    world.engine.hand.crashDaemon({ liveRestore: true, downFor: 1000 });
    await world.clock.until(() => world.engine.daemon.power.mode === 'up');
    const { hand } = world.engine;
    for (const { id } of hand.containers()) hand.update(id, { limits: { memory: 1024 * 1024 * 32 } });
    await world.clock.advance(14_000);
    const changed = hand.containers().filter((container) => container.limits.memory !== limits.memory);
    expectThat(changed.length === 0, `M9: ${changed.length} are as somebody left them while the link was down`);
    world.dispose();
  },
];
