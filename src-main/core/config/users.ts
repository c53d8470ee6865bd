/** Who reads what: the readers seen lately, in memory and bounded. Nobody who only asks can make it grow without end. */
import type { ConfigUserView } from '../../contract/api/config';
import { limits } from './limits';
import type { Reader } from './gray';

export type Via = ConfigUserView['via'];

/** One reader of one item, as it was seen last. */
export interface User extends Reader {
  item: string;
  who: string;
  via: Via;
  release: number;
  at: number;
  /** Polls and streams that wait now. */
  listening: number;
}

/** The readers, the ones seen longest ago first. */
export class Users {
  private readonly known = new Map<string, User>();

  /** Somebody took a release (0: found none). */
  saw(item: string, reader: Reader, seen: { via: Via; release: number; at: number }): void {
    this.put({ ...this.of(item, reader, seen.via), release: seen.release, at: seen.at });
  }

  /** Somebody begins (1) or ends (-1) to wait. */
  listens(item: string, reader: Reader, how: { via: Via; change: 1 | -1; at: number }): void {
    const { via, change, at } = how;
    const user = this.of(item, reader, via);
    this.put({ ...user, listening: Math.max(0, user.listening + change), at });
  }

  /** Readers of an item that were seen lately or wait now. */
  list(item: string, now: number): User[] {
    return [...this.known.values()].filter(
      (user) => user.item === item && (user.listening > 0 || now - user.at < limits.userAge),
    );
  }

  /** How many readers each item has. */
  all(now: number): User[] {
    return [...this.known.values()].filter((user) => user.listening > 0 || now - user.at < limits.userAge);
  }

  forget(item: string): void {
    for (const [key, user] of this.known) if (user.item === item) this.known.delete(key);
  }

  private of(item: string, reader: Reader, via: Via): User {
    const who = reader.replica ?? reader.ip ?? 'unknown';
    const label = reader.label === undefined || reader.label === '' ? {} : { label: reader.label };
    const found = this.known.get(keyOf(item, who, via, reader.label));
    const base = found ?? { item, who, via, release: 0, at: 0, listening: 0 };
    return {
      ...base,
      ...(reader.ip === undefined ? {} : { ip: reader.ip }),
      ...(reader.replica === undefined ? {} : { replica: reader.replica }),
      ...label,
    };
  }

  private put(user: User): void {
    const key = keyOf(user.item, user.who, user.via, user.label);
    this.known.delete(key);
    this.known.set(key, user);
    while (this.known.size > limits.users) this.known.delete(this.known.keys().next().value ?? '');
  }
}

function keyOf(item: string, who: string, via: Via, label: string | undefined): string {
  return `${item}\u0000${who}\u0000${via}\u0000${label ?? ''}`;
}
