/**
 * Renewed certificates into running containers: each file replaced whole, then the program is told. Which version a container holds is in
 * its row, written after the engine has said so, so that whoever missed a renewal is caught up, also after a restart of the app.
 */
import type { Clock } from '../../base/clock';
import { DisposableStore, type Disposable } from '../../base/lifecycle';
import type { Log } from '../../base/log';
import type { Random } from '../../base/random';
import { backoffDelay } from '../../base/workqueue';
import { certificateFiles, type CertificateFiles } from '../../contract/certificateFiles';
import { say, sentence, type Sentence } from '../../contract/sentence';
import { EngineError, type Engine } from '../engine';
import type { AttemptRow, Store } from '../store';
import { filesFor, type Opener } from './files';
import { attemptSpec } from './users';

export interface DeliveryOptions {
  store: Store;
  clock: Clock;
  random: Random;
  log: Log;
  opener: Opener;
  /** Where the files lie; memory-backed. */
  folder: string;
  onRefused: (words: Sentence, service: string) => void;
}

/** Everything is compared again so often; nothing is asked of the engine while nothing differs. Milliseconds. */
const resync = 60_000;
/** A command that announces a certificate may take so long, milliseconds. */
const execTimeout = 30_000;

export class CertificateDelivery implements Disposable {
  private readonly owned = new DisposableStore();
  private engine: Engine | undefined;
  private readonly dirty = new Set<string>();
  private running = false;
  private readonly retries = new Map<string, { tries: number; timer: Disposable }>();
  private readonly told = new Set<string>();
  private timer: Disposable | undefined;
  private stopped = false;

  constructor(private readonly options: DeliveryOptions) {
    this.owned.add(
      options.store.onCommit((changes) => {
        if (changes.some(({ table }) => table === 'certificates')) this.addAll();
        for (const { table, key, row } of changes) if (table === 'attempts' && row) this.add(key);
      }),
    );
    this.tick();
  }

  /** Undefined while none answers. */
  setEngine(engine: Engine | undefined): void {
    this.engine = engine;
    for (const { timer } of this.retries.values()) timer.dispose();
    this.retries.clear();
    this.addAll();
  }

  dispose(): void {
    this.stopped = true;
    this.timer?.dispose();
    for (const { timer } of this.retries.values()) timer.dispose();
    this.owned.dispose();
  }

  private tick(): void {
    this.timer = this.options.clock.timer(resync, () => {
      this.addAll();
      this.tick();
    });
  }

  private addAll(): void {
    for (const { name, certificates } of this.options.store.all('attempts')) if (certificates) this.add(name);
  }

  private add(name: string): void {
    const attempt = this.options.store.get('attempts', name);
    if (this.stopped || !attempt || this.due(attempt).length === 0) return;
    this.dirty.add(name);
    if (!this.running && this.engine) void this.work();
  }

  /** Certificates of a running container that are not the newest. */
  private due(attempt: AttemptRow): CertificateFiles[] {
    const { state, finished, containerId, certificates, service, name } = attempt;
    if (!certificates || state !== 'started' || finished || !containerId || this.retries.has(name)) return [];
    const spec = attemptSpec(this.options.store, attempt);
    return certificateFiles(service, spec ?? { pilothouse: {} }).filter(({ certificate }) => {
      const newest = this.options.opener.find(certificate)?.version;
      return newest !== undefined && certificates[certificate] !== newest;
    });
  }

  /** One container after the other: renewals are rare, and no hurry. */
  private async work(): Promise<void> {
    this.running = true;
    for (const name of this.dirty) {
      this.dirty.delete(name);
      const { engine } = this;
      const attempt = this.options.store.get('attempts', name);
      if (!engine || this.stopped) break;
      if (!attempt) continue;
      for (const one of this.due(attempt)) await this.deliver(attempt, one, engine);
    }
    this.running = false;
  }

  private async deliver(attempt: AttemptRow, one: CertificateFiles, engine: Engine): Promise<void> {
    const { opener, folder, log } = this.options;
    const { certificate, signal, exec } = one;
    const { service, name, containerId = '' } = attempt;
    const spec = attemptSpec(this.options.store, attempt);
    if (!spec) return;
    const found = filesFor(opener, service, { spec, only: certificate });
    if ('missing' in found) return this.failed(attempt, certificate, say(found.missing));
    const outside = spec.pid !== undefined;
    try {
      for (const [at, file] of found.files.entries()) {
        // Told when the last file is there; a signal from inside would go to another's first process.
        const last = at === found.files.length - 1 && signal !== undefined && !outside ? { signal } : {};
        await engine.replaceFile(containerId, { ...file, path: `${folder}/${file.path}` }, last);
      }
      if (signal !== undefined && outside) await engine.kill(containerId, signal);
      if (exec) {
        const { exitCode, output } = await engine.exec(containerId, exec, { timeout: execTimeout, limit: 1000 });
        if (exitCode !== 0) throw new EngineError('refused', `${exec.join(' ')}: ${exitCode}, ${output.trim()}`);
      }
      this.took(name, found.versions);
      this.told.delete(`${name} ${certificate}`);
      log('info', 'certificate renewed in a container', { container: name, certificate });
    } catch (thrown) {
      const error = thrown instanceof EngineError ? thrown : new EngineError('refused', String(thrown));
      // It is gone, or another engine's.
      if (error.code !== 'not-found') this.failed(attempt, certificate, error.detail);
    }
  }

  private took(name: string, versions: Record<string, number>): void {
    this.options.store.transact((transaction) => {
      const row = transaction.get('attempts', name);
      if (row) transaction.put('attempts', name, { ...row, certificates: { ...row.certificates, ...versions } });
    });
  }

  private failed(attempt: AttemptRow, certificate: string, detail: string): void {
    if (this.stopped) return;
    const { clock, random } = this.options;
    const { name, service, slot } = attempt;
    const tries = (this.retries.get(name)?.tries ?? 0) + 1;
    this.retries.get(name)?.timer.dispose();
    const timer = clock.timer(backoffDelay(tries, { base: 1000, cap: 300_000, random }), () => {
      this.retries.delete(name);
      this.add(name);
    });
    this.retries.set(name, { tries, timer });
    // The same trouble of the same container is told once.
    if (this.told.has(`${name} ${certificate}`)) return;
    this.told.add(`${name} ${certificate}`);
    const reason = detail.slice(0, 300);
    const words = sentence('event.certificateNotTaken', { replica: `${service}.${slot}`, certificate, reason });
    this.options.onRefused(words, service);
  }
}
