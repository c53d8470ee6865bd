/** The vault: secrets with versions, sealed at rest; who uses them; the only road to their values. */
export { secretHandlers, type SecretHandlers } from './handlers';
export { Vault, type VaultOptions } from './vault';
