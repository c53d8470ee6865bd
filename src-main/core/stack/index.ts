/**
 * Stacks: Compose text in, typed specs out. The road of a file: `yaml` (text to nodes that know their place, with every limit) →
 * `interpolate` (variables) → `extend` and `include` → `merge` (several files) → `schema` (shape) → `service` and its siblings
 * (typed values and defaults) → `check` (what only the whole project can tell). Nothing here does I/O, has a clock or throws for
 * bad input: all that is wrong comes back as problems, each with its file, line and column.
 *
 * What others get: `parseProject` (a source as `StackSpec` plus problems and warnings), `policyFindings` (what hands the machine to a
 * container), `hashContainer` (when equal, a container need not be replaced), `hashValue`, `renderStack` and `renderService` (resolved
 * Compose YAML that parses to the same spec, without secrets' content). Turning a spec into an engine request is `reconcile`'s work.
 */
export { canonicalJson, hashContainer, hashValue } from './hash';
export { declareStack, joinPorts, type Declared } from './declare';
export { parseProject } from './parse';
export { policyFindings } from './policy';
export { renderService, renderStack } from './render';
export type { ParsedProject, ParseOptions, PolicyFinding, PolicyRule, ReadFile, StackParts } from './types';
