/** People who ask services through a gateway that counts them, and lets them wait while no replica is there: what the autoscaler is told. */
import { Emitter } from '../../src-main/base/emitter';
import type { Disposable } from '../../src-main/base/lifecycle';
import { silent } from '../../src-main/base/log';
import { Autoscaler } from '../../src-main/core/autoscale/autoscaler';
import type { TestWorld } from '../main/core/reconcile/bench';

/** Who waits tells it so often, and waits so long at most, milliseconds. */
const telling = 250;
const patience = 60_000;

export class People {
  answered = 0;
  turnedAway = 0;
  private readonly lastAsked = new Map<string, number>();
  private readonly connected = new Map<string, number>();
  private waiting: { service: string; until: number }[] = [];
  private readonly held = new Emitter<string>();
  private autoscaler: Autoscaler | undefined;
  private timer: Disposable | undefined;

  constructor(private readonly world: TestWorld) {}

  /** The app is there: its autoscaler listens. */
  open(): void {
    const { store, clock, engine } = this.world;
    this.autoscaler = new Autoscaler({
      ...{ store, clock, log: silent },
      reader: {
        read: () => Promise.resolve([]),
        finest: () => 1000,
        series: () => [],
        metrics: () => Promise.resolve([]),
      },
      measuring: () => true,
      engine: () => ({ id: engine.id, gateway: true }),
      demand: {
        quiet: (service) => this.quiet(service),
        quietNow: (service) => Promise.resolve(this.quiet(service)),
        onHeld: this.held.event,
      },
    });
    this.autoscaler.start();
  }

  close(): void {
    this.autoscaler?.dispose();
    this.autoscaler = undefined;
  }

  dispose(): void {
    this.close();
    this.timer?.dispose();
  }

  ask(service: string): void {
    this.waiting.push({ service, until: this.world.clock.monotonic() + patience });
    this.look();
  }

  connect(service: string, by: 1 | -1): void {
    this.connected.set(service, (this.connected.get(service) ?? 0) + by);
    this.lastAsked.set(service, this.world.clock.monotonic());
  }

  private quiet(service: string): number {
    if ((this.connected.get(service) ?? 0) > 0) return 0;
    return this.world.clock.monotonic() - (this.lastAsked.get(service) ?? 0);
  }

  private look(): void {
    const now = this.world.clock.monotonic();
    const running = this.world.containers('running');
    const waiting = this.waiting;
    this.waiting = [];
    for (const one of waiting) {
      this.lastAsked.set(one.service, now);
      if (running.some((name) => name.startsWith(`${one.service.replace('/', '.')}.`))) this.answered += 1;
      else if (now >= one.until) this.turnedAway += 1;
      else this.waiting.push(one);
    }
    for (const service of new Set(this.waiting.map((one) => one.service))) this.held.fire(service);
    this.timer?.dispose();
    if (this.waiting.length > 0) this.timer = this.world.clock.timer(telling, () => this.look());
  }
}
