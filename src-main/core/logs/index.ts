/**
 * Logs: every container's output followed exactly once, kept, searched and tailed. See README.md for the query language and for how
 * lines travel.
 */
export { createLogs, type Logs, type LogsFigures, type LogsOptions } from './logs';
export { openLogStore } from './local';
export { connectLogStore, serveLogStore, type StoreMessage, type StorePort } from './remote';
export { parseQuery } from './query/parser';
export type { LogBudget } from './segment/retention';
export type { VaultOptions, VaultSizes } from './segment/vault';
export type { LogStore } from './store';
