/** The vault among its neighbours: its key, its events, and the values it hands to what is started. */
import { join } from 'node:path';
import type { Clock } from '../base/clock';
import type { EventView } from '../contract/nouns';
import { rotateSecret } from '../core/reconcile';
import { noteEvent } from '../core/system';
import type { Sealer } from '../core/sealer';
import type { Store } from '../core/store';
import { secretHandlers, Vault, type SecretHandlers } from '../core/vault';
import { openSealer, type Keychain } from '../seal';

export interface VaultParts {
  home: string;
  store: Store;
  clock: Clock;
  keychain?: Keychain | undefined;
}

export interface OpenVault extends SecretHandlers {
  vault: Vault;
  sealer: Sealer;
}

/** Makes the vault; its key is made or fetched at the first use. */
export function openVault({ home, store, clock, keychain }: VaultParts): OpenVault {
  const sealer = openSealer({
    file: join(home, 'vault.key'),
    keychain,
    passphraseFile: process.env['PILOTHOUSE_PASSPHRASE_FILE'],
  });
  const vault = new Vault({ store, clock, sealer });
  const note = (event: Pick<EventView, 'kind' | 'health' | 'words'>): void => {
    noteEvent(store, { ...event, at: clock.now(), actor: 'user' });
  };
  const handlers = secretHandlers({
    store,
    clock,
    vault,
    note,
    rotated: (transaction, secret, version) => rotateSecret({ store, clock, transaction, secret, version }),
  });
  return { vault, sealer, ...handlers };
}
