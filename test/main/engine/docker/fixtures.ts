/** Answers recorded from a real engine (Docker 20.10.24, API 1.41). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One recorded answer, parsed anew for each caller. */
export function recorded(name: string): unknown {
  return JSON.parse(recordedText(`${name}.json`));
}

/** One recorded answer as it came. */
export function recordedText(file: string): string {
  return readFileSync(join(__dirname, 'fixtures', file), 'utf8');
}
