/**
 * Certificates on their way to HAProxy. Keys go through the line (`runtime`): into a file in the container's memory, which the next
 * worker reads after a reload, and by `set ssl cert` and `commit ssl cert` (HAProxy's management guide, 9.3) into the worker that
 * runs, so that no connection is cut. They are in no image layer, no argument, no answer of the engine, and no folder of ours.
 */
import { sleep, type Clock } from '../../base/clock';
import { EngineError } from '../engine';
import { certificateFile, paths } from './config';
import type { Runtime } from './runtime';

/** A certificate that is wanted, as far as it is public. */
export interface WantedCertificate {
  name: string;
  /** SHA-1 of its DER, upper-case hexadecimal, as HAProxy tells it. */
  sha1: string;
  version: number;
}

export interface KeySource {
  /** Chain and key, PEM. Throws when the vault is locked. */
  open: (name: string) => string;
  /** A worthless one. */
  placeholder: () => Promise<string>;
}

/** A command's payload must fit into HAProxy's buffer (16 kB, with room for the command). */
const longestPayload = 15_000;
/** How long a reload may take to bring a certificate that is longer, milliseconds. */
const patience = 6000;

export class Keys {
  /** What HAProxy has, by file; the version is known of what we have delivered ourselves. */
  private readonly served = new Map<string, { sha1: string; version?: number }>();
  /** Why a certificate could not be delivered, by name. */
  readonly failed = new Map<string, string>();

  constructor(
    private readonly source: KeySource,
    private readonly clock: Clock,
  ) {}

  /** Asks a HAProxy that was running before what it has. */
  async learn(runtime: Runtime): Promise<void> {
    this.served.clear();
    const list = await runtime.command('show ssl cert');
    for (const path of list.split('\n').map((line) => line.trim())) {
      if (!path.startsWith(`${paths.certificates}/`)) continue;
      this.served.set(path, { sha1: (await fingerprint(runtime, path)) ?? '' });
    }
  }

  /** Before a reload: the files of all that are wanted, and no others. */
  async prepare(runtime: Runtime, wanted: readonly WantedCertificate[]): Promise<void> {
    for (const one of wanted) {
      if (this.isServed(one)) continue;
      const path = certificateFile(one.name);
      const pem = this.open(one.name) ?? (this.served.has(path) ? undefined : await this.source.placeholder());
      if (pem !== undefined) await file(runtime, path, pem);
    }
    const files = new Set(wanted.map(({ name }) => certificateFile(name)));
    for (const path of this.served.keys()) {
      if (files.has(path)) continue;
      await runtime.command(`@drop ${path}`);
      this.served.delete(path);
    }
  }

  /** Brings a HAProxy that runs to what is wanted; resolves with the names that were delivered. `reload` is for those that are too long. */
  async follow(runtime: Runtime, wanted: readonly WantedCertificate[], reload: () => Promise<void>): Promise<string[]> {
    const delivered: string[] = [];
    for (const one of wanted) {
      if (this.isServed(one)) continue;
      const pem = this.open(one.name);
      if (pem === undefined) continue;
      const path = certificateFile(one.name);
      // A reload has brought it already, or the worker that we found has it.
      const there = (await fingerprint(runtime, path)) === one.sha1 && this.served.get(path)?.version === undefined;
      if (!there) {
        // The file first: whatever happens next, the worker after this one has it.
        await file(runtime, path, pem);
        if (pem.length <= longestPayload) await commit(runtime, path, pem);
        else await this.bringByReload(runtime, one, reload);
      }
      this.served.set(path, { sha1: one.sha1, version: one.version });
      if (there) continue;
      delivered.push(one.name);
    }
    return delivered;
  }

  private isServed(one: WantedCertificate): boolean {
    const served = this.served.get(certificateFile(one.name));
    return served?.sha1 === one.sha1 && (served.version ?? one.version) === one.version;
  }

  private open(name: string): string | undefined {
    try {
      const pem = this.source.open(name);
      this.failed.delete(name);
      return pem;
    } catch (thrown) {
      this.failed.set(name, (thrown instanceof Error ? thrown.message : String(thrown)).slice(0, 200));
      return undefined;
    }
  }

  private async bringByReload(runtime: Runtime, one: WantedCertificate, reload: () => Promise<void>): Promise<void> {
    await reload();
    const until = this.clock.monotonic() + patience;
    const path = certificateFile(one.name);
    while ((await fingerprint(runtime, path).catch(() => undefined)) !== one.sha1) {
      if (this.clock.monotonic() >= until) throw new EngineError('refused', `HAProxy did not take ${one.name} over`);
      await sleep(this.clock, 100);
    }
  }
}

/** The list that a start without us reads: a file for each certificate. */
export function fileList(names: readonly string[]): string {
  return names.map((name) => `${certificateFile(name)}\n`).join('');
}

async function file(runtime: Runtime, path: string, pem: string): Promise<void> {
  const answer = await runtime.command(`@file ${path} `, withoutGaps(pem));
  if (answer !== 'done') throw new EngineError('refused', `${paths.certificates} cannot be written to`);
}

async function commit(runtime: Runtime, path: string, pem: string): Promise<void> {
  const set = await runtime.command(`set ssl cert ${path} <<`, `\n${withoutGaps(pem)}`);
  if (!/Transaction (created|updated)/.test(set)) throw new EngineError('refused', oneLine(set));
  const done = await runtime.command(`commit ssl cert ${path}`);
  if (!done.includes('Success!')) {
    await runtime.command(`abort ssl cert ${path}`);
    throw new EngineError('refused', oneLine(done));
  }
}

async function fingerprint(runtime: Runtime, path: string): Promise<string | undefined> {
  const answer = await runtime.command(`show ssl cert ${path}`);
  return /^SHA1 FingerPrint: ([0-9A-F]{40})/m.exec(answer)?.[1];
}

/** An empty line would end the payload too early. */
function withoutGaps(pem: string): string {
  return pem.replace(/\n{2,}/g, '\n');
}

function oneLine(answer: string): string {
  return answer.trim().replace(/\s+/g, ' ').slice(0, 300);
}
