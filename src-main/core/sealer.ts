/** The port to whatever keeps texts unreadable at rest. `seal/` implements it with the platform's ciphers and keychain. */

/** How the key itself is kept. */
export type SealKind = 'keychain' | 'passphrase' | 'file' | 'locked';

/** Turns a secret text into what may lie on the disk, and back. */
export interface Sealer {
  /** `locked`: the key is there but cannot be had now; the others name where it is. */
  readonly kind: SealKind;
  /** `context` says what the text is; what was sealed for one context does not open in another. Throws `forbidden` while locked. */
  seal(text: string, context: string): string;
  /** Throws `forbidden` while locked, and for what was changed, moved or sealed with another key. */
  open(sealed: string, context: string): string;
}
