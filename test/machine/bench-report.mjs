/** How figures of benchmarks are shown: medians with their range, the goal, and how cost grows with size. */

/** @typedef {import('../bench/figure').Figure} Figure */

/** In CI a goal counts as missed only beyond this (performance.md, section 10). */
const SLACK = 1.15;

/**
 * @param {number} value
 * @returns {string} three digits that matter
 */
function short(value) {
  if (value === Infinity) return '∞';
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  return value.toFixed(size >= 100 || size === 0 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 4);
}

/**
 * @param {number} middle
 * @param {[number, number]} range
 * @returns {string} min/median/max
 */
function spread(middle, [low, high]) {
  return `${short(low)}/${short(middle)}/${short(high)}`;
}

/**
 * @param {Figure} figure
 * @returns {number | undefined} how far beyond the goal: 1.2 is missed by 20 %; undefined without a goal
 */
function beyondGoal({ goal, ratio, ours }) {
  if (!goal) return undefined;
  const value = goal.of === 'ratio' ? ratio : ours;
  return goal.atLeast ? goal.limit / value : value / goal.limit;
}

/**
 * @param {Figure} figure
 * @returns {boolean}
 */
export function missesGate(figure) {
  return !figure.noisy && (beyondGoal(figure) ?? 0) > SLACK;
}

/**
 * @param {Figure} figure
 * @returns {string} for a person
 */
export function figureLines(figure) {
  const { goal } = figure;
  const beyond = beyondGoal(figure);
  const judged =
    goal && beyond !== undefined
      ? `  goal ${goal.atLeast ? '≥' : '≤'} ${goal.limit}${goal.of === 'ours' ? ` ${figure.unit}` : '×'}: ${verdict(figure, beyond)}`
      : '';
  const noisy = figure.noisy ? `, ${figure.noisy} noisy` : '';
  return [
    `${figure.bench}: ${figure.figure} [${figure.unit}]  against ${figure.peerName}`,
    `    ratio ${spread(figure.ratio, figure.spread.ratio)}   ours ${spread(figure.ours, figure.spread.ours)}   peer ${spread(figure.peer, figure.spread.peer)}   (${figure.runs} runs${noisy})${judged}`,
    ...(figure.note ? [`    ${figure.note}`] : []),
  ].join('\n');
}

/**
 * @param {Figure} figure
 * @param {number} beyond
 * @returns {string}
 */
function verdict(figure, beyond) {
  if (figure.noisy)
    return `noisy, so neither met nor missed (${beyond <= 1 ? 'it would be met' : 'it would be missed'})`;
  return beyond <= 1 ? 'met' : `missed by ${Math.round((beyond - 1) * 100)} %`;
}

/**
 * How cost grows with size, per figure and peer: 1 is linear, 2 is quadratic.
 * @param {Figure[]} figures
 * @returns {{ bench: string, growth: string, peerName: string, from: number, to: number, ours: number, peer: number, oursExponent: number, peerExponent: number, text: string }[]}
 */
export function growthOf(figures) {
  /** @type {Map<string, Figure[]>} */
  const families = new Map();
  for (const figure of figures) {
    if (figure.size === undefined) continue;
    const family = figure.figure.replace(new RegExp(`(?<!\\d)${figure.size}(?!\\d)`, 'g'), 'N');
    const key = `${family}|${figure.peerName}`;
    families.set(key, [...(families.get(key) ?? []), figure]);
  }
  return [...families].flatMap(([key, members]) => {
    const sorted = [...members].sort((one, other) => (one.size ?? 0) - (other.size ?? 0));
    const [first, last] = [sorted[0], sorted.at(-1)];
    if (!first?.size || !last?.size || first.size === last.size) return [];
    const [growth = ''] = key.split('|');
    const { bench, peerName } = first;
    const [ours, peer] = [last.ours / first.ours, last.peer / first.peer];
    const exponent = (/** @type {number} */ times) => Math.log(times) / Math.log((last.size ?? 1) / (first.size ?? 1));
    const [oursExponent, peerExponent] = [exponent(ours), exponent(peer)];
    const sizes = sorted.map((one) => one.size).join(' → ');
    const ratios = sorted.map((one) => short(one.ratio)).join(' → ');
    const text = `growth of ${bench}: ${growth}, N = ${sizes}: ours ×${short(ours)} (N^${oursExponent.toFixed(2)}), ${peerName} ×${short(peer)} (N^${peerExponent.toFixed(2)}), ratio ${ratios}`;
    const [from, to] = [first.size, last.size];
    return [{ bench, growth, peerName, from, to, ours, peer, oursExponent, peerExponent, text }];
  });
}
