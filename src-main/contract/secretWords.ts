/** Sentences about secrets and certificates; part of `words.ts`. */
export const secretWords = {
  'vault.keychain': "Sealed with a key in this system's keychain",
  'vault.passphrase': 'Sealed with a key under your passphrase',
  'vault.file': 'Sealed with a key in a file of the state folder: who can read that folder can read the secrets',
  'vault.locked': 'Locked: the key of the vault cannot be had here, so no secret can be read or delivered',
  'event.secretSet': 'Secret {secret} has a new version, {version}',
  'event.secretRevealed': 'Secret {secret}, version {version}, was revealed: {purpose}',
  'event.secretRemoved': 'Secret {secret} was removed',
  'event.secretRotated': '{service} gets version {version} of the secret {secret}',
  'replica.secretMissing': 'Its secret {secret} cannot be delivered: {reason}',
} as const;
