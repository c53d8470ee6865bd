/** The Node side of `core/sealer.ts`: AES-256-GCM, and a master key from the system's keychain, a passphrase or a private file. */
export { sealWith } from './cipher';
export { openSealer, type Keychain, type SealerOptions } from './sealer';
