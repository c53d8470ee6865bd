/** A collector in a process of its own, so that tests can kill it as a crash would: `argv` are socket, folder, limit, containers. */
import { connect } from '../../src-main/engine/docker';
import type { Clock } from '../../src-main/base/clock';
import type { TextCodec } from '../../src-main/core/disk';
import { openLogStore, type LogStore } from '../../src-main/core/logs';
import { LogCollector } from '../../src-main/core/logs/ingest/collector';
import { Intake } from '../../src-main/core/logs/ingest/intake';
import { logCodec as codec, openFiles } from '../../src-main/storage';

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer: (delay, fire) => {
    const handle = setTimeout(fire, delay);
    return { dispose: () => clearTimeout(handle) };
  },
};

const text: TextCodec = {
  encode: (value) => Buffer.from(value, 'utf8'),
  decode: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'),
};

/** Opens the store of a folder with small blocks, so that every kind of write happens often. */
export async function openFolder(folder: string): Promise<LogStore> {
  const files = await openFiles(folder);
  const sizes = { block: 64 * 1024, log: 512 * 1024, carry: 8 * 1024, carryTotal: 64 * 1024 };
  const store = await openLogStore({ files, codec, text, clock, sizes, budget: { bytes: 1e12, age: 1e15 } });
  const close = store.close.bind(store);
  store.close = async () => {
    await close();
    await files.close();
  };
  return store;
}

/** Follows until it is killed; SIGTERM lets it write what it took first. */
export async function collect(
  endpoint: string,
  folder: string,
  options: { limit: number; containers: string[] },
): Promise<void> {
  const store = await openFolder(folder);
  const intake = new Intake({ clock, state: await store.state(), append: (batch) => store.append(batch) });
  const collector = new LogCollector({ clock, random: Math.random, intake, linesPerSecond: options.limit });
  collector.setEngine(await connect({ endpoint }));
  collector.follow(
    options.containers.map((container, at) => ({
      container,
      stack: 'test',
      service: 'writer',
      slot: at + 1,
      generation: 1,
      revision: 1,
    })),
  );
  // Says how many lines it took and how many containers it still reads, so that a test can kill it while it is busy, or knows the end.
  let told = '';
  setInterval(() => {
    const now = `${intake.lines} ${collector.following}`;
    if (now !== told) process.stdout.write(`${(told = now)}\n`);
  }, 20);
  process.once('SIGTERM', () => {
    collector.dispose();
    void intake
      .flush()
      .then(() => store.close())
      .then(() => process.exit(0));
  });
}

const [endpoint, folder, limit, ...containers] = process.argv.slice(2);
if (process.env['PILOTHOUSE_TEST_COLLECTOR'] === '1' && endpoint !== undefined && folder !== undefined)
  await collect(endpoint, folder, { limit: Number(limit), containers });
