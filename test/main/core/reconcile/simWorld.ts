/**
 * The world of the property tests: one troubled engine or several, a disk, and an app that can be killed between any two effects, with
 * every promise watched. What happens in it is `sim.ts`.
 */
import { sleep } from '../../../../src-main/base/clock';
import { seeded } from '../../../../src-main/base/random';
import { PilothouseError } from '../../../../src-main/contract/errors';
import type { Autoscaler } from '../../../../src-main/core/autoscale/autoscaler';
import type { ControllerOptions } from '../../../../src-main/core/reconcile';
import { Wishes } from '../../../../src-main/core/reconcile/wishes';
import type { Container, MemoryEngineOptions } from '../../../../src-main/engine/memory';
import { endpointOf, Joined } from '../nodes/joined';
import { Balance } from './balance';
import { TestWorld, type WorldOptions } from './bench';
import { images } from './declared';
import { autoscalerOver } from './demand';
import { Machines } from './machines';
import { Watch, web } from './watch';

/** Milliseconds that a replica's last requests take. */
const draining = 100;
/** Milliseconds for which a node may be away before it is given up: short, so that schedules meet it. */
const grace = 12_000;
/** Ids of the engines that are joined to the first. */
const further = ['second'];

export interface SimOptions extends WorldOptions {
  /** Nothing but users' acts happens. */
  calm?: boolean;
  /** A second engine is joined. */
  nodes?: boolean;
}

export class SimWorld extends TestWorld {
  readonly machines: Machines;
  protected readonly watch: Watch;
  /** Of this process of the app. */
  protected balance: Balance | undefined;
  private scaler: Autoscaler | undefined;
  private joined: Joined | undefined;
  /** Requests a second that people make of the service. */
  protected load = 0;
  protected bomb = 0;
  protected killed = false;
  protected readonly calmWorld: boolean;
  /** Distinct effects at which the app was killed. */
  readonly crashPoints = new Set<string>();
  effects = 0;

  protected constructor(private readonly given: SimOptions) {
    const { calm = false, nodes = false, ...options } = given;
    const engine = { images, registry: 'declared' as const };
    super({ ...engine, controller: { concurrency: { starts: 2, stops: 2 } }, ...options });
    this.calmWorld = calm;
    const random = seeded((options.seed ?? 1) + 2);
    const more: MemoryEngineOptions = { ...engine, clock: this.clock, random };
    this.machines = new Machines(() => this.engine, nodes ? Machines.further(more, further) : []);
    this.watch = new Watch({
      ...{ disk: this.disk, clock: this.clock, machines: this.machines, calm },
      store: () => this.store,
      balance: () => this.balance,
      fleet: () => this.joined?.fleet,
    });
    this.disk.onCommit = (when) => this.effect(`commit ${when}`);
    this.disk.onCircles = () => this.watch.breaks('L7', 'the app writes and writes while no time passes');
  }

  /** Begins the life of the world. */
  protected async begin(): Promise<this> {
    this.prepare();
    this.controller.dispose();
    await this.boot();
    if (!this.given.nodes) return this;
    for (const id of [this.engine.id, ...further]) {
      const joined = { to: this.engine.id, name: id, endpoint: endpointOf(id), at: 0 };
      this.setNode(id, { grace, ...(id === this.engine.id ? {} : { joined }) });
    }
    await this.clock.advance(1000);
    return this;
  }

  get autoscaled(): number {
    return this.watch.autoscaled;
  }

  get woken(): number {
    return this.watch.woken;
  }

  get returned(): number {
    return this.watch.returned;
  }

  protected override prepare(): void {
    for (const engine of this.machines.all) {
      engine.hooks = {
        beforeEffect: (point) => {
          this.effect(`${point.verb} before`);
          if (!this.killed) this.watch.before(engine, point);
        },
        afterEffect: (point) => {
          this.watch.after(engine, point);
          this.effect(`${point.verb} after`);
        },
      };
    }
    this.watch.follow(this.store);
    // Services with a route are fronted; the gateway itself is `balance`.
    this.engine.capabilities = { ...this.engine.capabilities, gateway: true };
    this.balance = new Balance(this.store, web, {
      breaks: (invariant, text) => this.watch.breaks(invariant, text),
      onEnter: (container) => this.watch.entering(container),
    });
    this.scaler = autoscalerOver({ store: this.store, clock: this.clock, service: web, load: () => this.load });
    this.scaler.start();
  }

  protected override hooks(): Partial<ControllerOptions> {
    const release = async (container: string): Promise<void> => {
      this.balance?.release(container);
      await sleep(this.clock, draining);
    };
    return { release };
  }

  /** Where engines are joined, links and the fleet stand before the controller. */
  protected override async boot(): Promise<void> {
    if (!this.given.nodes) return super.boot();
    this.joined = new Joined({
      ...{ clock: this.clock, store: this.store, random: seeded(7), home: this.engine.id },
      engineOf: (id) => this.machines.byId(id),
      optionsFor: (engine) => this.optionsFor(engine),
      onEngine: () => {
        const { current } = this.joined?.controllers ?? {};
        if (current) this.controller = current;
      },
    });
    this.joined.link.start();
    await this.clock.settle();
  }

  protected override end(): void {
    this.scaler?.dispose();
    this.joined?.dispose();
    super.end();
  }

  protected override detach(): void {
    super.detach();
    this.machines.detach();
  }

  protected override attach(): void {
    super.attach();
    this.machines.attach();
  }

  override dispose(): void {
    super.dispose();
    this.machines.dispose();
  }

  private effect(name: string): void {
    this.effects += 1;
    if (this.bomb === 0 || --this.bomb > 0) return;
    this.crashPoints.add(name);
    this.killed = true;
    this.kill();
  }

  /** Lets time pass, unless the app is dead. */
  protected async pass(time: number): Promise<void> {
    if (this.killed) return;
    try {
      await this.clock.advance(time);
    } catch (thrown) {
      // A timer of the app was the last thing that it did.
      if (!this.killed) throw thrown;
    }
  }

  protected async revive(): Promise<void> {
    this.killed = false;
    this.bomb = 0;
    await this.launch();
  }

  protected wish(act: (wishes: Wishes) => void): void {
    this.maybe(() => act(new Wishes(this.store, this.clock)));
  }

  /** Runs an act of the user. Refusals are answers, too; and the app may be killed in the middle of it. */
  protected maybe(act: () => void): void {
    try {
      act();
    } catch (thrown) {
      if (!(thrown instanceof PilothouseError) && !this.killed) throw thrown;
    }
  }

  /** What the user sets for a node; undefined takes a setting away. */
  protected setNode(id: string, change: Record<string, unknown>): void {
    this.maybe(() =>
      this.store.transact((transaction) => {
        const row = { ...transaction.get('nodes', id), ...change, engine: id };
        const kept = Object.entries(row).filter(([, value]) => value !== undefined);
        transaction.put('nodes', id, Object.fromEntries(kept) as unknown as typeof row);
      }),
    );
  }

  /** Nodes that are being emptied, by id. */
  protected drained(): Set<string> {
    return new Set(this.store.all('nodes').flatMap(({ engine, drain }) => (drain ? [engine] : [])));
  }

  /** Our containers of every service, wherever they are. */
  protected everything(): Container[] {
    return this.machines.containers().filter((container) => this.watch.ours.has(container.id));
  }
}
