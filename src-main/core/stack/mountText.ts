/** Volumes in their short form: `[SOURCE:]TARGET[:OPTIONS]`, with Windows drives. */

/** The parts of a short volume. */
export interface ShortMount {
  source?: string;
  target: string;
  options: string[];
}

/**
 * Splits at colons that are not a drive's (`C:\data:/data:ro`). A volume with a name of one letter looks like a drive (`v:/data`);
 * where that would leave no place in the container, it is a volume.
 */
export function splitMount(text: string): ShortMount {
  const withDrives = split(text, true);
  const target = withDrives.length === 1 ? withDrives[0]! : withDrives[1]!;
  const sensible = target.startsWith('/') || (withDrives.length > 1 && /^[A-Za-z]:[\\/]/.test(target));
  return partsOf(sensible ? withDrives : split(text, false));
}

function split(text: string, drives: boolean): string[] {
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== ':') continue;
    const drive = at - from === 1 && /[A-Za-z]/.test(text[from]!) && (text[at + 1] === '\\' || text[at + 1] === '/');
    if (drive && drives) continue;
    parts.push(text.slice(from, at));
    from = at + 1;
  }
  parts.push(text.slice(from));
  return parts;
}

function partsOf(parts: string[]): ShortMount {
  if (parts.length === 1) return { target: parts[0]!, options: [] };
  const [source, target, ...rest] = parts;
  return {
    source: source!,
    target: target!,
    options: rest.flatMap((part) => part.split(',')).filter((part) => part !== ''),
  };
}
