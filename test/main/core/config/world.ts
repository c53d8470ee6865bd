/** A config room on rows in memory, with a clock by hand. */
import { createConfig, type Config, type ConfigOptions } from '../../../../src-main/core/config';
import { never } from '../../../../src-main/base/lifecycle';
import { seeded } from '../../../../src-main/base/random';
import type { Caller } from '../../../../src-main/contract/api';
import type { DiskRow, RowDisk } from '../../../../src-main/core/disk';
import { Store } from '../../../../src-main/core/store';
import { FakeClock } from '../../../support/clock';

export const window: Caller = { kind: 'window', signal: never };
export const cli: Caller = { kind: 'cli', signal: never };

/** Rows that outlive a store, like those on a disk. */
export class Rows implements RowDisk {
  private readonly rows = new Map<string, DiskRow>();
  load = (): DiskRow[] => structuredClone([...this.rows.values()]);
  commit: RowDisk['commit'] = (changes) => {
    for (const { table, key, value } of changes) {
      if (value === undefined) this.rows.delete(`${table} ${key}`);
      else this.rows.set(`${table} ${key}`, structuredClone({ table, key, value }));
    }
  };
  close = (): void => {};
}

export interface World {
  clock: FakeClock;
  store: Store;
  config: Config;
  told: string[];
  /** The same with everything that was said of them; ids are e1, e2 …. */
  events: Parameters<ConfigOptions['note']>[0][];
  /** As if the app had been started anew on the same disk. */
  restart(): World;
}

export function world(options: Partial<ConfigOptions> = {}, rows = new Rows(), clock = new FakeClock()): World {
  const store = new Store(rows);
  const told: string[] = [];
  const events: World['events'] = [];
  const config = createConfig({
    store,
    clock,
    random: seeded(7),
    log: () => {},
    secretOf: (id) => `secret-of-${id}`,
    note: (event) => {
      events.push(event);
      return `e${told.push(event.kind)}`;
    },
    ...options,
  });
  const restart = (): World => {
    config.stop();
    return world(options, rows, clock);
  };
  return { clock, store, config, told, events, restart };
}
