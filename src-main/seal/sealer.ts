/**
 * The master key and where it is kept. A new one is random; it goes into the system's keychain where there is a real one, else under
 * a passphrase, else into a file that only its owner can read. It is made or fetched at the first use, not at the start.
 */
import { randomBytes, scryptSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { fail } from '../contract/errors';
import type { Sealer, SealKind } from '../core/sealer';
import { decrypt, encrypt, keyBytes, sealWith } from './cipher';
import { readPrivate, writePrivate } from './files';

/** The system's keychain. Left out where it is missing or keeps its contents in the clear. */
export interface Keychain {
  encrypt(text: string): Uint8Array;
  decrypt(sealed: Uint8Array): string;
}

export interface SealerOptions {
  /** Path of the key file. */
  file: string;
  keychain?: Keychain | undefined;
  /** Path of a file whose first line is the passphrase; used where there is no keychain. */
  passphraseFile?: string | undefined;
}

/** scrypt's cost: 32 MiB and about 0.1 s (RFC 7914; OWASP's least for N = 2^15 is p = 3). */
const cost = { N: 2 ** 15, r: 8, p: 3, maxmem: 64 * 1024 * 1024 };

const keyFile = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('keychain'), key: z.base64() }),
  z.strictObject({ kind: z.literal('passphrase'), salt: z.base64(), key: z.base64() }),
  z.strictObject({ kind: z.literal('file'), key: z.base64() }),
]);
type KeyFile = z.output<typeof keyFile>;

/** See the file's comment. Nothing is written before the first text is sealed. */
export function openSealer(options: SealerOptions): Sealer {
  let sealing: ReturnType<typeof sealWith> | undefined;
  let locked = false;
  const use = (): ReturnType<typeof sealWith> => {
    if (sealing) return sealing;
    try {
      const kept = readKeyFile(options.file);
      sealing = sealWith(kept ? unlock(kept, options) : create(options));
      locked = false;
      return sealing;
    } catch (thrown) {
      locked = true;
      throw thrown;
    }
  };
  return {
    get kind(): SealKind {
      if (locked) return 'locked';
      try {
        const kept = readKeyFile(options.file);
        if (!kept) return options.keychain ? 'keychain' : options.passphraseFile ? 'passphrase' : 'file';
        const missing =
          (kept.kind === 'keychain' && !options.keychain) || (kept.kind === 'passphrase' && !options.passphraseFile);
        return missing && !sealing ? 'locked' : kept.kind;
      } catch {
        return 'locked';
      }
    },
    seal: (text, context) => use().seal(text, context),
    open: (sealed, context) => use().open(sealed, context),
  };
}

function create(options: SealerOptions): Uint8Array {
  const master = randomBytes(keyBytes);
  writePrivate(options.file, JSON.stringify(wrap(master, options)));
  return master;
}

function wrap(master: Buffer, { keychain, passphraseFile }: SealerOptions): KeyFile {
  if (keychain)
    return { kind: 'keychain', key: Buffer.from(keychain.encrypt(master.toString('base64'))).toString('base64') };
  if (passphraseFile === undefined) return { kind: 'file', key: master.toString('base64') };
  const salt = randomBytes(16);
  const key = encrypt(derive(passphraseFile, salt), master, 'master key');
  return { kind: 'passphrase', salt: salt.toString('base64'), key: key.toString('base64') };
}

function unlock(kept: KeyFile, { keychain, passphraseFile }: SealerOptions): Uint8Array {
  const sealed = Buffer.from(kept.key, 'base64');
  switch (kept.kind) {
    case 'file':
      return sealed;
    case 'keychain':
      if (!keychain) {
        throw fail(
          'forbidden',
          "The vault's key is in the system's keychain, which cannot be reached from here.",
          'Open the window: it can reach the keychain.',
        );
      }
      try {
        return Buffer.from(keychain.decrypt(sealed), 'base64');
      } catch {
        throw fail('forbidden', "The system's keychain does not give out the vault's key.", 'Unlock it and try again.');
      }
    case 'passphrase':
      if (passphraseFile === undefined) {
        throw fail(
          'forbidden',
          'The vault is locked with a passphrase.',
          'Start Pilothouse with PILOTHOUSE_PASSPHRASE_FILE: the path of a file with it.',
        );
      }
      return decrypt(derive(passphraseFile, Buffer.from(kept.salt, 'base64')), sealed, 'master key');
  }
}

function derive(passphraseFile: string, salt: Buffer): Buffer {
  const [passphrase = ''] = readFileSync(passphraseFile, 'utf8').split(/\r?\n/, 1);
  if (passphrase === '') throw fail('bad-input', 'The passphrase file is empty.');
  return scryptSync(passphrase.normalize('NFKC'), salt, keyBytes, cost);
}

function readKeyFile(file: string): KeyFile | undefined {
  const text = readPrivate(file);
  if (text === undefined) return undefined;
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    content = undefined;
  }
  const parsed = keyFile.safeParse(content);
  // Never made anew: with another key everything that was sealed would be lost for good.
  if (!parsed.success)
    throw fail('forbidden', `The vault's key file ${file} is damaged.`, 'Bring it back from a backup.');
  return parsed.data;
}
