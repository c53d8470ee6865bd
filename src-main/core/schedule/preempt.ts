/** Who would have to go for a replica that finds no place: lower priorities only, as few and as unimportant as will do. */
import type { Board } from './board';
import type { Ask, Task } from './types';

export interface Preemption {
  node: string;
  victims: string[];
}

/** The least harmful choice, or undefined when even without every lower priority it would not fit. */
export function preempt(board: Board, ask: Ask): Preemption | undefined {
  let chosen: { node: string; victims: readonly Task[] } | undefined;
  for (const { id: node } of board.nodes) {
    const lower = board.tasks(node).filter((task) => task.ask.priority < ask.priority);
    if (lower.length === 0) continue;
    const ids = new Set(lower.map(({ id }) => id));
    if (board.refusal(ask, node, ids) !== undefined) continue;
    // The most important ones first: whoever may stay, stays.
    for (const task of [...lower].sort(mostImportantFirst)) {
      ids.delete(task.id);
      if (board.refusal(ask, node, ids) !== undefined) ids.add(task.id);
    }
    const victims = lower.filter(({ id }) => ids.has(id));
    if (!chosen || isLess(victims, chosen.victims)) chosen = { node, victims };
  }
  return chosen && { node: chosen.node, victims: chosen.victims.map(({ id }) => id).sort() };
}

function mostImportantFirst(one: Task, other: Task): number {
  return other.ask.priority - one.ask.priority || (one.id < other.id ? -1 : 1);
}

/** Kubernetes' order: the lowest highest priority, then the lowest sum, then the fewest. */
function isLess(one: readonly Task[], other: readonly Task[]): boolean {
  const highest = (tasks: readonly Task[]): number => Math.max(...tasks.map(({ ask }) => ask.priority));
  const sum = (tasks: readonly Task[]): number => tasks.reduce((total, { ask }) => total + ask.priority, 0);
  const order = [highest(one) - highest(other), sum(one) - sum(other), one.length - other.length];
  return (order.find((difference) => difference !== 0) ?? 0) < 0;
}
