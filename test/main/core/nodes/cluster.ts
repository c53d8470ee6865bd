/** Several memory engines joined as nodes, with the real links, fleet and controller, on a fake clock. */
import type { Controllers } from '../../../../src-main/app/controllers';
import { dialerFor } from '../../../../src-main/app/probes';
import { seeded } from '../../../../src-main/base/random';
import type { CallHandlers } from '../../../../src-main/contract/api';
import type { nodeCalls } from '../../../../src-main/contract/api/nodes';
import type { ServiceView } from '../../../../src-main/contract/nouns';
import type { StackSpec } from '../../../../src-main/contract/spec';
import type { Engine } from '../../../../src-main/core/engine';
import { nodeHandlers, type Fleet } from '../../../../src-main/core/nodes';
import { Store, type AttemptRow, type NodeRow } from '../../../../src-main/core/store';
import type { EngineLink } from '../../../../src-main/core/system';
import { MemoryEngine } from '../../../../src-main/engine/memory';
import { FakeClock } from '../../../support/clock';
import { applyStack, TestDisk } from '../reconcile/bench';
import { endpointOf, Joined } from './joined';

export class Cluster {
  readonly clock = new FakeClock();
  readonly store = new Store(new TestDisk().open());
  readonly engines: ReadonlyMap<string, MemoryEngine>;
  readonly handed: (Engine | undefined)[] = [];
  readonly link: EngineLink;
  readonly fleet: Fleet;
  readonly controllers: Controllers;
  readonly calls: CallHandlers<typeof nodeCalls>;
  private readonly joined: Joined;
  private readonly home: string;

  constructor(names: readonly string[] = ['one', 'two']) {
    const { clock, store } = this;
    const random = seeded(5);
    this.home = names[0] ?? 'one';
    this.engines = new Map(
      names.map((id, at) => [
        id,
        new MemoryEngine({
          clock,
          random: seeded(at + 1),
          id,
          images: [{ reference: 'web:1' }, { reference: 'web:2' }],
        }),
      ]),
    );
    this.joined = new Joined({
      ...{ clock, store, random, home: this.home },
      engineOf: (id) => this.engines.get(id),
      optionsFor: (engine) => ({ store, engine, clock, random, dialer: dialerFor(engine) }),
      onEngine: (engine) => this.handed.push(engine),
    });
    const { link, fleet, controllers } = this.joined;
    this.link = link;
    this.fleet = fleet;
    this.controllers = controllers;
    this.calls = nodeHandlers({
      ...{ ...this.joined.world, fleet },
      used: () => ({ total: { cpu: 0.5, memory: 7 }, replicas: [] }),
      planDrain: (node) => this.controllers.current?.planDrain(node),
    });
  }

  /** Connects, and joins every engine but the first. */
  async start(): Promise<this> {
    this.link.start();
    await this.clock.settle();
    for (const id of this.engines.keys()) if (id !== this.home) this.join(id);
    await this.clock.advance(1000);
    return this;
  }

  join(id: string, more: Partial<NodeRow> = {}): void {
    const joined = { to: this.home, name: id, endpoint: endpointOf(id), at: 0 };
    this.set(id, { joined, ...more });
  }

  set(id: string, change: Partial<NodeRow>): void {
    this.store.transact((transaction) =>
      transaction.put('nodes', id, { ...transaction.get('nodes', id), ...change, engine: id }),
    );
  }

  drain(id: string): void {
    this.set(id, { cordonedAt: 1, drain: true });
  }

  engine(id: string): MemoryEngine {
    const engine = this.engines.get(id);
    if (!engine) throw new Error(`no engine ${id}`);
    return engine;
  }

  apply(spec: StackSpec): void {
    applyStack(this.store, spec, { engine: this.home, now: this.clock.now() });
  }

  /** Names of the containers on a node. */
  on(id: string, state?: string): string[] {
    return this.engine(id)
      .hand.containers()
      .filter((container) => state === undefined || container.state === state)
      .map(({ name }) => name)
      .sort();
  }

  /** Every running container of a service, wherever it is. */
  running(service: string): string[] {
    const prefix = `${service.replace('/', '.')}.`;
    return [...this.engines.keys()].flatMap((id) => this.on(id, 'running').filter((name) => name.startsWith(prefix)));
  }

  attempts(service: string): AttemptRow[] {
    return this.store.all('attempts').filter((attempt) => attempt.service === service);
  }

  view(service: string): ServiceView | undefined {
    return this.store.get('serviceStatus', service);
  }

  well(limit = 300_000): Promise<number> {
    return this.clock.until(() => {
      const views = this.store.all('services').map((row) => this.view(row.key));
      const healthy = views.every((view) => view && (view.health === 'ok' || view.health === 'off'));
      return this.controllers.current?.idle === true && healthy;
    }, limit);
  }

  /** Lets time pass in steps, and calls `look` after each. */
  async watch(time: number, look: () => void, step = 250): Promise<void> {
    for (let passed = 0; passed < time; passed += step) {
      await this.clock.advance(step);
      look();
    }
  }

  dispose(): void {
    this.joined.dispose();
    for (const engine of this.engines.values()) engine.dispose();
  }
}
