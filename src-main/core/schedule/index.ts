/** Where replicas go: filters, scores, refusals that explain themselves, and who gives way. Pure. See README.md. */
export { Board, weights } from './board';
export { parseConstraint } from './constraints';
export { preempt, type Preemption } from './preempt';
export { filterNames } from './types';
export type {
  Ask,
  FilterName,
  Placement,
  Ranking,
  Refusal,
  ScheduleOptions,
  SchedulerNode,
  Scores,
  Taint,
  Task,
} from './types';
