/** The query that finds the lines of a pattern: its longest stretch without values, as a phrase. Pure. */

/** Undefined when there is nothing in it that could be looked for. */
export function patternQuery(template: string): string | undefined {
  const runs: string[][] = [[]];
  for (const word of template.split(/\s+/)) {
    if (word.includes('<')) {
      runs.push([]);
      continue;
    }
    // A phrase is words side by side: what is not a letter or digit stands between words anyway.
    const words = word.match(/[\p{L}\p{N}_]+/gu) ?? [];
    runs.at(-1)?.push(...words);
  }
  const lengthOf = (run: readonly string[]): number => run.join(' ').length;
  const [longest = []] = runs.sort((left, right) => lengthOf(right) - lengthOf(left));
  return longest.length === 0 ? undefined : `"${longest.join(' ')}"`;
}
