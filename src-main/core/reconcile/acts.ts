/**
 * Engine writes, one small procedure each. They are idempotent and say what came of them; whose turn it is was decided in the plan,
 * that it is ours was checked there and is checked here once more (I4).
 */
import type { Clock } from '../../base/clock';
import type { Log } from '../../base/log';
import { boundFiles } from '../../contract/configFiles';
import { sentence, type Sentence } from '../../contract/sentence';
import { hasMemoryFiles } from '../../contract/certificateFiles';
import type { ServiceSpec } from '../../contract/spec';
import { EngineError, memoryVolume, type Engine } from '../engine';
import type { AttemptRow, Store } from '../store';
import type { Configs } from './configs';
import { isOurs } from './ownership';
import { revisionKey } from './rows';
import { configFiles, hostPorts, toAttachments, toCreateContainer, type RequestInput } from './request';
import { memoryFiles, secretFolder, secretVolume, type Certificates, type Secrets } from './secrets';
import type { Action } from './types';

/** What came of an act. */
export type Outcome =
  | { ok: true }
  /** Nothing is known: the engine went away, or did not answer in time. Not the replica's failure. */
  | { ok: false; kind: 'unsure'; error: EngineError }
  /** The name belongs to a container that is not ours. */
  | { ok: false; kind: 'taken' }
  /** The image vanished between looking and creating. */
  | { ok: false; kind: 'no-image' }
  /** The container or its row is not there any more; the next look sorts it out. */
  | { ok: false; kind: 'stale' }
  /** The engine said no. `created` tells whether a container exists now. */
  | { ok: false; kind: 'refused'; words: Sentence; error: EngineError };

export interface ActsOptions {
  engine: Engine;
  store: Store;
  clock: Clock;
  log: Log;
  installId: string;
  /** Where the values of secrets are. */
  secrets?: Secrets;
  /** Where certificates and their keys are. */
  certificates?: Certificates;
  /** Where the texts of items are. */
  configs?: Configs;
  /** Takes a container out of the gateway's sets and waits for its last request; never rejects (I16). */
  release?: (container: string, service: string) => Promise<void>;
}

export class Acts {
  constructor(private readonly options: ActsOptions) {}

  /** Creates an intended container, gives it its files, and starts it. A taken name is adopted when it is ours (F7). */
  async create(name: string, input: Omit<RequestInput, 'attempt' | 'installId'>): Promise<Outcome> {
    const { engine, installId } = this.options;
    const attempt = this.attempt(name);
    if (!attempt || attempt.state !== 'intended') return { ok: false, kind: 'stale' };
    let id: string;
    try {
      const secrets = await this.prepareSecrets(attempt, input.spec);
      id = (await engine.create(toCreateContainer({ ...input, attempt, installId, ...secrets }))).id;
    } catch (thrown) {
      const error = asEngineError(thrown);
      if (error.code !== 'name-taken') return failure(error, 'replica.createFailed', input.spec, attempt);
      try {
        const there = await engine.inspect(name);
        if (!there) return { ok: false, kind: 'unsure', error };
        if (!isOurs(there, attempt, installId)) return { ok: false, kind: 'taken' };
        id = there.id;
      } catch (second) {
        return { ok: false, kind: 'unsure', error: asEngineError(second) };
      }
    }
    if (!this.advance(name, { containerId: id, state: 'created' })) return { ok: false, kind: 'stale' };
    return this.start(name, id, input);
  }

  /** Starts a created or ended container. One that never ran gets its files first, since a crash may have come in between. */
  async start(name: string, id: string, input: Pick<RequestInput, 'spec' | 'parts'>): Promise<Outcome> {
    const { engine } = this.options;
    const attempt = this.attempt(name);
    if (!attempt || attempt.containerId !== id || attempt.state === 'removing') return { ok: false, kind: 'stale' };
    try {
      if (attempt.state !== 'started') {
        for (const file of configFiles(input.spec, input.parts)) await engine.putFile(id, file);
        if (!this.owns(name, id)) return { ok: false, kind: 'stale' };
      }
      const items = boundFiles(input.spec, input.parts);
      const due = items.length > 0 ? this.options.configs?.due(attempt, items) : undefined;
      if (due && 'missing' in due) {
        const error = new EngineError('refused', 'a config cannot be delivered');
        return { ok: false, kind: 'refused', words: due.missing, error };
      }
      for (const file of due?.files ?? []) await engine.putFile(id, file);
      let certificates: Pick<AttemptRow, 'certificates'> = {};
      if (hasMemoryFiles(input.spec)) {
        const filled = memoryFiles(attempt.service, input, this.options);
        if ('missing' in filled) {
          const error = new EngineError('refused', 'a secret cannot be delivered');
          return { ok: false, kind: 'refused', words: filled.missing, error };
        }
        if (!engine.startFilled) throw new EngineError('unsupported', 'this engine cannot deliver secrets');
        await engine.startFilled(id, { volume: secretVolume(name), target: secretFolder, files: filled.files });
        if (Object.keys(filled.versions).length > 0) certificates = { certificates: filled.versions };
      } else await engine.start(id);
      due?.taken();
      this.advance(name, { state: 'started', ...certificates });
    } catch (thrown) {
      const error = asEngineError(thrown);
      if (error.code === 'not-found') return { ok: false, kind: 'stale' };
      return failure(error, 'replica.startFailed', input.spec, attempt);
    }
    return { ok: true };
  }

  /** Stops and removes. The row says `removing` before, and goes when the engine has said that the container is gone. */
  async remove(action: Extract<Action, { do: 'remove' }>): Promise<Outcome> {
    const { engine } = this.options;
    const { name, id } = action;
    if (!this.owns(name, id)) return { ok: false, kind: 'stale' };
    try {
      if (action.stop) {
        const service = this.attempt(name)?.service;
        if (service !== undefined) await this.options.release?.(id, service);
        if (!this.owns(name, id)) return { ok: false, kind: 'stale' };
        await engine.stop(id, action.timeout);
      }
      if (!this.owns(name, id)) return { ok: false, kind: 'stale' };
      // Volumes stay, anonymous ones too: a plan never removes data (I6).
      await engine.remove(id, { force: true, anonymousVolumes: false });
      await this.dropSecrets(name);
    } catch (thrown) {
      const error = asEngineError(thrown);
      if (error.code === 'not-found') return { ok: true };
      return failure(error, 'replica.stopFailed');
    }
    return { ok: true };
  }

  /** Freezes a spare that is ready, and takes it off its networks: no name leads to it, and no packet. */
  async sleep(name: string, id: string, input: Pick<RequestInput, 'spec' | 'parts'>): Promise<Outcome> {
    const { engine } = this.options;
    const attempt = this.attempt(name);
    if (!attempt?.spare || !this.owns(name, id)) return { ok: false, kind: 'stale' };
    try {
      await engine.pause(id);
      const there = await engine.inspect(id);
      for (const { name: network } of toAttachments(input.spec, input.parts, attempt.service))
        if (there?.networks[network]) await engine.disconnect(network, id, true);
      return { ok: true };
    } catch (thrown) {
      return failure(asEngineError(thrown), 'replica.mendFailed');
    }
  }

  /** Brings a spare back: into its networks under the service's name, and then to life. */
  async wake(name: string, id: string, input: Pick<RequestInput, 'spec' | 'parts'>): Promise<Outcome> {
    const { engine } = this.options;
    const attempt = this.attempt(name);
    if (!attempt?.waking || !this.owns(name, id)) return { ok: false, kind: 'stale' };
    try {
      const attachments = toAttachments(input.spec, input.parts, attempt.service);
      const there = attachments.length === 0 ? undefined : await engine.inspect(id);
      for (const { name: network, aliases } of attachments) {
        // Still there from before its sleep, without the name.
        if (there?.networks[network]) await engine.disconnect(network, id, true);
        await engine.connect(network, id, { aliases });
      }
      await engine.unpause(id);
      return { ok: true };
    } catch (thrown) {
      return failure(asEngineError(thrown), 'replica.mendFailed');
    }
  }

  /** Undoes drift on a running container. */
  async mend(action: Extract<Action, { do: 'connect' | 'update' | 'rename' }>): Promise<Outcome> {
    const { engine } = this.options;
    if (!this.owns(action.name, action.id)) return { ok: false, kind: 'stale' };
    try {
      switch (action.do) {
        case 'connect': {
          const { aliases, ipv4Address } = action;
          await engine.connect(action.network, action.id, {
            aliases,
            ...(ipv4Address === undefined ? {} : { ipv4Address }),
          });
          break;
        }
        case 'update':
          await engine.update(action.id, { limits: action.limits });
          break;
        case 'rename':
          await engine.rename(action.id, action.name);
          break;
      }
      return { ok: true };
    } catch (thrown) {
      return failure(asEngineError(thrown), 'replica.mendFailed');
    }
  }

  /** Removes memory-backed volumes whose container went without us; they are empty by then. */
  async sweepSecrets(): Promise<void> {
    const { engine, installId, store, log } = this.options;
    if (!engine.startFilled) return;
    try {
      for (const { name, labels } of await engine.volumes({ labels: { [secretLabel]: installId } })) {
        const owner = name.replace(/\.secrets$/, '');
        if (labels[secretLabel] === installId && !store.get('attempts', owner)) await this.dropSecrets(owner);
      }
    } catch (thrown) {
      log('warn', 'volumes of secrets are not swept', { error: asEngineError(thrown).message });
    }
  }

  /** The volume that will hold the secrets, made before the container. */
  private async prepareSecrets(attempt: AttemptRow, spec: ServiceSpec): Promise<Pick<RequestInput, 'secrets'>> {
    if (!hasMemoryFiles(spec)) return {};
    const volume = secretVolume(attempt.name);
    const labels = { [secretLabel]: this.options.installId };
    await this.options.engine.createVolume({ name: volume, ...memoryVolume(secretBytes), labels });
    // Certificates are replaced while they are used, by root alone.
    const readOnly = (spec.pilothouse.certificates ?? []).length === 0;
    return { secrets: { volume, target: secretFolder, readOnly } };
  }

  /** It holds nothing any more; what cannot be removed now is swept later. */
  private async dropSecrets(name: string): Promise<void> {
    const { engine, store, log } = this.options;
    const attempt = store.get('attempts', name);
    const spec = attempt && store.get('revisions', revisionKey(attempt.service, attempt.revision))?.spec;
    if (spec && !hasMemoryFiles(spec)) return;
    if (!engine.startFilled) return;
    try {
      await engine.removeVolume(secretVolume(name));
    } catch (thrown) {
      const error = asEngineError(thrown);
      if (error.code !== 'not-found') log('warn', 'a volume of secrets stays', { name, error: error.message });
    }
  }

  private attempt(name: string): AttemptRow | undefined {
    return this.options.store.get('attempts', name);
  }

  private owns(name: string, id: string): boolean {
    return this.attempt(name)?.containerId === id;
  }

  /** Writes what was reached; states only move forward (I9). */
  private advance(name: string, change: Partial<AttemptRow>): boolean {
    return this.options.store.transact((transaction) => {
      const row = transaction.get('attempts', name);
      if (!row) return false;
      const next = { ...row, ...change };
      if (order(next.state) < order(row.state)) next.state = row.state;
      transaction.put('attempts', name, next);
      return row.state !== 'removing';
    });
  }
}

/** Marks the volumes that hold secrets with the installation they belong to. */
const secretLabel = 'io.pilothouse.secrets';
/** Bytes of a container's secrets at most: memory that is taken only as it is filled. */
const secretBytes = 16 * 1024 * 1024;

const states: readonly AttemptRow['state'][] = ['intended', 'created', 'started', 'removing'];

/** The place of an attempt's state in its life. */
export function order(state: AttemptRow['state']): number {
  return states.indexOf(state);
}

/** Any thrown value as an engine error. */
export function asEngineError(thrown: unknown): EngineError {
  if (thrown instanceof EngineError) return thrown;
  return new EngineError('refused', thrown instanceof Error ? thrown.message : String(thrown));
}

function failure(
  error: EngineError,
  code: 'replica.createFailed' | 'replica.startFailed' | 'replica.stopFailed' | 'replica.mendFailed',
  spec?: ServiceSpec,
  attempt?: AttemptRow,
): Outcome {
  if (error.code === 'away' || error.code === 'timeout') return { ok: false, kind: 'unsure', error };
  if (error.code === 'no-image') return { ok: false, kind: 'no-image' };
  if (error.code === 'not-found' && code !== 'replica.createFailed') return { ok: false, kind: 'stale' };
  const reason = error.detail.slice(0, 300);
  let words = sentence(code, { reason });
  if (error.code === 'no-space') words = sentence('replica.noSpace');
  if (error.code === 'port-taken') {
    const said = /:(\d{1,5})(?!.*:\d)/.exec(error.detail)?.[1];
    const declared =
      spec && attempt ? hostPorts(spec, attempt.slot).find((port) => port.published)?.published : undefined;
    words = sentence('replica.portTaken', { port: said ?? declared ?? '?' });
  }
  return { ok: false, kind: 'refused', words, error };
}
