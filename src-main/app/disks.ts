/** Measures the disks that must not fill up: the one under the engine, where it is this machine's, and the one under our own state. */
import { statfs } from 'node:fs/promises';
import type { Clock } from '../base/clock';
import type { Disposable } from '../base/lifecycle';
import type { Metrics } from '../core/metrics';

/** Milliseconds between two looks; a disk does not fill in seconds. */
const every = 15_000;

export interface DiskPlaces {
  /** Folder of all state. */
  home: string;
  /** The engine's own folder, when the engine runs on this machine. */
  engine: () => string | undefined;
}

/** Records `disk_free_bytes` and `disk_size_bytes` of each `place` until disposed. */
export function watchDisks(clock: Clock, metrics: Pick<Metrics, 'record'>, places: DiskPlaces): Disposable {
  let timer: Disposable | undefined;
  let stopped = false;
  const measure = async (place: string, folder: string | undefined): Promise<void> => {
    if (folder === undefined) return;
    // A folder that is elsewhere, or that may not be looked at, is not measured.
    const disk = await statfs(folder).catch(() => undefined);
    if (!disk || stopped || disk.blocks === 0) return;
    const hold = every + 5_000;
    // What root alone may use is not free: everything else fails before it is used up.
    metrics.record('disk_free_bytes', { place }, { value: disk.bavail * disk.bsize, hold });
    metrics.record('disk_size_bytes', { place }, { value: disk.blocks * disk.bsize, hold });
  };
  const look = (): void => {
    void measure('pilothouse', places.home);
    void measure('engine', places.engine());
    timer = clock.timer(every, look);
  };
  look();
  return {
    dispose: () => {
      stopped = true;
      timer?.dispose();
    },
  };
}
