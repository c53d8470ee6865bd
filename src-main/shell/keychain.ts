/** The system's keychain through Electron, where it is a real one. */
import { safeStorage } from 'electron';
import type { CoreOptions } from '../serve/run';

/** Undefined where there is none, or one that keeps its contents readable (Linux without a keyring: `basic_text`). */
export function systemKeychain(): CoreOptions['keychain'] {
  if (!safeStorage.isEncryptionAvailable()) return undefined;
  if (process.platform === 'linux' && safeStorage.getSelectedStorageBackend() === 'basic_text') return undefined;
  return {
    encrypt: (text) => safeStorage.encryptString(text),
    decrypt: (sealed) => safeStorage.decryptString(Buffer.from(sealed)),
  };
}
