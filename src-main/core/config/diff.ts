/** The difference between two texts by lines (Myers), and between two sets of keys. */
import type { DiffLine } from '../../contract/api/config';
import { limits } from './limits';

/** Equal lines shown around a change. */
const around = 3;

type Step = { kind: 'same' | 'added' | 'removed'; text: string };

export interface LineDiff {
  added: number;
  removed: number;
  lines: DiffLine[];
  coarse: boolean;
}

/** What must be taken away from `from` and added to get `to`. */
export function diffLines(from: string, to: string): LineDiff {
  const one = split(from);
  const two = split(to);
  let head = 0;
  while (head < one.length && head < two.length && one[head] === two[head]) head += 1;
  let tail = 0;
  while (tail < one.length - head && tail < two.length - head && one.at(-1 - tail) === two.at(-1 - tail)) tail += 1;
  const left = one.slice(head, one.length - tail);
  const right = two.slice(head, two.length - tail);
  const middle = shortest(left, right);
  const same = (text: string): Step => ({ kind: 'same', text });
  const steps = [
    ...one.slice(0, head).map(same),
    ...(middle ?? [
      ...left.map((text): Step => ({ kind: 'removed', text })),
      ...right.map((text): Step => ({ kind: 'added', text })),
    ]),
    ...one.slice(one.length - tail).map(same),
  ];
  const count = (kind: Step['kind']): number => steps.filter((step) => step.kind === kind).length;
  return { added: count('added'), removed: count('removed'), lines: shown(steps), coarse: middle === undefined };
}

/** Keys whose values differ, in the order of `from`, then of `to`. */
export function diffPairs(
  from: ReadonlyMap<string, string>,
  to: ReadonlyMap<string, string>,
): { key: string; from?: string; to?: string }[] {
  return [...new Set([...from.keys(), ...to.keys()])].flatMap((key) => {
    const before = from.get(key);
    const after = to.get(key);
    if (before === after) return [];
    return [{ key, ...(before === undefined ? {} : { from: before }), ...(after === undefined ? {} : { to: after }) }];
  });
}

function split(text: string): string[] {
  return text === '' ? [] : text.split('\n');
}

/** Myers' shortest edit script; undefined when that would be too much work. */
function shortest(one: readonly string[], two: readonly string[]): Step[] | undefined {
  if (one.length > limits.diffLines || two.length > limits.diffLines) return undefined;
  const most = one.length + two.length;
  // furthest[k]: how far along `one` the best path on diagonal k came; one copy per number of edits.
  const trace: Map<number, number>[] = [];
  let furthest = new Map<number, number>([[1, 0]]);
  let work = 0;
  for (let edits = 0; edits <= most; edits++) {
    trace.push(furthest);
    const next = new Map(furthest);
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      if ((work += 1) > limits.diffWork) return undefined;
      let x = goesDown(next, diagonal, edits) ? (next.get(diagonal + 1) ?? 0) : (next.get(diagonal - 1) ?? 0) + 1;
      let y = x - diagonal;
      while (x < one.length && y < two.length && one[x] === two[y]) {
        x += 1;
        y += 1;
        work += 1;
      }
      next.set(diagonal, x);
      if (x >= one.length && y >= two.length) return walkBack(one, two, [...trace, next]);
    }
    work += next.size;
    furthest = next;
  }
  return [];
}

function goesDown(furthest: ReadonlyMap<number, number>, diagonal: number, edits: number): boolean {
  if (diagonal === -edits) return true;
  return diagonal !== edits && (furthest.get(diagonal - 1) ?? -1) < (furthest.get(diagonal + 1) ?? -1);
}

function walkBack(one: readonly string[], two: readonly string[], trace: readonly Map<number, number>[]): Step[] {
  const steps: Step[] = [];
  let x = one.length;
  let y = two.length;
  for (let edits = trace.length - 2; edits >= 0; edits--) {
    const before = trace[edits] ?? new Map<number, number>();
    const diagonal = x - y;
    const down = goesDown(before, diagonal, edits);
    const from = down ? diagonal + 1 : diagonal - 1;
    const fromX = before.get(from) ?? 0;
    const fromY = fromX - from;
    while (x > fromX && y > fromY && x > 0 && y > 0) {
      x -= 1;
      y -= 1;
      steps.push({ kind: 'same', text: one[x] ?? '' });
    }
    if (edits === 0) break;
    if (down) {
      y -= 1;
      steps.push({ kind: 'added', text: two[y] ?? '' });
    } else {
      x -= 1;
      steps.push({ kind: 'removed', text: one[x] ?? '' });
    }
  }
  return steps.reverse();
}

/** Numbers the lines and leaves out long runs of equal ones. */
function shown(steps: readonly Step[]): DiffLine[] {
  const near = new Uint8Array(steps.length);
  for (const [index, step] of steps.entries()) {
    if (step.kind === 'same') continue;
    near.fill(1, Math.max(0, index - around), Math.min(steps.length, index + around + 1));
  }
  const lines: DiffLine[] = [];
  let from = 0;
  let to = 0;
  for (const [index, step] of steps.entries()) {
    if (step.kind !== 'added') from += 1;
    if (step.kind !== 'removed') to += 1;
    if (near[index]) {
      lines.push({
        kind: step.kind,
        text: step.text,
        ...(step.kind === 'added' ? {} : { from }),
        ...(step.kind === 'removed' ? {} : { to }),
      });
      continue;
    }
    const last = lines.at(-1);
    if (last?.kind === 'skipped') last.count = (last.count ?? 0) + 1;
    else lines.push({ kind: 'skipped', text: '', count: 1 });
  }
  return lines;
}
