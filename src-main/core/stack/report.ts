/** Collects what is wrong and what should be known, each once, in words. */
import type { Place, Problem, ProblemCode } from '../../contract/errors';
import { fill, say, sentence } from '../../contract/sentence';
import type { Sentence, WordCode } from '../../contract/sentence';
import { words } from '../../contract/words';
import type { At, Path } from './node';
import { cut, placeOf } from './node';

const limit = 100;

/** Where something is: a node's place and its path. */
export interface Spot {
  at?: At;
  path?: Path;
  /** Used instead of `at` when only the file, or a line of an env file, is known. */
  place?: Place;
}

type Args = Record<string, string | number>;

/** The problems and warnings of one parse. A sentence whose code has a twin with `.hint` gets that as its hint. */
export class Report {
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly #seen = new Set<string>();
  /** Places with a problem: what reads values there need not say again that a value is bad. */
  readonly #places = new Set<string>();
  /** Problems beyond the limit, counted only. */
  #more = 0;

  /** Something wrong: there will be no spec. */
  problem(words: WordCode, args: Args, spot: Spot, code: ProblemCode = 'bad-input'): void {
    // Beyond the limit they are only counted: a hostile file must not have a hundred thousand sentences made.
    if (this.problems.length >= limit) {
      this.#more += 1;
      return;
    }
    const problem = makeProblem(code, words, args, spot);
    const place = JSON.stringify(problem.where ?? {});
    if (words.startsWith('compose.bad') && this.#places.has(place)) return;
    if (!this.#first(problem)) return;
    this.#places.add(place);
    this.problems.push(problem);
  }

  /** Something worth knowing. */
  warning(words: WordCode, args: Args, spot: Spot, code: ProblemCode = 'unsupported'): void {
    if (this.warnings.length >= limit) return;
    const problem = makeProblem(code, words, args, spot);
    if (this.#first(problem)) this.warnings.push(problem);
  }

  get failed(): boolean {
    return this.problems.length > 0;
  }

  /** Adds the sentence about what was left out; call once, at the end. */
  close(): void {
    if (this.#more > 0) this.problems.push(makeProblem('too-many', 'compose.moreProblems', { count: this.#more }, {}));
  }

  #first(problem: Problem): boolean {
    const { file, line, column } = problem.where ?? {};
    const key = JSON.stringify([problem.message, file, line, column]);
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    return true;
  }
}

/** A problem in words. Arguments are cleaned of control characters and cut. */
export function makeProblem(code: ProblemCode, wordCode: WordCode, args: Args, spot: Spot): Problem {
  const clean: Args = {};
  for (const [key, value] of Object.entries(args)) clean[key] = typeof value === 'string' ? cut(value, 300) : value;
  const said: Sentence = sentence(wordCode, clean);
  const problem: Problem = { code, message: say(said), words: said };
  const hintCode = `${wordCode}.hint`;
  if (Object.hasOwn(words, hintCode)) {
    problem.hintWords = sentence(hintCode as WordCode, clean);
    problem.hint = fill(words[hintCode as WordCode], clean);
  }
  const where: Place = spot.place ? { ...spot.place } : spot.at ? placeOf(spot.at, spot.path) : {};
  if (Object.keys(where).length > 0) problem.where = where;
  return problem;
}
