/** What people and machines do behind the app's back in the simulated world. */
import type { Container, MemoryEngine } from '../../../../src-main/engine/memory';
import { isAlive } from '../../../../src-main/engine/memory/container';
import { createRequest } from '../../../support/builders';
import type { Step } from './steps';

/** Somebody lays hands on a container of ours. Without its daemon only the kernel can do something to it. */
export function byHand(
  engine: MemoryEngine,
  id: string,
  act: Extract<Step, { pick: number }>['do'],
  serial: number,
): void {
  const { hand } = engine;
  try {
    switch (act) {
      case 'rm':
        hand.remove(id);
        break;
      case 'kill':
        hand.kill(id);
        break;
      case 'die':
        hand.killProcess(id);
        break;
      case 'dockerStop':
        void hand.stop(id, 1000).catch(() => {});
        break;
      case 'pause':
        hand.pause(id);
        break;
      case 'unpause':
        hand.unpause(id);
        break;
      case 'rename':
        hand.rename(id, `renamed-${serial}`);
        break;
      case 'disconnect':
        hand.disconnect('shop_default', id);
        break;
      case 'limit':
        hand.update(id, { limits: { memory: 1024 * 1024 * 32 } });
        break;
      case 'sick':
        hand.setHealthy(id, false);
        break;
      default:
        break;
    }
  } catch {
    // The engine says no to people, too.
  }
}

/** A container that is not ours: with the next name we would use, or with our labels. */
export function foreign(
  engine: MemoryEngine,
  pick: number,
  known: { generations: Readonly<Record<string, number>>; like: Container | undefined; serial: number },
): void {
  const slot = (pick % 3) + 1;
  const generation = (known.generations[String(slot)] ?? 0) + 1;
  const labels = known.like?.labels ?? {};
  const name = pick % 2 === 0 ? `shop.web.${slot}.g${generation}` : `spoof-${known.serial}`;
  try {
    const id = engine.hand.create(createRequest({ name, labels }));
    if (pick % 3 === 0) engine.hand.start(id);
  } catch {
    // The name is in use.
  }
}

/** Something befalls the daemon of an engine. */
export function trouble({ hand }: MemoryEngine, how: number): void {
  switch (how % 5) {
    case 0:
      hand.crashDaemon({ downFor: 3000 });
      break;
    case 1:
      hand.crashDaemon({ liveRestore: true, downFor: 2000 });
      break;
    case 2:
      hand.hangDaemon();
      break;
    case 3:
      hand.setActsHang(true);
      break;
    default:
      void hand.restartDaemon().catch(() => {});
  }
}

/** The machine loses its power: nothing on it runs any more. */
export function switchOff({ hand }: MemoryEngine): void {
  hand.crashDaemon();
  for (const container of hand.containers()) if (isAlive(container)) hand.killProcess(container.id);
}

/** It is there again, reachable, with what its engine brings back. */
export async function switchOn({ hand, daemon }: MemoryEngine): Promise<void> {
  hand.resumeDaemon();
  if (daemon.power.mode === 'down') await hand.startDaemon().catch(() => {});
}
