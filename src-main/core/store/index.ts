export { Store, type StoreChange, type Transaction } from './store';
export * from './tables';
export { restingNow } from './resting';
