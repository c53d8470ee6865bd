import Anser from 'anser';

/** A run of text of one look. `colour` and `background` name a token (`red` → `--ph-ansi-red`) or are an RGB triple. */
export interface AnsiRun {
  text: string;
  colour?: string;
  background?: string;
  bold?: boolean;
  dim?: boolean;
  italic?: boolean;
  underline?: boolean;
}

const named = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];

function colourOf(name: string | null, truecolor: string | null): string | undefined {
  if (!name) return undefined;
  if (name === 'ansi-truecolor' && truecolor) return `rgb(${truecolor})`;
  const palette = /^ansi-palette-(\d+)$/.exec(name);
  if (palette) return paletteColour(Number(palette[1]));
  const base = name.replace(/^ansi-(bright-)?/, '');
  return named.includes(base) ? base : undefined;
}

// The 6×6×6 cube and the grey ramp of 256-colour terminals
function paletteColour(index: number): string | undefined {
  if (index < 16) return named[index % 8];
  if (index >= 232) {
    const grey = (index - 232) * 10 + 8;
    return `rgb(${grey}, ${grey}, ${grey})`;
  }
  const levels = [0, 95, 135, 175, 215, 255];
  const cube = index - 16;
  return `rgb(${levels[Math.floor(cube / 36)]}, ${levels[Math.floor(cube / 6) % 6]}, ${levels[cube % 6]})`;
}

/**
 * Takes a log line with terminal escapes apart into runs of plain text. Unknown escapes and control characters are dropped; the text
 * is never markup. A line without an escape costs nothing.
 */
export function ansiRuns(line: string): AnsiRun[] {
  if (!line.includes('\u001b')) return [{ text: dropControls(line) }];
  return Anser.ansiToJson(line, { json: true, remove_empty: true, use_classes: true })
    .map((part): AnsiRun => {
      const run: AnsiRun = { text: dropControls(part.content) };
      const colour = colourOf(part.fg, part.fg_truecolor);
      const background = colourOf(part.bg, part.bg_truecolor);
      if (colour) run.colour = colour;
      if (background) run.background = background;
      for (const look of part.decorations) {
        if (look === 'bold' || look === 'dim' || look === 'italic' || look === 'underline') run[look] = true;
      }
      return run;
    })
    .filter((run) => run.text !== '');
}

/* eslint-disable no-control-regex -- control characters are exactly what is meant */
const controls =
  /\u001b(\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(\u0007|\u001b\\)?|.)?|[\u0000-\u0008\u000b-\u001f\u007f]/g;
/* eslint-enable no-control-regex */

function dropControls(text: string): string {
  return text.replace(controls, '');
}

/** Cuts runs at the given spans of the whole text (start, end), so that hits can be marked across colours. */
export function markRuns(
  runs: readonly AnsiRun[],
  hits: readonly (readonly [number, number])[],
): (AnsiRun & { hit: boolean })[] {
  const cut: (AnsiRun & { hit: boolean })[] = [];
  let offset = 0;
  for (const run of runs) {
    let at = 0;
    while (at < run.text.length) {
      const place = offset + at;
      const inside = hits.find(([start, end]) => place >= start && place < end);
      const next = hits.reduce(
        (least, [start]) => (start > place && start < least ? start : least),
        Number.MAX_SAFE_INTEGER,
      );
      const end = Math.min(run.text.length, (inside ? inside[1] : next) - offset);
      cut.push({ ...run, text: run.text.slice(at, end), hit: inside !== undefined });
      at = end;
    }
    offset += run.text.length;
  }
  return cut;
}
