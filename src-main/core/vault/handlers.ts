/** Serves contract/api/secrets.ts. */
import type { Clock } from '../../base/clock';
import type { CallHandlers, StreamHandlers } from '../../contract/api';
import type { secretCalls, secretStreams, SecretsView, VaultView } from '../../contract/api/secrets';
import { feed } from '../../contract/feed';
import type { EventView, Health } from '../../contract/nouns';
import { sentence } from '../../contract/sentence';
import { fail } from '../../contract/errors';
import type { Sealer } from '../sealer';
import type { Store, Transaction } from '../store';
import type { Vault } from './vault';

export interface SecretWorld {
  store: Store;
  clock: Clock;
  vault: Vault;
  /** Called within the transaction that keeps a new version. */
  rotated: (transaction: Transaction, secret: string, version: number) => void;
  /** Notes an act of the user in the event list. */
  note: (event: Pick<EventView, 'kind' | 'health' | 'words'>) => void;
}

export interface SecretHandlers {
  calls: CallHandlers<typeof secretCalls>;
  streams: StreamHandlers<typeof secretStreams>;
}

const healths: Record<Sealer['kind'], Health> = {
  keychain: 'ok',
  passphrase: 'ok',
  file: 'warning',
  locked: 'critical',
};

export function secretHandlers({ store, clock, vault, note, rotated }: SecretWorld): SecretHandlers {
  const answer = async <T>(work: () => T): Promise<T> => Promise.resolve(work());
  const view = (): SecretsView => ({ vault: vaultView(vault.kind), secrets: vault.list() });
  return {
    calls: {
      'secrets.list': () => answer(view),
      'secrets.set': ({ name, value, note: about, ifVersion }) =>
        answer(() => {
          const { version, changed } = vault.set(name, value, {
            ...(about === undefined ? {} : { note: about }),
            ...(ifVersion === undefined ? {} : { ifVersion }),
            also: (transaction, version) => rotated(transaction, name, version),
          });
          if (changed)
            note({ kind: 'secret.set', health: 'ok', words: sentence('event.secretSet', { secret: name, version }) });
          return { name, version, changed, users: vault.users(name) };
        }),
      'secrets.reveal': ({ name, version: asked, purpose }) =>
        answer(() => {
          const version = asked ?? vault.latest(name);
          if (version === undefined) throw fail('not-found', `There is no secret ${name}.`);
          const value = vault.open(name, version);
          // Noted before it is handed out: there is no reveal without a trace.
          const words = sentence('event.secretRevealed', { secret: name, version, purpose });
          note({ kind: 'secret.revealed', health: 'ok', words });
          return { value, version };
        }),
      'secrets.remove': ({ name }) =>
        answer(() => {
          vault.remove(name);
          note({ kind: 'secret.removed', health: 'ok', words: sentence('event.secretRemoved', { secret: name }) });
          return null;
        }),
    },
    streams: {
      'secrets.watch': (_input, sink) =>
        feed(sink, {
          clock,
          every: 500,
          changed: (listener) =>
            store.onCommit((changes) => {
              if (changes.some(({ table }) => table === 'secrets' || table === 'revisions' || table === 'services'))
                listener(undefined);
            }),
          next: view,
        }),
    },
  };
}

function vaultView(kind: Sealer['kind']): VaultView {
  return { kind, health: healths[kind], words: sentence(`vault.${kind}`) };
}
