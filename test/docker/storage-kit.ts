/** What tests of volumes share: random trees, what busybox sees in a volume, an app on the engine of this run, and its long acts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, expect } from 'vitest';
import type { App } from '../../src-main/app';
import { systemClock } from '../../src-main/app/clock';
import { seeded } from '../../src-main/base/random';
import type { Api } from '../../src-main/contract/api';
import type { JobView } from '../../src-main/contract/api/storage';
import type { ByteStream } from '../../src-main/core/engine';
import { appOver, caller } from '../support/app';
import { followJobs, waitUntil, type LongActs } from './app-kit';
import { engineKit } from './engine-kit';

/** Of this run's trees and moments; a failure names it. */
export const seed = Date.now();
export const random = seeded(seed);

const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
const prefix = 'pilothouse-helper-';

/** So many small trees as one tar: folders, files, links, pipes, odd names, all modes, many owners, old and new times. */
export function trees(count: number): { tar: ByteStream; entries: number } {
  const archive = pack();
  let entries = 0;
  const add = (header: Parameters<typeof archive.entry>[0], content = Buffer.alloc(0)): void => {
    entries += 1;
    const mtime = new Date(Math.floor(random() * 2_000_000_000) * 1000);
    archive.entry(
      { mtime, uid: Math.floor(random() * 200_000), gid: Math.floor(random() * 70_000), ...header },
      content,
    );
  };
  const fill = async (): Promise<void> => {
    add({ name: 'pilothouse-data/', type: 'directory', mode: 0o2751 });
    for (let tree = 0; tree < count; tree++) {
      const root = `pilothouse-data/${tree} ${pick(['a', 'ü', '树', '-rf', 'new\nline', "quo'te"])}`;
      add({ name: `${root}/`, type: 'directory', mode: pick([0o700, 0o755, 0o1777, 0o2775]) });
      let folder = root;
      const files: string[] = [];
      for (let item = 0; item < 6; item++) {
        const name = `${folder}/${item}-${pick(['x', 'long'.repeat(40), 'ñ', ' '])}`;
        const kind = random();
        if (kind < 0.2) {
          add({ name: `${name}/`, type: 'directory', mode: pick([0o711, 0o500, 0o770]) });
          folder = name;
        } else if (kind < 0.3) add({ name, type: 'symlink', linkname: pick(['../x', '/etc/passwd', 'a'.repeat(150)]) });
        else if (kind < 0.4 && files[0]) add({ name, type: 'link', linkname: pick(files), mode: 0o644 });
        else if (kind < 0.43) add({ name, type: 'fifo', mode: 0o600 });
        else {
          const content = Buffer.alloc(pick([0, 1, 511, 512, 513, 4096, 20_000]));
          for (let at = 0; at < content.length; at++) content[at] = Math.floor(random() * 256);
          add({ name, mode: pick([0o600, 0o644, 0o755, 0o4755, 0o000, 0o6711]) }, content);
          files.push(name);
        }
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    archive.finalize();
  };
  void fill();
  return {
    tar: archive as AsyncIterable<Uint8Array>,
    get entries() {
      return entries;
    },
  };
}

/** The app on the engine of this run, and what tests do with its volumes. Everything that is made is removed at the end. */
export function storageKit(): ReturnType<typeof engineKit> & {
  call: Api['calls'];
  /** Volumes made by the app that the end removes; a name's beginning is enough. */
  made: string[];
  over: (started: Promise<{ job: string }>) => Promise<JobView>;
  jobs: ReadonlyMap<string, JobView>;
  seen: (volume: string) => Promise<string>;
  fill: (volume: string, tar: ByteStream) => Promise<void>;
  /** Ids of the helpers that are there now. */
  helpers: () => Promise<string[]>;
} {
  const kit = engineKit();
  const { engine, create, run } = kit;
  const made: string[] = [];
  const jobs = new Map<string, JobView>();
  let acts: LongActs | undefined;
  let home = '';
  let app: App | undefined;
  const helpers = async (): Promise<string[]> =>
    (await engine().list()).filter((row) => row.name.startsWith(prefix)).map((row) => row.id);

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'storage-'));
    app = await appOver(engine(), { home, clock: systemClock, random: seeded(process.pid) });
    await app.start();
    acts = followJobs(app, jobs);
    const { calls } = app.api;
    await waitUntil('the engine', () => calls['volumes.list']({}, caller).then(() => true));
  });
  afterAll(async () => {
    await app?.stop();
    for (const id of await helpers()) await engine().remove(id, { force: true, anonymousVolumes: true });
    for (const { name } of await engine().volumes())
      if (made.some((start) => name.startsWith(start))) await engine().removeVolume(name);
    rmSync(home, { recursive: true, force: true });
  });

  const call = new Proxy({} as Api['calls'], {
    get: (_none, name) => app?.api.calls[name as keyof Api['calls']],
  });
  return {
    ...kit,
    call,
    made,
    jobs,
    helpers,
    over: (started) => {
      if (!acts) throw new Error('The app has not started.');
      return acts.over(started);
    },
    // Names, kinds, modes, owners, seconds, links, contents, and which names are one file; none of it by our own walk.
    seen: async (volume) => {
      const id = await run({
        host: { mounts: [{ type: 'volume', source: volume, target: '/v', readOnly: true, noCopy: true }] },
      });
      const script = [
        'cd /v',
        "find . -exec stat -c '%n|%f|%u|%g|%Y|%h|%N' {} + | sort | sha256sum",
        'find . -type f -exec sha256sum {} + | sort | sha256sum',
        'find . | wc -l',
      ].join('; ');
      const { output, exitCode } = await engine().exec(id, ['sh', '-c', script], { timeout: 120_000 });
      await engine().remove(id, { force: true, anonymousVolumes: true });
      expect(exitCode, output).toBe(0);
      return output;
    },
    fill: async (volume, tar) => {
      const id = await create({
        host: {
          mounts: [{ type: 'volume', source: volume, target: '/pilothouse-data', readOnly: false, noCopy: true }],
        },
      });
      await engine().writeArchive(id, '/', tar);
      await engine().remove(id, { force: true, anonymousVolumes: true });
    },
  };
}
