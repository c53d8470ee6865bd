/** Since when each replica is ready, and whether it ever was: young and unready replicas do not count (HPA v2's CPU rules). */
import type { ReplicaView, ServiceView } from '../../contract/nouns';
import type { Seen } from './replicas';

/** A replica warms up so long, unless it is ready and its figures are from after that. */
const initializing = 300_000;
/** Not ready within this time of its start, it has never been ready. */
const firstReadiness = 30_000;

interface Known {
  generation: number;
  /** When it last became ready, or stopped being so. */
  turnedAt: number;
  ready: boolean;
}

export class ReplicaTimes {
  private readonly known = new Map<string, Map<string, Known>>();

  /** Takes note of how a service's replicas are; times are wall-clock milliseconds. */
  note(view: ServiceView, now: number): void {
    const before = this.known.get(view.key);
    const after = new Map<string, Known>();
    for (const { id, generation, state, startedAt } of view.replicaList) {
      const ready = state === 'ready';
      const old = before?.get(id);
      if (old?.generation === generation && old.ready === ready) after.set(id, old);
      // What was ready when we first looked has been so for as long as we can tell.
      else after.set(id, { generation, ready, turnedAt: before ? now : (startedAt ?? now) });
    }
    this.known.set(view.key, after);
  }

  forget(service: string): void {
    this.known.delete(service);
  }

  /** A replica as a metric sees it. `window` is how long its figures reach back. */
  seen(replica: ReplicaView, value: number | undefined, look: { cpu: boolean; now: number; window: number }): Seen {
    const { state, startedAt } = replica;
    if (state === 'stopping' || state === 'done' || state === 'failed')
      return { phase: 'ignored', value: undefined, cold: false };
    if (state === 'pending' || state === 'creating') return { phase: 'pending', value: undefined, cold: false };
    const cold = look.cpu && this.isCold(replica, startedAt, look);
    return { phase: 'up', value, cold };
  }

  private isCold(
    { id, stack, service, state }: ReplicaView,
    startedAt: number | undefined,
    { now, window }: { now: number; window: number },
  ): boolean {
    if (startedAt === undefined) return true;
    const ready = state === 'ready';
    const turnedAt = this.known.get(`${stack}/${service}`)?.get(id)?.turnedAt ?? startedAt;
    if (startedAt + initializing > now) return !ready || now - window < turnedAt;
    return !ready && startedAt + firstReadiness > turnedAt;
  }
}
