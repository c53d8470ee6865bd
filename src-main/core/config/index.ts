/** The config center: namespaces, groups, items, drafts and immutable releases, and who reads them. See README.md. */
export { createConfig, type Config, type ConfigOptions } from './config';
export { pairsOf } from './formats/check';
export { writeProperties } from './formats/properties';
export type { Reader } from './gray';
export type { Rates } from './guard';
export type { RateSpan } from './guardWatch';
export { itemKey } from './keys';
export type { Via } from './users';
