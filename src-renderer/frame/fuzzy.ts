/** How well a text matches what was typed, and which letters did. Higher is better. */
export interface FuzzyMatch {
  score: number;
  /** Indexes of the matched characters in the text. */
  at: number[];
}

function isBoundary(text: string, index: number): boolean {
  if (index === 0) return true;
  const before = text.charAt(index - 1);
  const here = text.charAt(index);
  return /[\s\-_./:]/.test(before) || (/[a-z]/.test(before) && /[A-Z]/.test(here));
}

/**
 * Matches the letters of `query` in order, preferring starts of words and runs. Spaces in the query part words that may stand in
 * any order. `undefined` when a letter is missing. An empty query matches everything with score 0.
 */
export function fuzzyMatch(query: string, text: string): FuzzyMatch | undefined {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found: FuzzyMatch = { score: 0, at: [] };
  for (const word of words) {
    const match = matchWord(word, text);
    if (!match) return undefined;
    found.score += match.score;
    found.at.push(...match.at);
  }
  found.at.sort((a, b) => a - b);
  return found;
}

function matchWord(word: string, text: string): FuzzyMatch | undefined {
  const lower = text.toLowerCase();
  const whole = lower.indexOf(word);
  if (whole >= 0) {
    const starts = isBoundary(text, whole);
    return {
      score:
        100 + word.length * 8 + (starts ? 40 : 0) + (whole === 0 ? 20 : 0) - Math.min(20, text.length - word.length),
      at: Array.from({ length: word.length }, (_, index) => whole + index),
    };
  }
  const at: number[] = [];
  let score = 0;
  let from = 0;
  for (const letter of word) {
    const next = nextLetter(lower, { letter, from, text });
    // Letters scattered from the middle of a word on match nearly everything: the first must begin a word
    if (next < 0 || (at.length === 0 && !isBoundary(text, next))) return undefined;
    score += isBoundary(text, next) ? 10 : next === (at.at(-1) ?? -2) + 1 ? 6 : 1;
    at.push(next);
    from = next + 1;
  }
  return { score: score - Math.min(10, text.length / 8), at };
}

// The letter at the start of a word when the rest still allows it, else the next one
function nextLetter(lower: string, search: { letter: string; from: number; text: string }): number {
  const first = lower.indexOf(search.letter, search.from);
  if (first < 0 || isBoundary(search.text, first) || first === search.from) return first;
  for (let index = first + 1; index < lower.length; index += 1) {
    if (lower[index] === search.letter && isBoundary(search.text, index)) return index;
  }
  return first;
}

/** Whether every word of the query stands in the text as it is; for what is matched but not shown. */
export function hasWords(query: string, text: string): boolean {
  const lower = text.toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => lower.includes(word));
}

/** Splits a text into matched and unmatched runs for highlighting. */
export function splitMatch(text: string, at: readonly number[]): { text: string; hit: boolean }[] {
  const hits = new Set(at);
  const runs: { text: string; hit: boolean }[] = [];
  [...text].reduce((index, letter) => {
    const hit = hits.has(index);
    const last = runs.at(-1);
    if (last && last.hit === hit) last.text += letter;
    else runs.push({ text: letter, hit });
    return index + letter.length;
  }, 0);
  return runs;
}
