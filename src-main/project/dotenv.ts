/** Just enough of `.env` to find COMPOSE_FILE, COMPOSE_PROFILES and COMPOSE_PROJECT_NAME; the core reads the rest with full rules. */

/** Plain `NAME=value` lines; quotes around the value are taken off, comments and everything else ignored. Later lines win. */
export function composeSettings(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*(?:export\s+)?(COMPOSE_[A-Z_]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (!match) continue;
    const [, name = '', raw = ''] = match;
    const quoted = /^(['"])(.*)\1(?:\s+#.*)?$/.exec(raw);
    found[name] = quoted ? (quoted[2] ?? '') : raw.replace(/\s+#.*$/, '');
  }
  return found;
}
