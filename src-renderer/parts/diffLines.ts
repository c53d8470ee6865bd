/** One line of a diff. A fold's text counts the lines it hides. */
export interface DiffLine {
  kind: 'same' | 'add' | 'remove' | 'fold';
  text: string;
}

/** Beyond so many lines a side the exact diff would take too long; the middle is then shown as removed and added. */
const exactLimit = 2000;

/** The longest common subsequence of the lines (Hunt and McIlroy's problem, by dynamic programming), folded to `context` lines around changes. */
export function diffLines(before: string, after: string, context = 3): DiffLine[] {
  const left = before === '' ? [] : before.replace(/\n$/, '').split('\n');
  const right = after === '' ? [] : after.replace(/\n$/, '').split('\n');
  let start = 0;
  while (start < left.length && start < right.length && left[start] === right[start]) start += 1;
  let end = 0;
  while (
    end < left.length - start &&
    end < right.length - start &&
    left[left.length - 1 - end] === right[right.length - 1 - end]
  )
    end += 1;
  const lines: DiffLine[] = left.slice(0, start).map((text) => ({ kind: 'same', text }));
  lines.push(...middle(left.slice(start, left.length - end), right.slice(start, right.length - end)));
  lines.push(...left.slice(left.length - end).map((text): DiffLine => ({ kind: 'same', text })));
  return fold(lines, context);
}

function middle(left: readonly string[], right: readonly string[]): DiffLine[] {
  if (left.length > exactLimit || right.length > exactLimit) {
    return [
      ...left.map((text): DiffLine => ({ kind: 'remove', text })),
      ...right.map((text): DiffLine => ({ kind: 'add', text })),
    ];
  }
  const wide = right.length + 1;
  const lengths = new Uint16Array((left.length + 1) * wide);
  const at = (row: number, column: number): number => lengths[row * wide + column] ?? 0;
  for (let row = left.length - 1; row >= 0; row -= 1) {
    for (let column = right.length - 1; column >= 0; column -= 1) {
      lengths[row * wide + column] =
        left[row] === right[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const lines: DiffLine[] = [];
  let row = 0;
  let column = 0;
  while (row < left.length || column < right.length) {
    if (row < left.length && column < right.length && left[row] === right[column]) {
      lines.push({ kind: 'same', text: left[row] ?? '' });
      row += 1;
      column += 1;
    } else if (row < left.length && (column >= right.length || at(row + 1, column) >= at(row, column + 1))) {
      lines.push({ kind: 'remove', text: left[row] ?? '' });
      row += 1;
    } else {
      lines.push({ kind: 'add', text: right[column] ?? '' });
      column += 1;
    }
  }
  return lines;
}

function fold(lines: readonly DiffLine[], context: number): DiffLine[] {
  const near = new Uint8Array(lines.length);
  lines.forEach((line, index) => {
    if (line.kind === 'same') return;
    for (let at = Math.max(0, index - context); at <= Math.min(lines.length - 1, index + context); at += 1)
      near[at] = 1;
  });
  const shown: DiffLine[] = [];
  let hidden = 0;
  const flush = (): void => {
    if (hidden > 0) shown.push({ kind: 'fold', text: String(hidden) });
    hidden = 0;
  };
  lines.forEach((line, index) => {
    if (near[index] === 1) {
      flush();
      shown.push(line);
    } else hidden += 1;
  });
  flush();
  return shown;
}
