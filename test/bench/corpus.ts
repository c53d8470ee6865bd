/** Text to search: the six real logs beside the project, expanded with their digits varied, so that ids differ as ids do. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { seeded, type Random } from '../../src-main/base/random';

export interface Corpus {
  /** Where it came from, to be printed with the figures. */
  origin: string;
  sources: { name: string; lines: string[] }[];
}

/** The real logs, or made-up ones when they are not here; which of both is said in `origin`. */
export function readCorpus(): Corpus {
  const root = process.env['PILOTHOUSE_SHARED_DATA'] ?? resolve(process.cwd(), '../shared/data');
  const folder = join(root, 'logs');
  if (existsSync(folder)) {
    const sources = readdirSync(folder)
      .filter((name) => name.endsWith('.log'))
      .map((name) => ({
        name: name.replace(/\.log$/, '').toLowerCase(),
        lines: readFileSync(join(folder, name), 'utf8')
          .split(/\r?\n/)
          .filter((line) => line !== ''),
      }));
    return { origin: 'six real logs, digits varied', sources };
  }
  return {
    origin: 'made-up lines (set PILOTHOUSE_SHARED_DATA for real ones)',
    sources: [{ name: 'made', lines: madeUp() }],
  };
}

function madeUp(): string[] {
  const random = seeded(1);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  return Array.from({ length: 2000 }, () => {
    const id = Math.floor(random() * 1e9);
    return `2026-01-05 09:00:00,000 - ${pick(['INFO', 'WARN', 'ERROR'])} [${pick(['api', 'db', 'cache'])}-${id % 97}] - session ${pick(['opened', 'closed'])} for user ${pick(['root', 'news', 'ann'])} id=${id}`;
  });
}

/** Lines until `bytes` of text are reached (line feeds counted), runs of one source after another as containers write. */
export function* expand(corpus: Corpus, bytes: number): Generator<{ line: string; source: number; written: number }> {
  const random = seeded(7);
  const places = corpus.sources.map(() => 0);
  let written = 0;
  while (written < bytes) {
    const source = Math.floor(random() * corpus.sources.length);
    const lines = corpus.sources[source]?.lines ?? [];
    for (let run = 0; run < 200 && written < bytes; run++) {
      const place = places[source] ?? 0;
      places[source] = (place + 1) % lines.length;
      const line = vary(lines[place] ?? '', random);
      written += line.length + 1;
      yield { line, source, written };
    }
  }
}

/** Changes some digits; everything else stays, so that the text compresses as its kind does. */
function vary(line: string, random: Random): string {
  let state = Math.floor(random() * 0x7fffffff);
  return line.replace(/\d/g, (digit) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) % 10 < 3 ? String((state >>> 16) % 10) : digit;
  });
}
