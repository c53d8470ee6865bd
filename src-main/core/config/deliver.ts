/**
 * Releases as files inside containers. What each container holds is a row of the store, written after the engine has said so: whoever
 * missed a release while the app was closed or the engine away is caught up, and what a container holds already is never written again.
 */
import type { Clock } from '../../base/clock';
import { DisposableStore, type Disposable } from '../../base/lifecycle';
import type { Log } from '../../base/log';
import { backoffDelay } from '../../base/workqueue';
import type { Random } from '../../base/random';
import { utf8 } from '../../base/utf8';
import type { BoundFile } from '../../contract/configFiles';
import { sentence, type Sentence } from '../../contract/sentence';
import { EngineError, type Engine } from '../engine';
import type { AttemptRow, ConfigFileState, ConfigItemRow, ConfigReleaseRow, Store } from '../store';
import { type Bindings, replicaOf } from './bindings';
import { releaseKey } from './keys';

export interface DeliveryOptions {
  store: Store;
  clock: Clock;
  random: Random;
  log: Log;
  bindings: Bindings;
  /** The release this replica should have. */
  wanted: (item: ConfigItemRow, replica: string) => ConfigReleaseRow | undefined;
  /** A container did not get a release. */
  onRefused: (replica: string, item: string, problem: NonNullable<ConfigFileState['problem']>) => void;
}

/** Containers written to at once. The engine does not go faster with more (test/bench/config.ts). */
const concurrency = 8;
/** What was told is kept at once for all who told it within so many milliseconds. */
const ackDelay = 20;
/** Everything is compared again so often; nothing is asked of the engine while nothing differs. Milliseconds. */
const resync = 60_000;
/** A command that announces a release may take so long, milliseconds. */
const execTimeout = 30_000;

interface Due {
  file: BoundFile;
  release: ConfigReleaseRow;
  /** `same`: it holds this very text already, under another release. `tell`: it holds it, but its program was not told. */
  act: 'write' | 'same' | 'tell';
}

/** A file as the engine takes it. */
interface Content {
  path: string;
  content: Uint8Array;
  mode: number;
  uid: number;
  gid: number;
}

export class Delivery implements Disposable {
  private readonly owned = new DisposableStore();
  private engine: Engine | undefined;
  private readonly dirty = new Set<string>();
  private readonly busy = new Set<string>();
  /** Containers that refused something; with a timer while they are left alone. */
  private readonly retries = new Map<string, { tries: number; timer?: Disposable }>();
  /** Acknowledged, and not in the store yet. */
  private readonly told = new Map<string, Record<string, ConfigFileState>>();
  private flushTimer: Disposable | undefined;
  private resyncTimer: Disposable | undefined;
  private stopped = false;

  constructor(private readonly options: DeliveryOptions) {
    const { store } = options;
    this.owned.add(
      store.onCommit((changes) => {
        for (const { table, key, row, before } of changes) {
          if (table === 'attempts') {
            if (!row) this.forget(key);
            else if ((row as AttemptRow).state === 'started' && (before as AttemptRow | undefined)?.state !== 'started')
              this.add(key);
          }
          // Other bindings may have come with a file that replaces no container.
          if (table === 'services') for (const attempt of options.bindings.ofService(key)) this.add(attempt.name);
        }
      }),
    );
    this.resyncLater();
  }

  /** Undefined while none answers. */
  setEngine(engine: Engine | undefined): void {
    this.engine = engine;
    for (const { timer } of this.retries.values()) timer?.dispose();
    this.retries.clear();
    this.addAll();
  }

  /** These items have a release that somebody may lack. */
  released(items: ReadonlySet<string>): void {
    for (const item of items) for (const { attempt } of this.options.bindings.filesOf(item)) this.add(attempt.name);
  }

  /** What a container must get before it starts; see `core/reconcile/configs.ts`. */
  due(
    attempt: AttemptRow,
    files: readonly BoundFile[],
  ): { files: Content[]; taken: () => void } | { missing: Sentence } {
    const due: Due[] = [];
    for (const file of files) {
      const release = this.wanted(file, attempt);
      const held = this.stateOf(attempt.name, file);
      // An item that is gone leaves its users with what they have.
      if (!release && held?.release) continue;
      if (!release) {
        const reason = 'it has no release in the config center';
        return { missing: sentence('replica.configMissing', { item: file.item, reason }) };
      }
      if (!held || held.release !== release.release) due.push({ file, release, act: 'write' });
    }
    return {
      files: due.map(({ file, release }) => contentOf(file, release)),
      taken: () => {
        for (const { file, release } of due) this.tell(attempt.name, file, { release: release.release });
      },
    };
  }

  /** What a file of a container holds, as far as is known. */
  stateOf(attempt: string, file: Pick<BoundFile, 'target' | 'item'>): ConfigFileState | undefined {
    const files = this.told.get(attempt) ?? this.options.store.get('configDeliveries', attempt)?.files;
    const state = files && Object.hasOwn(files, file.target) ? files[file.target] : undefined;
    return state?.item === file.item ? state : undefined;
  }

  dispose(): void {
    this.flush();
    this.stopped = true;
    this.flushTimer?.dispose();
    this.resyncTimer?.dispose();
    for (const { timer } of this.retries.values()) timer?.dispose();
    this.owned.dispose();
  }

  private addAll(): void {
    for (const attempt of this.options.bindings.attempts()) this.add(attempt.name);
  }

  private resyncLater(): void {
    this.resyncTimer = this.options.clock.timer(resync, () => {
      this.sweep();
      this.addAll();
      this.resyncLater();
    });
  }

  /** Rows of containers that went while nobody looked. */
  private sweep(): void {
    const { store } = this.options;
    const gone = store.keys('configDeliveries').filter((name) => !store.get('attempts', name));
    if (gone.length > 0)
      store.transact((transaction) => {
        for (const name of gone) transaction.remove('configDeliveries', name);
      });
  }

  private forget(attempt: string): void {
    this.dirty.delete(attempt);
    this.retries.get(attempt)?.timer?.dispose();
    this.retries.delete(attempt);
    if (!this.told.has(attempt) && !this.options.store.get('configDeliveries', attempt)) return;
    this.told.set(attempt, {});
    this.flushLater();
  }

  private add(attempt: string): void {
    if (this.stopped) return;
    this.dirty.add(attempt);
    this.pump();
  }

  private pump(): void {
    for (const name of this.dirty) {
      if (!this.engine || this.stopped || this.busy.size >= concurrency) return;
      if (this.busy.has(name)) continue;
      this.dirty.delete(name);
      const { engine } = this;
      const attempt = this.options.store.get('attempts', name);
      if (!attempt || !this.lives(attempt, engine)) continue;
      const due = this.dueOf(attempt);
      if (due.length === 0) continue;
      this.busy.add(name);
      void this.deliver(attempt, due, engine).finally(() => {
        this.busy.delete(name);
        this.pump();
      });
    }
  }

  private lives(attempt: AttemptRow, engine: Engine): attempt is AttemptRow & { containerId: string } {
    const { state, finished, containerId, node } = attempt;
    return state === 'started' && !finished && containerId !== undefined && node === engine.id;
  }

  /** The files whose release is not the one that is meant; one that failed is due again when its time has come. */
  private dueOf(attempt: AttemptRow): Due[] {
    const { bindings, store } = this.options;
    return bindings.of(attempt).flatMap((file) => {
      const release = this.wanted(file, attempt);
      const held = this.stateOf(attempt.name, file);
      if (!release) return [];
      const failed = held?.problem?.release === release.release;
      if (failed && this.retries.get(attempt.name)?.timer) return [];
      if (held?.release === release.release && !failed) return [];
      const old = held && !held.problem ? store.get('configReleases', releaseKey(file.item, held.release)) : undefined;
      const told = failed && held.release === release.release;
      return [{ file, release, act: told ? 'tell' : old?.text === release.text ? 'same' : 'write' }];
    });
  }

  private async deliver(attempt: AttemptRow & { containerId?: string }, due: Due[], engine: Engine): Promise<void> {
    const { name, containerId = '' } = attempt;
    const written: Due[] = [];
    const outside = this.options.bindings.sharesProcesses(attempt);
    let again = false;
    const failed = (one: Due, words: Sentence, release: number): void => {
      again = true;
      const problem = { release: one.release.release, words };
      const known = this.stateOf(name, one.file)?.problem;
      this.tell(name, one.file, { release, problem });
      if (known?.release !== problem.release) this.options.onRefused(replicaOf(attempt), one.file.item, problem);
    };
    for (const [index, one] of due.entries()) {
      const { file, release, act } = one;
      if (act === 'same') {
        this.tell(name, file, { release: release.release });
        continue;
      }
      if (act === 'tell') {
        written.push(one);
        continue;
      }
      const last = !due.slice(index + 1).some((next) => next.act === 'write' && next.file.signal === file.signal);
      const signal = last ? file.signal : undefined;
      try {
        const told = signal === undefined || outside ? {} : { signal };
        await engine.replaceFile(containerId, contentOf(file, release), told);
        if (signal !== undefined && outside) await engine.kill(containerId, signal);
        written.push(one);
      } catch (thrown) {
        const error = thrown instanceof EngineError ? thrown : new EngineError('refused', String(thrown));
        if (error.code === 'not-found') return;
        if (error.code === 'away') {
          again = true;
          break;
        }
        const held = this.stateOf(name, file)?.release ?? 0;
        failed(one, sentence('config.fileFailed', { file: file.target, reason: error.detail.slice(0, 300) }), held);
      }
    }
    const refused = await this.run(written, containerId, engine);
    for (const one of written) {
      const words = refused.get(keyOf(one.file.exec));
      if (words) failed(one, words, one.release.release);
      else this.tell(name, one.file, { release: one.release.release });
    }
    if (again) this.retryLater(name);
    else this.retries.delete(name);
  }

  /** Runs each command that announces these files once; the words of those that failed. */
  private async run(written: readonly Due[], id: string, engine: Engine): Promise<Map<string, Sentence>> {
    const refused = new Map<string, Sentence>();
    const commands = new Map(
      written.flatMap(({ file }) => (file.exec ? [[keyOf(file.exec), file.exec] as const] : [])),
    );
    for (const [key, argv] of commands) {
      const command = argv.join(' ').slice(0, 100);
      try {
        const { exitCode, output } = await engine.exec(id, argv, { timeout: execTimeout, limit: 1000 });
        if (exitCode === 0) continue;
        const said = output.trim().slice(0, 300);
        refused.set(key, sentence('config.execFailed', { command, code: exitCode, output: said }));
      } catch (thrown) {
        const reason = thrown instanceof EngineError ? thrown.detail.slice(0, 300) : String(thrown);
        refused.set(key, sentence('config.execNotRun', { command, reason }));
      }
    }
    return refused;
  }

  private retryLater(attempt: string): void {
    if (this.stopped) return;
    const { clock, random } = this.options;
    const tries = (this.retries.get(attempt)?.tries ?? 0) + 1;
    this.retries.get(attempt)?.timer?.dispose();
    const timer = clock.timer(backoffDelay(tries, { base: 1000, cap: 300_000, random }), () => {
      this.retries.set(attempt, { tries });
      this.add(attempt);
    });
    this.retries.set(attempt, { tries, timer });
  }

  private wanted(file: BoundFile, attempt: AttemptRow): ConfigReleaseRow | undefined {
    const item = this.options.store.get('configItems', file.item);
    return item && this.options.wanted(item, replicaOf(attempt));
  }

  private tell(attempt: string, file: BoundFile, state: Pick<ConfigFileState, 'release' | 'problem'>): void {
    const { store, clock } = this.options;
    const known = this.told.get(attempt) ?? store.get('configDeliveries', attempt)?.files ?? {};
    this.told.set(attempt, { ...known, [file.target]: { item: file.item, ...state, at: clock.now() } });
    this.flushLater();
  }

  private flushLater(): void {
    if (this.stopped) return;
    this.flushTimer ??= this.options.clock.timer(ackDelay, () => {
      this.flushTimer = undefined;
      this.flush();
    });
  }

  private flush(): void {
    const { store, log } = this.options;
    if (this.told.size === 0 || this.stopped) return;
    const told = [...this.told];
    this.told.clear();
    try {
      store.transact((transaction) => {
        for (const [attempt, files] of told) {
          if (store.get('attempts', attempt)) transaction.put('configDeliveries', attempt, { attempt, files });
          else transaction.remove('configDeliveries', attempt);
        }
      });
    } catch (thrown) {
      // Not kept is not lost: after a restart the files are written once more.
      log('error', 'What containers hold of the config center could not be kept', { thrown });
    }
  }
}

function keyOf(argv: readonly string[] | undefined): string {
  return argv ? JSON.stringify(argv) : '';
}

function contentOf({ target, mode, uid, gid }: BoundFile, release: ConfigReleaseRow): Content {
  return { path: target, content: utf8(release.text), mode: mode ?? 0o444, uid: numeric(uid), gid: numeric(gid) };
}

/** A user or group by number; names mean nothing outside the container, so they are root's. */
function numeric(text: string | undefined): number {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : 0;
}
