/**
 * Sealing of one text (envelope encryption): a fresh 256-bit key seals the text, the master key seals that key, both with AES-256-GCM
 * (NIST SP 800-38D; 96-bit nonces, 128-bit tags). The context is authenticated, so a sealed text cannot be moved to another place.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { fail } from '../contract/errors';

const version = 'ph1';
const nonceBytes = 12;
const tagBytes = 16;
/** Bytes of every key. */
export const keyBytes = 32;

/** The two halves of a sealer under one master key. */
export function sealWith(master: Uint8Array): {
  seal: (text: string, context: string) => string;
  open: (sealed: string, context: string) => string;
} {
  return {
    seal: (text, context) => {
      const key = randomBytes(keyBytes);
      const wrapped = encrypt(master, key, `key ${context}`);
      const body = encrypt(key, Buffer.from(text, 'utf8'), `text ${context}`);
      key.fill(0);
      return [version, wrapped.toString('base64'), body.toString('base64')].join('.');
    },
    open: (sealed, context) => {
      const [mark, wrapped, body, ...rest] = sealed.split('.');
      if (mark !== version || wrapped === undefined || body === undefined || rest.length > 0) throw unreadable();
      const key = decrypt(master, Buffer.from(wrapped, 'base64'), `key ${context}`);
      return decrypt(key, Buffer.from(body, 'base64'), `text ${context}`).toString('utf8');
    },
  };
}

/** Nonce, tag and ciphertext in one. */
export function encrypt(key: Uint8Array, plain: Uint8Array, context: string): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(context, 'utf8'));
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

/** The plain bytes. Throws `forbidden` when anything of it, the key or the context is not what it was. */
export function decrypt(key: Uint8Array, sealed: Uint8Array, context: string): Buffer {
  if (sealed.length < nonceBytes + tagBytes || key.length !== keyBytes) throw unreadable();
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(context, 'utf8'));
    decipher.setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
    return Buffer.concat([decipher.update(sealed.subarray(nonceBytes + tagBytes)), decipher.final()]);
  } catch {
    // Why it failed would help only who tampers with it.
    throw unreadable();
  }
}

function unreadable(): Error {
  return fail(
    'forbidden',
    'This secret cannot be opened: it was changed, or sealed with another key.',
    'Set it anew, or bring back the key file that belongs to this state.',
  );
}
