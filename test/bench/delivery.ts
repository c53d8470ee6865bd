/**
 * P15, its first half: a release → the file in N running replicas, acknowledged. The clock starts with the publish and stops when every
 * replica has acknowledged it; the peer puts the same text into the same containers with the raw archive API, as many at a time, and does
 * no more: no rename, no acknowledgement, nothing kept.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { pack } from 'tar-stream';
import { testEngine } from '../support/engine';
import type { BenchOptions, Figure } from './figure';
import { caller, openApp, type OursApp } from './kit/ours';
import { atOnce, quietCommand, quietImage, RawApi, type RawContainer } from './kit/raw';
import { compare, runRounds, type Contestant } from './kit/rounds';

const stack = 'bench-delivery';
const item = { namespace: stack, group: 'default', name: 'app' };
const width = 8;
/** Characters of the text. */
const length = 4096;

/** Runs the benchmark on the private engine of this run; sizes are replicas. */
export async function* run(options: BenchOptions = {}): AsyncIterable<Figure> {
  const { sizes = [10, 25, 50], say = () => undefined } = options;
  const place = testEngine();
  const api = new RawApi(place.socket);
  const ours = await openApp(place.socket, stack);
  try {
    await ours.calls['config.create']({ item, format: 'text', text: '', schema: '', description: '' }, caller);
    await publish(ours, 'first');
    for (const size of sizes) {
      say(`${size} replicas`);
      await ours.apply(compose(size));
      await ours.ready(size);
      await acknowledged(ours, size);
      const containers = await api.list(`io.pilothouse.stack=${stack}`);
      let serial = 0;
      const text = (): string => `${size}.${++serial} `.padEnd(length, 'x');
      const contestants: Contestant[] = [
        { name: 'ours', measure: () => measureOurs({ ours, api, containers }, text()) },
        { name: 'raw archive API', measure: () => measureRaw(api, containers, text()) },
      ];
      const rounds = await runRounds(contestants, options);
      const figure = `release to file in ${size} replicas, acknowledged`;
      const goal = { of: 'ratio' as const, limit: 2 };
      const found = compare(
        rounds,
        { ours: 'ours', peer: 'raw archive API', of: 'all' },
        { bench: 'delivery', figure, unit: 's', size, goal },
      );
      if (found) yield found;
    }
  } finally {
    await ours.dispose();
    await api.clear(`io.pilothouse.stack=${stack}`);
    api.dispose();
  }
}

function compose(replicas: number): string {
  return JSON.stringify({
    name: stack,
    services: {
      web: {
        image: quietImage,
        command: quietCommand,
        network_mode: 'bridge',
        deploy: { replicas },
        configs: [{ source: 'app', target: '/etc/app.conf' }],
      },
    },
    configs: { app: { external: true } },
  });
}

async function publish(ours: OursApp, text: string): Promise<void> {
  const { release } = await ours.calls['config.get']({ item }, caller);
  await ours.calls['config.publish']({ item, text, note: '', expected: release }, caller);
}

async function acknowledged(ours: OursApp, size: number): Promise<void> {
  const deadline = Date.now() + 120_000;
  for (;;) {
    const { users, current } = await ours.calls['config.get']({ item }, caller);
    if (users === size && current === size) return;
    if (Date.now() > deadline) throw new Error(`${current} of ${users} have the release after 120 s`);
    await sleep(10);
  }
}

async function measureOurs(
  field: { ours: OursApp; api: RawApi; containers: readonly RawContainer[] },
  text: string,
): Promise<Record<string, number>> {
  const began = performance.now();
  await publish(field.ours, text);
  await acknowledged(field.ours, field.containers.length);
  const all = (performance.now() - began) / 1000;
  for (const { Id } of field.containers) {
    const found = await field.api.read(Id, '/etc/app.conf');
    if (!found.includes(text)) throw new Error(`${Id} acknowledged what it does not have`);
  }
  return { all };
}

async function measureRaw(api: RawApi, containers: readonly RawContainer[], text: string): Promise<{ all: number }> {
  const began = performance.now();
  const tar = pack();
  tar.entry({ name: 'raw.conf', mode: 0o444 }, text);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  const archive = Buffer.concat(chunks);
  await atOnce(containers, width, ({ Id }) => api.put(Id, '/etc', archive));
  return { all: (performance.now() - began) / 1000 };
}
