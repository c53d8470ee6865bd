/**
 * Hostile text made harmless (S4): of all escape sequences only SGR (colours) stays. What a terminal would obey and a reader would
 * not see is removed, except that an unterminated string sequence is shown, so that nothing can hide the rest of its line.
 */

/** Anything that is not plain text: C0 but tab and line feed, DEL, C1, bidirectional overrides. */
// eslint-disable-next-line no-control-regex -- control characters are what this looks for
const suspicious = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;
// eslint-disable-next-line no-control-regex -- the escape character starts every SGR
const sgr = /\u001b\[[0-9;:]*m/g;

const escape = 0x1b;
const longestSgr = 40;

/** The text without colours, as search and level detection see it. */
export function plainOf(text: string): string {
  return text.includes('\u001b') ? text.replace(sgr, '') : text;
}

/** Removes every escape but SGR; shows other control characters as their pictures. Linear in the text's length. */
export function sanitize(text: string): string {
  if (!suspicious.test(text)) return text;
  let end = text.length;
  while (end > 0 && (text.charCodeAt(end - 1) === 0x0d || text.charCodeAt(end - 1) === 0x0a)) end -= 1;
  let result = '';
  let kept = 0;
  let index = 0;
  // Once a scan for a terminator reached the end in vain, later ones would too: keeps the whole linear.
  let noTerminator = false;
  const replace = (until: number, by: string): void => {
    result += text.slice(kept, index) + by;
    index = until;
    kept = until;
  };
  while (index < end) {
    const code = text.charCodeAt(index);
    if (code === escape || (code >= 0x80 && code <= 0x9f)) {
      const kind = code === escape ? text.charCodeAt(index + 1) : code - 0x40;
      const body = index + (code === escape ? 2 : 1);
      if (code === escape && body > end) replace(end, '');
      else if (kind === 0x5b) {
        const stop = controlEnd(text, body, end);
        const isSgr =
          code === escape &&
          text.charCodeAt(stop - 1) === 0x6d &&
          stop - index <= longestSgr &&
          onlyParameters(text, body, stop - 1);
        if (isSgr) index = stop;
        else replace(stop, '');
      } else if (kind === 0x5d || kind === 0x50 || kind === 0x58 || kind === 0x5e || kind === 0x5f) {
        const stop = noTerminator ? -1 : stringEnd(text, body, end, kind === 0x5d);
        if (stop < 0) {
          noTerminator = true;
          replace(body, `\u241b${String.fromCharCode(kind)}`);
        } else replace(stop, '');
      } else if (code === escape) {
        let stop = index + 1;
        while (stop < end && text.charCodeAt(stop) >= 0x20 && text.charCodeAt(stop) <= 0x2f) stop += 1;
        const final = text.charCodeAt(stop);
        replace(stop < end && final >= 0x30 && final <= 0x7e ? stop + 1 : stop, '');
      } else replace(index + 1, '\ufffd');
    } else if (code < 0x20 && code !== 0x09 && code !== 0x0a) replace(index + 1, String.fromCharCode(0x2400 + code));
    else if (code === 0x7f) replace(index + 1, '\u2421');
    else if ((code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069)) replace(index + 1, '\ufffd');
    else index += 1;
  }
  return result + text.slice(kept, end);
}

/** The position after a control sequence's final byte, or of the first byte that cannot belong to it. */
function controlEnd(text: string, from: number, end: number): number {
  let index = from;
  while (index < end) {
    const code = text.charCodeAt(index);
    if (code >= 0x40 && code <= 0x7e) return index + 1;
    if (code < 0x20 || code > 0x3f) return index;
    index += 1;
  }
  return end;
}

function onlyParameters(text: string, from: number, to: number): boolean {
  for (let index = from; index < to; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x30 || code > 0x3b) return false;
  }
  return true;
}

/** The position after a string sequence's terminator (ST, or BEL for OSC), or -1. */
function stringEnd(text: string, from: number, end: number, bell: boolean): number {
  for (let index = from; index < end; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x9c || (bell && code === 0x07)) return index + 1;
    if (code === escape && text.charCodeAt(index + 1) === 0x5c) return index + 2;
  }
  return -1;
}
