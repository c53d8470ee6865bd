/** The app's own log: one JSON object a line in `<home>/logs`, rotated, with what looks secret taken out before it is written. */
import { appendFileSync, chmodSync, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../base/log';
import { privateFolder } from './home';

const largestFile = 2 * 1024 * 1024;
const keptFiles = 4;
const longestNote = 4000;

export interface LogFile {
  log: Log;
  path: string;
}

const secretName =
  /(pass(word|wd|phrase)?|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credential|authorization|cookie)/i;
const secretText: [RegExp, string][] = [
  [/\b(bearer|basic)\s+[a-z0-9._~+/=-]{6,}/gi, '$1 ••••'],
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/@:]+:[^\s/@]+@/gi, '$1••••@'],
  [
    /((?:pass(?:word|wd|phrase)?|secret|token|api[-_]?key|access[-_]?key|private[-_]?key)["']?\s*[:=]\s*)("[^"]*"|'[^']*'|[^\s,;&]+)/gi,
    '$1••••',
  ],
  [
    /-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]{0,20}PRIVATE KEY-----|$)/g,
    '•••• private key ••••',
  ],
];

/** Takes out of a text what looks like a password, a token or a private key. A net below careful callers, not a licence. */
export function redact(text: string): string {
  return secretText.reduce((rest, [pattern, instead]) => rest.replace(pattern, instead), text);
}

function clean(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redact(value.length > longestNote ? `${value.slice(0, longestNote)}…` : value);
  if (value instanceof Error) return clean(value.message, depth);
  if (value === null || typeof value !== 'object') return typeof value === 'bigint' ? String(value) : value;
  if (depth >= 4) return '…';
  if (Array.isArray(value)) return value.slice(0, 50).map((item) => clean(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, 50)
      .map(([key, item]) => [key, secretName.test(key) ? '••••' : clean(item, depth + 1)]),
  );
}

/** Opens `<home>/logs/<name>.log`. A disk that refuses the log never disturbs the app. */
export function openLog(home: string, name = 'pilothouse'): LogFile {
  const folder = join(home, 'logs');
  const path = join(folder, `${name}.log`);
  let size = 0;
  try {
    privateFolder(folder);
    size = existsSync(path) ? statSync(path).size : 0;
  } catch {
    // Writing will fail the same way below, and is ignored there too.
  }
  const log: Log = (severity, text, facts) => {
    const note = {
      at: new Date().toISOString(),
      severity,
      text: clean(text),
      ...(facts ? { facts: clean(facts) } : {}),
    };
    try {
      const line = `${JSON.stringify(note)}\n`;
      if (size + line.length > largestFile) {
        rotate(path);
        size = 0;
      }
      appendFileSync(path, line, { mode: 0o600 });
      if (size === 0 && process.platform !== 'win32') chmodSync(path, 0o600);
      size += Buffer.byteLength(line);
    } catch {
      // A full disk must not take the app down with it.
    }
  };
  return { log, path };
}

function rotate(path: string): void {
  rmSync(`${path}.${keptFiles - 1}`, { force: true });
  for (let index = keptFiles - 2; index >= 1; index--) {
    if (existsSync(`${path}.${index}`)) renameSync(`${path}.${index}`, `${path}.${index + 1}`);
  }
  renameSync(path, `${path}.1`);
}
