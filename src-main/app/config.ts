/** The config room in this app: the key behind its tokens, and what its guard looks at. */
import { createHmac, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../base/clock';
import type { Disposable } from '../base/lifecycle';
import { fail } from '../contract/errors';
import type { Logs } from '../core/logs';
import type { Metrics } from '../core/metrics';
import { createConfig, type Config, type ConfigOptions } from '../core/config';

import { takeReleases, type Configs } from '../core/reconcile';
import type { Store } from '../core/store';
import { guardRates } from './guardRates';

export { pairsOf, writeProperties, type Config, type Reader, type Via } from '../core/config';
export type { ConfigItemRow as Row, ConfigReleaseRow as Release } from '../core/store';

/** Bytes of the key; 256 bits. */
const keySize = 32;

/**
 * The installation's own key for tokens: made at first, and only ours to read. A token's secret is made of its id with this key, so that
 * no secret of any token is kept anywhere.
 */
export function tokenKey(home: string): Buffer {
  const file = join(home, 'http.key');
  if (existsSync(file)) {
    if (!lstatSync(file).isFile()) throw fail('forbidden', `${file} is not a plain file.`);
    if (process.platform !== 'win32') chmodSync(file, 0o600);
    const key = readFileSync(file);
    if (key.length !== keySize)
      throw fail('forbidden', `${file} is damaged.`, 'Move it away; tokens must then be made anew.');
    return key;
  }
  const key = randomBytes(keySize);
  writeFileSync(`${file}.new`, key, { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
  return key;
}

/** Makes the secret part of tokens, with a key that is read or made when it is needed first. */
export function tokenSecrets(home: string): (id: string) => string {
  let key: Buffer | undefined;
  return (id) => {
    key ??= tokenKey(home);
    return createHmac('sha256', key).update(`token:${id}`).digest('base64url');
  };
}

/** Makes the room with the app's logs and metrics as what guards look at. */
export function openConfig(options: Omit<ConfigOptions, 'rates'> & { logs: Logs; metrics: Metrics }): Config {
  const { logs, metrics, ...rest } = options;
  return createConfig({ ...rest, rates: guardRates(logs, metrics.reader) });
}

/** What the reconciler gets of the room; and from then on it brings new values to who has them in its environment. */
export function deliverConfigs(given: {
  store: Store;
  clock: Clock;
  config: Config;
}): Disposable & { configs: Configs } {
  const { store, clock, config } = given;
  const configs: Configs = {
    value: (item, key) => config.value(item, key),
    due: (attempt, files) => config.due(attempt, files),
  };
  // What was released in the very moment of an end.
  takeReleases({ store, clock, configs });
  const following = config.onRelease((items) => takeReleases({ store, clock, configs, items }));
  return { configs, dispose: () => following.dispose() };
}
