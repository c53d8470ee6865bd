/** Decides when a service's trouble is worth a desktop notice: once when it stays critical, once when it is well again. */
import type { Clock } from '../base/clock';
import type { Disposable } from '../base/lifecycle';
import type { Health, ServiceView } from '../contract/nouns';

/** Trouble shorter than this heals by itself; nobody needs to hear of it. Milliseconds. */
const patience = 10_000;
/** Notices in a minute at most; a whole stack that fails is not twenty notices. */
const mostPerMinute = 5;

export interface Notice {
  kind: 'down' | 'back';
  service: string;
  route: string;
}

interface Watched {
  health: Health;
  timer?: Disposable;
  told: boolean;
}

/** Feed it every change of `services.watch`; it calls `tell` for what deserves a notice. */
export class Notices implements Disposable {
  private readonly services = new Map<string, Watched>();
  private recent: number[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly tell: (notice: Notice) => void,
  ) {}

  put(service: Pick<ServiceView, 'key' | 'health'>): void {
    const known = this.services.get(service.key) ?? { health: 'off', told: false };
    this.services.set(service.key, known);
    known.health = service.health;
    if (service.health === 'critical') {
      known.timer ??= this.clock.timer(patience, () => this.ripe(service.key, known));
    } else {
      known.timer?.dispose();
      delete known.timer;
      if (service.health === 'ok' && known.told) {
        known.told = false;
        this.say('back', service.key);
      }
    }
  }

  gone(key: string): void {
    this.services.get(key)?.timer?.dispose();
    this.services.delete(key);
  }

  dispose(): void {
    for (const key of [...this.services.keys()]) this.gone(key);
  }

  private ripe(key: string, known: Watched): void {
    delete known.timer;
    if (known.told || known.health !== 'critical') return;
    known.told = this.say('down', key);
  }

  private say(kind: Notice['kind'], service: string): boolean {
    const now = this.clock.monotonic();
    this.recent = this.recent.filter((at) => now - at < 60_000);
    if (this.recent.length >= mostPerMinute) return false;
    this.recent.push(now);
    this.tell({ kind, service, route: `/services/${service}` });
    return true;
  }
}
