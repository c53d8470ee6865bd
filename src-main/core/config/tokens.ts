/** Keys to the HTTP endpoints. Their secret part is never kept: it is made of the id whenever it is needed. */
import type { Clock } from '../../base/clock';
import type { Random } from '../../base/random';
import type { CallHandlers } from '../../contract/api';
import type { ConfigTokenView, configCalls } from '../../contract/api/config';
import { fail } from '../../contract/errors';
import type { Store } from '../store';
import { answer, missing } from './answers';
import { limits } from './limits';

export interface TokenWorld {
  store: Store;
  clock: Pick<Clock, 'now'>;
  random: Random;
  /** The secret part of a token, made of its id; only the door that checks tokens knows how. */
  secretOf: (id: string) => string;
}

/** The calls of this file. */
export type TokenCalls = Pick<
  CallHandlers<typeof configCalls>,
  'config.tokens' | 'config.createToken' | 'config.revokeToken'
>;

const idLength = 16;

export class Tokens {
  /** Epoch milliseconds of the last use in this run, by id; not worth a write each. */
  private readonly uses = new Map<string, number>();

  constructor(private readonly world: TokenWorld) {}

  readonly calls: TokenCalls = {
    'config.tokens': () => answer(() => this.all()),
    'config.createToken': (input) =>
      answer(() => {
        const { store, random, clock, secretOf } = this.world;
        if (store.keys('configTokens').length >= limits.tokens)
          throw fail('too-many', 'There are too many tokens.', 'Revoke some first.');
        const id = Array.from({ length: idLength }, () => Math.floor(random() * 36).toString(36)).join('');
        const row: ConfigTokenView = { id, ...input, createdAt: clock.now() };
        store.transact((transaction) => transaction.put('configTokens', id, row));
        return { ...row, token: `${id}.${secretOf(id)}` };
      }),
    'config.revokeToken': ({ id }) =>
      answer(() => {
        if (!this.find(id)) throw missing(`token ${id}`);
        this.world.store.transact((transaction) => transaction.remove('configTokens', id));
        this.uses.delete(id);
        return null;
      }),
  };

  find(id: string): ConfigTokenView | undefined {
    return this.world.store.get('configTokens', id);
  }

  all(): ConfigTokenView[] {
    return this.world.store.all('configTokens').map((row) => {
      const lastUsedAt = this.uses.get(row.id);
      return lastUsedAt === undefined ? row : { ...row, lastUsedAt };
    });
  }

  used(id: string): void {
    this.uses.set(id, this.world.clock.now());
  }
}
