/**
 * What the machine says about a thing. Every part that shows a state takes one of these words, and
 * StatusGlyph gives each its shape, so that state never rests on colour alone.
 */
export type State = 'ok' | 'progress' | 'warning' | 'critical' | 'off';

/** Worst first: the order of lists, groups and sums. */
export const statesBySeverity: readonly State[] = ['critical', 'warning', 'progress', 'ok', 'off'];

/** Compares two states so that the worst comes first. */
export function compareStates(a: State, b: State): number {
  return statesBySeverity.indexOf(a) - statesBySeverity.indexOf(b);
}

/** The worst of the states, or `off` when there are none. */
export function worstState(states: Iterable<State>): State {
  let worst: State = 'off';
  for (const state of states) if (compareStates(state, worst) < 0) worst = state;
  return worst;
}
