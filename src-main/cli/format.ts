/** Figures and names as the terminal shows them. */

/** `402 MiB`: three figures at most, binary units. */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let rest = value;
  let unit = 0;
  while (rest >= 1023.5 && unit < units.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  return `${unit === 0 || rest >= 100 ? Math.round(rest) : rest.toFixed(rest >= 10 ? 1 : 2)} ${units[unit]}`;
}

/** `2 min 48 s`, `10 m`-style spans: the two largest units. Milliseconds in. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))} ms`;
  const seconds = Math.floor(milliseconds / 1000);
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

/** Local time of day with seconds; the date too when it is not today's. */
export function clockTime(at: number, now: number): string {
  const moment = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}`;
  const day = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
  return new Date(now).toDateString() === moment.toDateString() ? time : `${day} ${time}`;
}

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Text from elsewhere, made harmless for a terminal: controls and direction marks are shown as escapes. Line feeds and tabs stay
 * unless `oneLine`.
 */
export function harmless(text: string, oneLine = false): string {
  const shown = text.replace(controls, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return oneLine ? shown.replace(/\s*[\n\t]+\s*/g, ' ') : shown;
}

// eslint-disable-next-line no-control-regex -- the escape character begins a colour
const colours = /\u001b\[[0-9;:]*m/g;

/** A log line: its colours kept for a terminal that shows colours, else taken off; everything else made harmless. */
export function logText(text: string, coloured: boolean): string {
  const parts = text.split(colours);
  const marks = text.match(colours) ?? [];
  const clean = parts.map((part) => harmless(part));
  if (!coloured) return clean.join('');
  const joined = clean.map((part, index) => part + (marks[index] ?? '')).join('');
  return marks.length > 0 ? `${joined}\u001b[0m` : joined;
}

// East Asian wide characters take two columns.
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/;

/** Columns a text takes on a terminal, colours not counted. */
export function columns(text: string): number {
  let count = 0;
  for (const character of text.replace(colours, '')) count += wide.test(character) ? 2 : 1;
  return count;
}
