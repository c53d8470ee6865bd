/** Where a command's answer goes: plain text and tables for people, JSON for programs. */
import type { Problem } from '../contract/errors';
import type { Health } from '../contract/nouns';
import { columns, harmless } from './format';

export type Colour = 'red' | 'yellow' | 'green' | 'cyan' | 'grey' | 'bold';

const codes: Record<Colour, string> = { red: '31', yellow: '33', green: '32', cyan: '36', grey: '90', bold: '1' };

/** How health looks: the same shapes as in the window, so that colour is never the only sign. */
const marks: Record<Health, [string, Colour]> = {
  ok: ['●', 'green'],
  progress: ['◐', 'cyan'],
  warning: ['▲', 'yellow'],
  critical: ['◆', 'red'],
  off: ['○', 'grey'],
};

export interface Screen {
  write(text: string): void;
  coloured: boolean;
  interactive: boolean;
}

/** A column of a table: its title, its text per row, and where the text stands. */
export interface Column<Row> {
  title: string;
  text: (row: Row) => string;
  right?: boolean;
}

export class Output {
  constructor(
    readonly json: boolean,
    private readonly out: Screen,
    private readonly errors: Screen,
  ) {}

  get coloured(): boolean {
    return this.out.coloured;
  }

  get interactive(): boolean {
    return this.out.interactive && !this.json;
  }

  paint(colour: Colour, text: string): string {
    return this.out.coloured ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text;
  }

  /** `● Running`: the shape and the words of a state. */
  state(health: Health, words: string): string {
    const [mark, colour] = marks[health];
    const quiet = health === 'ok' || health === 'off';
    return `${this.paint(colour, mark)} ${quiet ? harmless(words, true) : this.paint(colour, harmless(words, true))}`;
  }

  /** One line for people; nothing with `--json`. */
  line(text = ''): void {
    if (!this.json) this.out.write(`${text}\n`);
  }

  /** A line of progress for people, on stderr so that it never mixes with an answer. */
  note(text: string): void {
    if (!this.json) this.errors.write(`${text}\n`);
  }

  /** A whole answer for programs. */
  value(value: unknown): void {
    if (this.json) this.out.write(`${JSON.stringify(value, null, 2)}\n`);
  }

  /** One item of an endless answer for programs, a line each. */
  item(value: unknown): void {
    if (this.json) this.out.write(`${JSON.stringify(value)}\n`);
  }

  /** Rows for people under their titles; `empty` when there are none. */
  table<Row>(rows: readonly Row[], columnList: readonly Column<Row>[], empty: string): void {
    if (this.json) return;
    if (rows.length === 0) return this.line(empty);
    const cells = rows.map((row) => columnList.map((column) => column.text(row)));
    const widths = columnList.map((column, index) =>
      Math.max(columns(column.title), ...cells.map((row) => columns(row[index] ?? ''))),
    );
    const show = (texts: readonly string[]): string =>
      texts
        .map((text, index) => {
          const gap = ' '.repeat(Math.max(0, (widths[index] ?? 0) - columns(text)));
          if (columnList[index]?.right) return gap + text;
          return index === texts.length - 1 ? text : text + gap;
        })
        .join('  ')
        .trimEnd();
    this.line(this.paint('grey', show(columnList.map((column) => column.title))));
    for (const row of cells) this.line(show(row));
  }

  /** What went wrong: one plain sentence and what to do, on stderr; with `--json` as `{code, message, hint}`. */
  problem(problem: Problem): void {
    if (this.json) {
      this.errors.write(`${JSON.stringify(problem)}\n`);
      return;
    }
    const all = problem.more?.length ? problem.more : [problem];
    for (const one of all) this.errors.write(`${this.paintError('red', place(one) + harmless(one.message))}\n`);
    const hint = problem.hint ?? all.find((one) => one.hint)?.hint;
    if (hint) this.errors.write(`${harmless(hint)}\n`);
  }

  /** Something worth knowing that is no failure. */
  warning(problem: Problem): void {
    if (this.json) return;
    this.errors.write(`${this.paintError('yellow', `${place(problem)}${harmless(problem.message)}`)}\n`);
  }

  private paintError(colour: Colour, text: string): string {
    return this.errors.coloured ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text;
  }
}

function place(problem: Problem): string {
  const where = problem.where;
  if (!where?.file && where?.line === undefined) return '';
  const spot = [where.file ?? '', where.line, where.column]
    .filter((part) => part !== undefined && part !== '')
    .join(':');
  return `${harmless(spot, true)}: `;
}

/** The real terminal. NO_COLOR and FORCE_COLOR are honoured. */
export function terminalScreen(stream: NodeJS.WriteStream, environment: NodeJS.ProcessEnv): Screen {
  const interactive = stream.isTTY === true;
  const forced = environment['FORCE_COLOR'] !== undefined && environment['FORCE_COLOR'] !== '0';
  const coloured = !environment['NO_COLOR'] && environment['TERM'] !== 'dumb' && (interactive || forced);
  return { write: (text) => void stream.write(text), coloured, interactive };
}
