/** The nearest of some words, when it is near enough to have been meant. */

/** The candidate with the fewest edits (insert, delete, replace, swap), at most a third of the word's length; else undefined. */
export function suggest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length < 2 || word.length > 64) return undefined;
  const lower = word.toLowerCase();
  const most = Math.max(1, Math.floor(lower.length / 3));
  let best: string | undefined;
  let fewest = most + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) > most) continue;
    const count = edits(lower.replaceAll('-', '_'), candidate.toLowerCase().replaceAll('-', '_'));
    if (count < fewest) [best, fewest] = [candidate, count];
  }
  return best;
}

/** Optimal string alignment distance. */
function edits(left: string, right: string): number {
  const width = right.length + 1;
  const cells = new Uint16Array((left.length + 1) * width);
  for (let row = 0; row <= left.length; row++) {
    for (let column = 0; column < width; column++) {
      const at = row * width + column;
      if (row === 0 || column === 0) {
        cells[at] = row + column;
        continue;
      }
      const differs = left[row - 1] === right[column - 1] ? 0 : 1;
      let count = Math.min(cells[at - width]! + 1, cells[at - 1]! + 1, cells[at - width - 1]! + differs);
      const swapped =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (swapped) count = Math.min(count, cells[at - 2 * width - 2]! + 1);
      cells[at] = count;
    }
  }
  return cells[cells.length - 1]!;
}
