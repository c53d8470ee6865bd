/**
 * Whom a gateway would ask: the sets and shares that the traffic room makes of what the reconciler writes, at each commit. One per
 * process of the app, as the traffic room is.
 */
import type { Store } from '../../../../src-main/core/store';
import { endpointsOf } from '../../../../src-main/core/traffic/desired';
import type { Seat } from '../../../../src-main/core/traffic/seats';

const noHand = { drained: new Set<string>(), weights: new Map<string, number>() };
/** Weights are whole numbers, so a share is exact only nearly. */
const rounding = 0.02;

export class Balance {
  private seats: Seat[] = [];
  private readonly released = new Set<string>();

  /** `breaks` hears of a broken promise, `onEnter` of a container that gets requests from now on. */
  constructor(
    private readonly store: Store,
    private readonly service: string,
    private readonly tell: { breaks: (invariant: string, text: string) => void; onEnter: (container: string) => void },
  ) {
    store.onCommit((changes) => {
      if (changes.some(({ table, key }) => (table === 'serviceStatus' || table === 'rollouts') && key === service))
        this.look();
    });
    this.look();
  }

  /** The reconciler will stop it: it gets no request any more. */
  release(container: string): void {
    this.released.add(container);
    this.look();
  }

  /** Its requests have a place now. */
  serves(container: string): boolean {
    return this.seats.some((seat) => seat.container === container);
  }

  /** Every replica in the set gets the same part. */
  get even(): boolean {
    return new Set(this.seats.map(({ weight }) => weight)).size <= 1;
  }

  private look(): void {
    const view = this.store.get('serviceStatus', this.service);
    const rollout = this.store.get('rollouts', this.service);
    const { endpoints, kept } = endpointsOf(view, {
      target: 80,
      seats: this.seats,
      leaving: this.released,
      hand: noHand,
      ...(rollout ? { rollout } : {}),
    });
    if (!kept) for (const { container } of endpoints) if (!this.serves(container)) this.tell.onEnter(container);
    this.seats = endpoints.map(({ container, weight }, at) => ({ name: `s${at}`, state: 'ready', weight, container }));
    if (kept || !rollout || (rollout.state !== 'running' && rollout.state !== 'paused')) return;
    const revisions = new Map(view?.replicaList.map(({ id, revision }) => [id, revision]));
    let [fresh, others] = [0, 0];
    let elders = false;
    for (const { replica, weight } of endpoints) {
      if (revisions.get(replica) === rollout.to) fresh += weight;
      else [others, elders] = [others + weight, true];
    }
    if (!elders) return;
    const share = fresh / Math.max(1, fresh + others);
    if (rollout.strategy === 'canary' && rollout.weight !== undefined && share > rollout.weight / 100 + rounding)
      this.tell.breaks('T2', `the canary gets ${share.toFixed(2)} of the requests, not ${rollout.weight} %`);
    if (rollout.strategy === 'blue-green' && rollout.switchedAt === undefined && fresh > 0)
      this.tell.breaks('T3', `the green set gets ${share.toFixed(2)} of the requests before the switch`);
  }
}
