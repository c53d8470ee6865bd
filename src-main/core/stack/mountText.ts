/** Volumes in their short form: `[SOURCE:]TARGET[:OPTIONS]`, with Windows drives. */

/** The parts of a short volume. */
export interface ShortMount {
  source?: string;
  target: string;
  options: string[];
}

/** Splits at colons that are not a drive's (`C:\data:/data:ro`). */
export function splitMount(text: string): ShortMount {
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== ':') continue;
    const drive = at - from === 1 && /[A-Za-z]/.test(text[from]!) && (text[at + 1] === '\\' || text[at + 1] === '/');
    if (drive) continue;
    parts.push(text.slice(from, at));
    from = at + 1;
  }
  parts.push(text.slice(from));
  if (parts.length === 1) return { target: parts[0]!, options: [] };
  const [source, target, ...rest] = parts;
  return {
    source: source!,
    target: target!,
    options: rest.flatMap((part) => part.split(',')).filter((part) => part !== ''),
  };
}
