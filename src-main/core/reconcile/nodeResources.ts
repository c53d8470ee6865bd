/**
 * Networks and volumes where there are several nodes: made on the node of the first replica that needs them, just before its container.
 * A volume is made on one node only; where it lies is written down before, so that it is never made empty a second time.
 */
import type { Clock } from '../../base/clock';
import type { Log } from '../../base/log';
import { sentence, type Sentence } from '../../contract/sentence';
import type { NetworkSpec, VolumeSpec } from '../../contract/spec';
import { EngineError, type Engine } from '../engine';
import type { AttemptRow, ResourceRow, Store } from '../store';
import { asEngineError, type Outcome } from './acts';
import type { Fleet } from './fleet';
import { label, splitKey } from './names';
import type { Recorder } from './recorder';
import { toAttachments, volumeName, type RequestInput } from './request';
import { isLocal } from './ties';

export interface NodeResourcesOptions {
  fleet: Fleet;
  store: Store;
  clock: Clock;
  log: Log;
  recorder: Recorder;
  installId: string;
  /** Something was asked for: lists from before say nothing about it. */
  onWrite: (stack: string) => void;
}

type Refused = Extract<Outcome, { ok: false }>;

export class NodeResources {
  /** What is being made, so that replicas that begin together make it once. */
  private readonly making = new Map<string, Promise<Refused | undefined>>();

  constructor(private readonly options: NodeResourcesOptions) {}

  /** Sees to it that everything the replica needs is on its node; resolves with what stands in the way. */
  async ensure(attempt: AttemptRow, input: Pick<RequestInput, 'spec' | 'parts'>): Promise<Refused | undefined> {
    const { spec, parts } = input;
    const { node } = attempt;
    const stack = splitKey(attempt.service).stack;
    const networks = new Set(toAttachments(spec, parts, attempt.service).map(({ name }) => name));
    for (const declared of Object.values(parts.networks)) {
      if (!networks.has(declared.name) || declared.external) continue;
      const refused = await this.once(`${node} network:${declared.name}`, (engine) =>
        this.network(engine, stack, declared),
      );
      if (refused) return refused;
    }
    for (const mount of spec.mounts) {
      const declared = mount.type === 'volume' && mount.source !== undefined ? parts.volumes[mount.source] : undefined;
      if (!declared || declared.external) continue;
      const name = volumeName(declared.name, spec, attempt.slot);
      const refused = await this.once(`${node} volume:${name}`, (engine) =>
        this.volume(engine, { stack, node, name }, declared),
      );
      if (refused) return refused;
    }
    return undefined;
  }

  private once(key: string, work: (engine: Engine) => Promise<Refused | undefined>): Promise<Refused | undefined> {
    const running = this.making.get(key);
    if (running) return running;
    const making = this.guard(key, work).finally(() => this.making.delete(key));
    this.making.set(key, making);
    return making;
  }

  private async guard(
    key: string,
    work: (engine: Engine) => Promise<Refused | undefined>,
  ): Promise<Refused | undefined> {
    const [node = '', what = ''] = key.split(' ');
    try {
      return await work(this.options.fleet.on(node));
    } catch (thrown) {
      const error = asEngineError(thrown);
      this.options.log('warn', 'a resource cannot be made on a node', { what, error: error.message });
      if (error.code === 'away' || error.code === 'timeout')
        return { ok: false, kind: 'unsure', error: new EngineError('timeout', error.detail) };
      const reason = error.detail.slice(0, 300);
      const name = what.slice(what.indexOf(':') + 1);
      const words = what.startsWith('volume:')
        ? sentence('volume.failed', { volume: name, reason })
        : sentence('network.failed', { network: name, reason });
      return { ok: false, kind: 'refused', words, error };
    }
  }

  private async network(engine: Engine, stack: string, spec: NetworkSpec): Promise<Refused | undefined> {
    const { installId, store } = this.options;
    const { name } = spec;
    const there = await engine.inspectNetwork(name);
    if (there?.name === name) {
      const ours = there.labels[label.install] === installId && store.get('resources', `network:${name}`) !== undefined;
      return ours ? undefined : refuse(sentence('network.foreign', { network: name }));
    }
    const { askedAt: _, ...row } = store.get('resources', `network:${name}`) ?? {
      kind: 'network' as const,
      ...{ name, stack, createdAt: this.now() },
    };
    this.put({ ...row, askedAt: this.now() });
    await engine.createNetwork({
      name,
      ...(spec.driver === undefined ? {} : { driver: spec.driver }),
      driverOpts: spec.driverOpts,
      internal: spec.internal,
      attachable: spec.attachable,
      enableIpv6: spec.enableIpv6,
      ...(spec.ipam === undefined ? {} : { ipam: spec.ipam }),
      labels: { ...spec.labels, [label.install]: installId, [label.stack]: stack },
    });
    this.put(row);
    this.tell(stack, 'network.created', sentence('event.networkCreated', { network: name }));
    return undefined;
  }

  private async volume(
    engine: Engine,
    at: { stack: string; node: string; name: string },
    spec: VolumeSpec,
  ): Promise<Refused | undefined> {
    const { store, installId, fleet } = this.options;
    const { stack, node, name } = at;
    const local = isLocal(spec);
    const row = store.get('resources', `volume:${name}`);
    const lies = row ? [row.node ?? store.get('stacks', stack)?.engine ?? node] : fleet.holders('volumes', name);
    if (local && lies.length > 0 && !lies.includes(node)) {
      const names = fleet.nodes().flatMap((one) => (lies.includes(one.id) ? [one.name] : []));
      return refuse(sentence('replica.dataKept', { volume: name, node: names.join(', ') || lies.join(', ') }));
    }
    // Asked of the node itself: somebody else's volume of that name is used, and never called ours.
    if ((await engine.volumes()).some((volume) => volume.name === name)) return undefined;
    const { askedAt: _, ...made }: ResourceRow = row ?? {
      kind: 'volume',
      ...{ name, stack, createdAt: this.now() },
      ...(local ? { node } : {}),
    };
    this.put({ ...made, askedAt: this.now() });
    await engine.createVolume({
      name,
      ...(spec.driver === undefined ? {} : { driver: spec.driver }),
      driverOpts: spec.driverOpts,
      labels: { ...spec.labels, [label.install]: installId, [label.stack]: stack },
    });
    this.put(made);
    this.tell(stack, 'volume.created', sentence('event.volumeCreated', { volume: name }));
    return undefined;
  }

  private now(): number {
    return this.options.clock.now();
  }

  private put(row: ResourceRow): void {
    this.options.onWrite(row.stack);
    this.options.store.transact((transaction) => transaction.put('resources', `${row.kind}:${row.name}`, row));
  }

  private tell(stack: string, kind: string, words: Sentence): void {
    this.options.recorder.record({ stack, actor: 'controller', kind, health: 'ok', words });
  }
}

function refuse(words: Sentence): Refused {
  return { ok: false, kind: 'refused', words, error: new EngineError('refused', words.code) };
}
