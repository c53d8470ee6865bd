/** One error type with a closed list of codes; the cause is kept, the hint says what to do. */
import type { Sentence } from './sentence';

/** Every way a call can fail. */
export const problemCodes = [
  'bad-input', // the request or a file in it is wrong; `where` says where
  'not-found', // the named thing does not exist
  'conflict', // somebody changed it meanwhile, or the name is taken by something that is not ours
  'forbidden', // policy or ownership says no
  'too-large', // over a size limit
  'too-many', // over a rate or count limit
  'not-ready', // the service did not become ready in time
  'engine-away', // no answer from the engine
  'engine-refused', // the engine answered no
  'unsupported', // this engine cannot do that
  'no-space', // a disk is full
  'cancelled', // the caller gave up
  'internal', // a defect of ours
] as const;

/** One of `problemCodes`. */
export type ProblemCode = (typeof problemCodes)[number];

/** A place in a file: 1-based line and column, and the path inside the document, such as `services.web.ports[0]`. */
export interface Place {
  file?: string;
  line?: number;
  column?: number;
  path?: string;
}

/** A failure as plain data, as it crosses the wire and as `--json` prints it. `message` and `hint` are English. */
export interface Problem {
  code: ProblemCode;
  message: string;
  hint?: string;
  words?: Sentence;
  /** The hint as a sentence. */
  hintWords?: Sentence;
  where?: Place;
  /** More of the same kind, for instance every error of a file. */
  more?: Problem[];
}

/** The one error class of Pilothouse. */
export class PilothouseError extends Error {
  override readonly name = 'PilothouseError';
  readonly problem: Problem;

  constructor(problem: Problem, cause?: unknown) {
    super(problem.message, cause === undefined ? undefined : { cause });
    this.problem = problem;
  }
}

/** Shorthand for throwing: `throw fail('not-found', 'There is no stack shop', 'See the list with pilothouse ps')`. */
export function fail(code: ProblemCode, message: string, hint?: string): PilothouseError {
  return new PilothouseError(hint === undefined ? { code, message } : { code, message, hint });
}

/** Any thrown value as a problem; what is not ours becomes `internal` without leaking a stack. */
export function toProblem(thrown: unknown): Problem {
  if (thrown instanceof PilothouseError) return thrown.problem;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { code: 'internal', message, hint: 'This is a defect of Pilothouse: please report it with the log.' };
}
