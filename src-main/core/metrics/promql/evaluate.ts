/** Evaluates an expression at every step of a query, on samples that were read before. */
import { aggregate } from './aggregate';
import type { Call, Expression, Matrix, Row, Selector, Steps, Subquery, Value } from './ast';
import { stepsOf } from './ast';
import { binary } from './binary';
import { absence, functions, rowsOf, scalarsOf, textOf } from './functions';
import { dropName } from './labels';
import { staleAfter, type Samples, type Selection } from './select';
import { windowFunctions } from './windows';

/** Steps of a subquery without one of its own, milliseconds. */
const defaultSubstep = 15_000;
const mostSubsteps = 2_000;

export class Evaluation {
  constructor(private readonly selections: ReadonlyMap<Selector, Selection>) {}

  value(expression: Expression, steps: Steps): Value {
    switch (expression.kind) {
      case 'number':
        return { kind: 'scalar', values: new Float64Array(steps.count).fill(expression.value) };
      case 'string':
        return { kind: 'string', text: expression.value };
      case 'selector':
        return { kind: 'vector', rows: this.instant(expression, steps) };
      case 'negative': {
        const inner = this.value(expression.inner, steps);
        if (inner.kind === 'scalar') return { kind: 'scalar', values: inner.values.map((value) => -value) };
        const rows = rowsOf(inner).map(({ labels, values }) => ({
          labels: dropName(labels),
          values: values.map((value) => -value),
        }));
        return { kind: 'vector', rows };
      }
      case 'aggregate': {
        const parameter = expression.parameter && this.value(expression.parameter, steps);
        const rows = rowsOf(this.value(expression.inner, steps));
        const given = { count: steps.count, parameter: scalarsOf(parameter), text: textOf(parameter) };
        return { kind: 'vector', rows: aggregate(expression, rows, given) };
      }
      case 'binary':
        return binary(expression, this.value(expression.left, steps), this.value(expression.right, steps), steps.count);
      case 'call':
        return this.call(expression, steps);
      default:
        return { kind: 'vector', rows: [] };
    }
  }

  private instant(selector: Selector, { from, step, count }: Steps): Row[] {
    const { series, step: every } = this.selections.get(selector) ?? { series: [], step: 1000 };
    const stale = staleAfter(every);
    return series.map(({ labels, t, v }) => {
      const values = new Float64Array(count).fill(NaN);
      let place = -1;
      for (let at = 0; at < count; at++) {
        const time = from + at * step - selector.offset;
        while (place + 1 < t.length && (t[place + 1] as number) <= time) place += 1;
        if (place >= 0 && time - (t[place] as number) < stale) values[at] = v[place] as number;
      }
      return { labels, values };
    });
  }

  private call(expression: Call, steps: Steps): Value {
    const { name } = expression;
    const known = windowFunctions[name];
    if (known) {
      const matrix = expression.arguments.find(
        (argument) => argument.kind === 'matrix' || argument.kind === 'subquery',
      );
      const parameters = expression.arguments
        .filter((argument) => argument !== matrix)
        .map((argument) => scalarsOf(this.value(argument, steps)));
      const rows = this.windows(matrix as Matrix | Subquery, steps).map(({ labels, windows }): Row => {
        const values = new Float64Array(steps.count).fill(NaN);
        windows((at, window) => {
          values[at] = known.apply(
            window,
            parameters.map((list) => list[at] as number),
          );
        });
        return { labels: known.keepsName ? labels : dropName(labels), values };
      });
      if (name !== 'absent_over_time') return { kind: 'vector', rows };
      const labels = equalLabels(matrix?.kind === 'matrix' ? matrix.selector : undefined);
      return { kind: 'vector', rows: [{ labels, values: absence(rows, steps.count) }] };
    }
    const plain = functions[name];
    if (!plain) return { kind: 'vector', rows: [] };
    const values = expression.arguments.map((argument) => this.value(argument, steps));
    if (name === 'absent') {
      const labels = equalLabels(expression.arguments[0]);
      return { kind: 'vector', rows: [{ labels, values: absence(rowsOf(values[0]), steps.count) }] };
    }
    return plain.apply(values, steps);
  }

  /** The samples of each series in the window before each step. */
  private windows(
    node: Matrix | Subquery,
    { from, step, count }: Steps,
  ): {
    labels: Row['labels'];
    windows: (each: (at: number, window: Parameters<(typeof windowFunctions)[string]['apply']>[0]) => void) => void;
  }[] {
    const { series, every, offset } =
      node.kind === 'matrix'
        ? this.matrix(node)
        : this.subquery(node, { from, step, count, to: from + step * (count - 1) });
    // Where only coarse history is left, a window is widened to hold two values, else it would be empty.
    const range = Math.max(node.range, every > 1000 ? every * 2.5 : 0);
    return series.map(({ labels, t, v, low, high }) => ({
      labels,
      windows: (each) => {
        let [first, last] = [0, -1];
        for (let at = 0; at < count; at++) {
          const end = from + at * step - offset;
          while (last + 1 < t.length && (t[last + 1] as number) <= end) last += 1;
          while (first < t.length && (t[first] as number) <= end - range) first += 1;
          if (last >= first) each(at, { t, v, low, high, first, last, end, range });
        }
      },
    }));
  }

  private matrix({ selector }: Matrix): { series: Samples[]; every: number; offset: number } {
    const { series, step } = this.selections.get(selector) ?? { series: [], step: 1000 };
    return { series, every: step, offset: selector.offset };
  }

  private subquery(node: Subquery, { from, to }: Steps): { series: Samples[]; every: number; offset: number } {
    const every = node.step > 0 ? node.step : Math.max(defaultSubstep, Math.ceil(node.range / mostSubsteps));
    // On multiples of the step, so that the same question asked later sees the same samples.
    const first = Math.ceil((from - node.offset - node.range) / every) * every;
    const inner = stepsOf(first, to - node.offset, every);
    const rows = inner.count > 0 ? rowsOf(this.value(node.inner, inner)) : [];
    const series = rows.map(({ labels, values }): Samples => {
      const places = [...values.keys()].filter((at) => !Number.isNaN(values[at]));
      const v = Float64Array.from(places, (at) => values[at] as number);
      return { labels, t: Float64Array.from(places, (at) => first + at * every), v, low: v, high: v };
    });
    return { series, every: 0, offset: node.offset };
  }
}

/** The labels that an absent series would have had. */
function equalLabels(expression: Expression | undefined): Row['labels'] {
  if (expression?.kind !== 'selector') return {};
  return Object.fromEntries(
    expression.matchers.filter(({ operator }) => operator === '=').map(({ label, value }) => [label, value]),
  );
}
