/** Lines of a selection as a file's text, read page by page. */
import type { LogPage } from '../../../src-main/contract/api/observe';
import type { LogLine } from '../../../src-main/contract/nouns';
import { csvOf } from '../../parts/csv';
import { asText, serviceKeyOf, withoutColours } from './logRows';

export type ExportFormat = 'txt' | 'json' | 'csv';

/** Lines of one file at most; the newest ones. A file of more is no longer read by people. */
export const mostExported = 50_000;
const pageSize = 5000;

/** Reads back from the newest line. `ask` answers one page before an id. */
export async function readAll(
  ask: (before: string | undefined, limit: number) => Promise<LogPage>,
): Promise<{ lines: LogLine[]; cut: boolean }> {
  let lines: LogLine[] = [];
  for (;;) {
    const page = await ask(lines[0]?.id, Math.min(pageSize, mostExported - lines.length));
    lines = [...page.lines, ...lines];
    if (!page.before || page.lines.length === 0) return { lines, cut: false };
    if (lines.length >= mostExported) return { lines, cut: true };
  }
}

export function exportText(format: ExportFormat, rows: readonly LogLine[]): string {
  const lines = rows.filter((line) => line.marker === undefined);
  if (format === 'txt') return asText(lines);
  const plain = lines.map((line) => ({
    time: new Date(line.at).toISOString(),
    service: serviceKeyOf(line),
    replica: line.slot,
    level: line.level,
    stream: line.stream,
    container: line.container,
    text: withoutColours(line.text),
    ...(line.fields ? { fields: line.fields } : {}),
  }));
  // One object a line, as log tools read it.
  if (format === 'json') return plain.map((line) => JSON.stringify(line)).join('\n');
  const head = ['time', 'service', 'replica', 'level', 'stream', 'container', 'text'] as const;
  return csvOf([head, ...plain.map((line) => head.map((name) => String(line[name])))]);
}
