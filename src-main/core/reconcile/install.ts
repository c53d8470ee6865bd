/** The id of this installation: half of the answer to "is this container ours?". */
import type { Random } from '../../base/random';
import type { Store } from '../store';

const schema = 1;

/** The id, made and stored on the first call: 128 bits from `random`, which the app seeds from the platform's own source. */
export function installId(store: Store, random: Random): string {
  const known = store.get('meta', 'meta');
  if (known) return known.installId;
  let id = '';
  for (let index = 0; index < 32; index++) id += Math.floor(random() * 16).toString(16);
  store.transact((transaction) => transaction.put('meta', 'meta', { installId: id, schema }));
  return id;
}
