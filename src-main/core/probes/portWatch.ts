/**
 * Published ports that the engine shows and at which nobody answers although the program inside does: what forwards them has died, or a
 * firewall rule went (reliability.md, M36). No engine reports that, so it is tried.
 */
import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/lifecycle';
import type { ReplicaView, ServiceView } from '../../contract/nouns';
import type { Dialer } from './prober';

export interface PortWatchOptions {
  clock: Clock;
  dialer: Dialer;
  services: () => readonly ServiceView[];
  /** A port is dead, or leads somewhere again. */
  tell: (what: { service: string; replica: string; port: number; dead: boolean }) => void;
}

/** Milliseconds between two rounds: a program may log each connection, so they are rare. */
const every = 20_000;
/** Before it is said, it is tried once more after so long: a replica may just have ended. Milliseconds. */
const again = 1000;
const timeout = 1000;
/** Ports tried in a round. */
const most = 500;
/** Bound to these, a port answers on this machine's loopback. */
const everywhere = new Set(['', '0.0.0.0', '::', '127.0.0.1']);

interface Watched {
  replica: ReplicaView;
  container: string;
  address: string;
  target: number;
  published: number;
}

/** Tries the ports of replicas that run on this machine, round after round, until disposed. */
export class PortWatch implements Disposable {
  /** Ports that were told as dead. */
  private readonly dead = new Map<string, Watched>();
  private timer: Disposable | undefined;
  private stopped = false;

  constructor(private readonly options: PortWatchOptions) {
    this.wait();
  }

  dispose(): void {
    this.stopped = true;
    this.timer?.dispose();
  }

  private wait(): void {
    this.timer = this.options.clock.timer(every, () => {
      void this.round().finally(() => {
        if (!this.stopped) this.wait();
      });
    });
  }

  private async round(): Promise<void> {
    const watched = this.ports();
    const known = new Set(watched.map(keyOf));
    for (const key of this.dead.keys()) if (!known.has(key)) this.dead.delete(key);
    if (watched.length === 0 || !(await this.options.dialer.near().catch(() => false))) return;
    for (const port of watched) {
      if (this.stopped) return;
      await this.look(port);
    }
  }

  private async look(port: Watched): Promise<void> {
    const key = keyOf(port);
    const dead = await this.isDead(port);
    if (dead === undefined || dead === this.dead.has(key)) return;
    if (dead) {
      await new Promise<void>((resolve) => this.options.clock.timer(again, resolve));
      const there = this.ports().some((one) => keyOf(one) === key);
      if (this.stopped || !there || (await this.isDead(port)) !== true) return;
      this.dead.set(key, port);
    } else this.dead.delete(key);
    const { replica, published } = port;
    this.options.tell({
      service: `${replica.stack}/${replica.service}`,
      replica: replica.id,
      port: published,
      dead,
    });
  }

  /** Undefined when the program does not answer inside either: then it is not the port's fault. */
  private async isDead({ container, address, target, published }: Watched): Promise<boolean | undefined> {
    const { dialer } = this.options;
    const outside = await dialer.dial({ container, host: '127.0.0.1', port: published, timeout });
    if (outside.ok) return false;
    const inside = await dialer.dial({ container, host: address, port: target, timeout });
    return inside.ok ? true : undefined;
  }

  private ports(): Watched[] {
    return this.options
      .services()
      .flatMap(({ replicaList }) => replicaList)
      .flatMap((replica): Watched[] => {
        const address = Object.values(replica.addresses).find((one) => one !== '');
        const { container, state, machine } = replica;
        if (state !== 'ready' || !container || address === undefined || machine !== undefined) return [];
        const bound = replica.ports.filter(
          ({ protocol, hostIp, published }) => protocol === 'tcp' && published > 0 && everywhere.has(hostIp),
        );
        const targets = new Map(bound.map(({ published, target }) => [published, target]));
        return [...targets].map(([published, target]) => ({
          ...{ replica, container: container.id, address },
          ...{ target, published },
        }));
      })
      .slice(0, most);
  }
}

/** Of the container, not the slot: its successor begins anew. */
function keyOf({ container, published }: Watched): string {
  return `${container} ${published}`;
}
