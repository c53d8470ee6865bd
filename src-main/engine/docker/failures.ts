/** Turns what went wrong on the way to the engine, or what it answered, into the closed list of codes of the port. */
import { EngineError, type EngineErrorCode } from '../../core/engine';
import { fields, text } from './parse';

/** Longest text of the engine that is kept. */
const LONGEST_DETAIL = 2_000;

/**
 * Engines tell most failures apart only in words, and the same failure has another status from version to version. The first
 * pattern that fits wins; seen with Docker 20.10 to 28 and Podman 4.
 */
const byWords: readonly (readonly [RegExp, EngineErrorCode])[] = [
  [/no space left on device|disk quota exceeded/i, 'no-space'],
  [/port is already allocated|address already in use|ports are not available|port is already in use/i, 'port-taken'],
  [/name .* (?:is )?already in use|network with name .* already exists/i, 'name-taken'],
  [/network name .* already used|volume with name .* already exists/i, 'name-taken'],
  [/no such image|manifest (for .* )?(not found|unknown)|image not known|manifest unknown/i, 'no-image'],
  [/repository .* not found|pull access denied|repository does not exist|name unknown/i, 'no-image'],
  // Podman: forgotten force, and what is so already.
  [/running or paused containers cannot be removed|is already paused|is not paused/i, 'refused'],
  [/invalid signal/i, 'invalid'],
  [/is paused|paused container|must be in Created or Stopped state to be started|unpause the container/i, 'paused'],
  [/is a pre-defined network/i, 'refused'],
  [/has active endpoints|is in use|is being used|using its referenced|must be forced|network is being used/i, 'in-use'],
  [/unauthorized|authentication required|no basic auth credentials|permission denied|access forbidden/i, 'denied'],
  [/does not support reading|cannot read logs|not implemented|not supported/i, 'unsupported'],
  // A path that this engine does not have, such as Podman's update.
  [/^(404 )?(page )?not found$/i, 'unsupported'],
];

/**
 * An answer with an error status.
 * @param status HTTP status
 * @param body the answer's body: `{message}` from Docker, `{cause, message}` from Podman, or plain text
 */
export function refusal(status: number, body: string): EngineError {
  const detail = messageOf(body) || `HTTP ${status}`;
  return new EngineError(codeOf(status, detail), detail);
}

/** A failure that the engine put into the body of an answer that had begun well, as in a pull. */
export function refusalText(message: string): EngineError {
  const detail = text(message, LONGEST_DETAIL) || 'The engine gave no reason';
  return new EngineError(codeOf(0, detail), detail);
}

function codeOf(status: number, detail: string): EngineErrorCode {
  for (const [pattern, code] of byWords) {
    if (pattern.test(detail)) return code;
  }
  if (status === 400 || status === 406) return 'invalid';
  if (status === 401 || status === 403) return 'denied';
  if (status === 404) return 'not-found';
  if (status === 405 || status === 501) return 'unsupported';
  if (status === 408 || status === 504) return 'timeout';
  return 'refused';
}

function messageOf(body: string): string {
  try {
    const answer = fields(JSON.parse(body));
    return text(answer['message'] || answer['cause'] || answer['error'], LONGEST_DETAIL).trim();
  } catch {
    return text(body, LONGEST_DETAIL).trim();
  }
}

/** Whether the engine's own text says it, for the few outcomes that are successes in an error's clothes. */
export function says(error: unknown, pattern: RegExp): boolean {
  return error instanceof EngineError && pattern.test(error.detail);
}

const deniedCodes = new Set(['EACCES', 'EPERM']);

/** Anything thrown by the connection as an `EngineError`; those pass unchanged. */
export function toEngineError(thrown: unknown): EngineError {
  if (thrown instanceof EngineError) return thrown;
  if (thrown instanceof SyntaxError)
    return new EngineError('refused', 'A line of the engine is not valid JSON', { cause: thrown });
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const code = 'code' in error ? String(error.code) : '';
  const detail = text(error.message || code, LONGEST_DETAIL);
  if (deniedCodes.has(code)) return new EngineError('denied', detail, { cause: thrown });
  if (/CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code))
    return new EngineError('denied', detail, { cause: thrown });
  if (code.startsWith('ERR_INVALID')) return new EngineError('invalid', detail, { cause: thrown });
  if (code.startsWith('HPE_'))
    return new EngineError('refused', `It does not speak HTTP: ${detail}`, { cause: thrown });
  return new EngineError('away', detail, { cause: thrown });
}
