/** Secrets: sealed texts with versions, delivered into containers as files. Their values come out of `secrets.reveal` alone. */
import { z } from 'zod';
import type { Health } from '../nouns';
import type { Sentence } from '../sentence';
import { act, read, state } from './define';

/** Bytes a secret may have; Docker's own limit is 500 kB. */
export const longestSecret = 500_000;

const name = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, 'Letters, digits, dot, dash and underscore, beginning with a letter or digit');
const version = z.number().int().min(1);

export interface SecretVersion {
  version: number;
  /** Bytes of its value. */
  bytes: number;
  createdAt: number;
}

export interface SecretView {
  name: string;
  note: string;
  /** The stack whose file brought it; it goes with the stack. */
  stack?: string;
  /** Newest first. */
  versions: SecretVersion[];
  /** Keys of the services that are declared with it, or still run with it. */
  users: string[];
  createdAt: number;
  updatedAt: number;
}

/** Where the vault's key is. */
export interface VaultView {
  kind: 'keychain' | 'passphrase' | 'file' | 'locked';
  health: Health;
  words: Sentence;
}

export interface SecretsView {
  vault: VaultView;
  secrets: SecretView[];
}

export const secretCalls = {
  'secrets.list': read<SecretsView>()(z.strictObject({})),
  /** Makes a secret, or its next version; services that use it are rolled. The same value again changes nothing. */
  'secrets.set': act<{ name: string; version: number; changed: boolean; users: string[] }>()(
    z.strictObject({
      name,
      value: z.string().max(longestSecret),
      note: z.string().max(500).optional(),
      /** The newest version the caller saw; 0 for a new secret. */
      ifVersion: z.number().int().min(0).optional(),
    }),
  ),
  /** The value in the clear. Who asks says why, and it is noted as an event. */
  'secrets.reveal': act<{ value: string; version: number }>()(
    z.strictObject({ name, version: version.optional(), purpose: z.string().trim().min(3).max(200) }),
  ),
  /** Refused while somebody uses it. */
  'secrets.remove': act<null>()(z.strictObject({ name })),
};

export const secretStreams = {
  'secrets.watch': state<SecretsView>()(z.strictObject({})),
};
