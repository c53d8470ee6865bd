/** How severe a line is, read from its text: JSON, logfmt, klog, syslog, log4j and its kin, access logs, runtime crashes. */
import { Level } from '../line';
import { jsonObject, type JsonObject } from './json';

const words: ReadonlyMap<string, number> = new Map([
  ...['trace', 'trc', 'finest', 'finer', 'silly', 'verbose', 'vrb'].map((word) => [word, Level.trace] as const),
  ...['debug', 'dbg', 'fine', 'debug1', 'debug2', 'debug3'].map((word) => [word, Level.debug] as const),
  ...['info', 'inf', 'information', 'informational', 'notice', 'note', 'log', 'system'].map(
    (word) => [word, Level.info] as const,
  ),
  ...['warn', 'warning', 'wrn'].map((word) => [word, Level.warn] as const),
  ...['error', 'err', 'eror', 'severe'].map((word) => [word, Level.error] as const),
  ...['fatal', 'ftl', 'critical', 'crit', 'panic', 'pnc', 'dpanic', 'emerg', 'emergency', 'alert'].map(
    (word) => [word, Level.fatal] as const,
  ),
]);
const letters: Record<string, number> = {
  T: Level.trace,
  V: Level.trace,
  D: Level.debug,
  I: Level.info,
  W: Level.warn,
  E: Level.error,
  F: Level.fatal,
  A: Level.fatal,
};
const redisMarks: Record<string, number> = { '.': Level.debug, '-': Level.debug, '*': Level.info, '#': Level.warn };

const klog = /^[IWEF]\d{4} \d\d:\d\d:\d\d/;
const ruby = /^[DIWEFA], \[\d/;
const priority = /^<(\d{1,3})>/;
const redis = /^\d+:[XCSM] \d\d \w{3} \d{4} [\d:.]+ ([.\-*#]) /;
const access = /"[A-Z]{3,10} [^"]{0,4096}" ([1-5]\d\d)\b/;
const crash = /^(?:Traceback \(most recent call last\)|Exception in thread|Unhandled |Uncaught |Segmentation fault)/;
const thrown = /^[A-Za-z_$][\w.$]*(?:Exception|Error)(?::|$)/;
/**
 * Where a level stands in text: `level=warn`, `[error]` (also `[core:error]`), an upper-case word of its own, or a word with a colon at
 * the start. The earliest one that names a level wins, so that an INFO line about an ERROR stays INFO.
 */
const place =
  /\b(?:level|lvl|severity|log_?level)["']?\s?[=:]\s?["']?([A-Za-z]+|\d+)|\[\s{0,4}(?:[\w.]+:)?([A-Za-z]{3,9})\s{0,4}\]|(?<![\w/.%-])(TRACE|TRC|FINEST|FINER|FINE|DEBUG\d?|DBG|VERBOSE|INFO|INF|NOTICE|NOTE|LOG(?=:)|WARN(?:ING)?|WRN|ERROR|ERR|SEVERE|FATAL|FTL|CRIT(?:ICAL)?|PANIC|PNC|EMERG(?:ENCY)?|ALERT)(?![\w/.%-])|(?:^|[\w\])] ?[:|-] )(trace|debug|info|notice|warn(?:ing)?|error|fatal|critical|panic|Trace|Debug|Info|Notice|Warn(?:ing)?|Error|Fatal|Critical): /g;
/** What each way of `place` needs: lines without it are not searched for one. */
const placeable = /[[=:]|[A-Z]{3}/;
/** Levels stand early; a long tail is not searched. */
const headLength = 240;

/** The level's code for a plain line (no colours). A group of lines is judged by its first line. */
export function levelOf(text: string): number {
  switch (text.charCodeAt(0)) {
    case 0x7b: {
      const json = jsonObject(text);
      if (json) return levelOfJson(json);
      break;
    }
    case 0x3c: {
      const match = priority.exec(text);
      if (match) return syslogLevel(Number(match[1]) & 7);
      break;
    }
    case 0x44: // D
    case 0x49: // I
    case 0x57: // W
    case 0x45: // E
    case 0x46: // F
    case 0x41: // A
      if (klog.test(text) || ruby.test(text)) return letters[text.charAt(0)] ?? Level.unknown;
  }
  const head = text.length > headLength ? text.slice(0, headLength) : text;
  if (placeable.test(head)) {
    place.lastIndex = 0;
    for (let match = place.exec(head); match; match = place.exec(head)) {
      const word = match[1] ?? match[2] ?? match[3] ?? match[4] ?? '';
      const level = levelOfWord(word);
      if (level !== Level.unknown) return level;
    }
  }
  const code = text.charCodeAt(0);
  if (code >= 0x30 && code <= 0x39) {
    const match = redis.exec(head);
    if (match) return redisMarks[match[1] ?? ''] ?? Level.unknown;
  }
  if (head.includes('"')) {
    const match = access.exec(text);
    if (match) return statusLevel(Number(match[1]));
  }
  if (text.startsWith('panic: ') || text.startsWith('fatal error: ')) return Level.fatal;
  if (crash.test(head)) return Level.error;
  // The word first: looking for a name that ends so goes through the whole line.
  return (head.includes('Error') || head.includes('Exception')) && thrown.test(head) ? Level.error : Level.unknown;
}

function levelOfJson(json: JsonObject): number {
  for (const key of ['level', 'severity', 'lvl', 'levelname', 'log.level', 'log_level', 'loglevel', 'Level', '@l']) {
    if (Object.hasOwn(json, key)) return levelOfValue(json[key], key);
  }
  const log = json['log'];
  if (typeof log === 'object' && log !== null && !Array.isArray(log) && Object.hasOwn(log, 'level'))
    return levelOfValue((log as JsonObject)['level'], 'level');
  // MongoDB: "s":"I" beside a component and a context.
  if (typeof json['s'] === 'string' && Object.hasOwn(json, 'c') && Object.hasOwn(json, 'ctx'))
    return letters[json['s'].charAt(0)] ?? Level.unknown;
  if (typeof json['priority'] === 'number') return syslogLevel(json['priority'] & 7);
  if (typeof json['status'] === 'number' && json['status'] >= 100 && json['status'] < 600)
    return statusLevel(json['status']);
  return Level.unknown;
}

function levelOfValue(value: unknown, key: string): number {
  if (typeof value === 'number') return levelOfNumber(value, key);
  if (typeof value !== 'string') return Level.unknown;
  return levelOfWord(value.trim());
}

/** A level's code by its name or number in text, as logs and the query language write it. */
export function levelOfWord(word: string): number {
  const named = words.get(word.toLowerCase());
  if (named !== undefined) return named;
  if (/^\d+$/.test(word)) return levelOfNumber(Number(word), 'level');
  return word.length === 1 ? (letters[word] ?? Level.unknown) : Level.unknown;
}

/** pino and bunyan count 10 to 60; GELF and syslog 0 to 7; Google Cloud's severities are 100 to 800. */
function levelOfNumber(value: number, key: string): number {
  if (value >= 100 && key === 'severity') {
    if (value >= 600) return Level.fatal;
    if (value >= 500) return Level.error;
    return value >= 400 ? Level.warn : value >= 200 ? Level.info : Level.debug;
  }
  if (value >= 10) {
    if (value >= 60) return Level.fatal;
    if (value >= 50) return Level.error;
    if (value >= 40) return Level.warn;
    return value >= 30 ? Level.info : value >= 20 ? Level.debug : Level.trace;
  }
  return value >= 0 && value <= 7 ? syslogLevel(value) : Level.unknown;
}

/** RFC 5424: 0–2 emergency to critical, 3 error, 4 warning, 5–6 notice and informational, 7 debug. */
function syslogLevel(severity: number): number {
  if (severity <= 2) return Level.fatal;
  if (severity === 3) return Level.error;
  if (severity === 4) return Level.warn;
  return severity === 7 ? Level.debug : Level.info;
}

function statusLevel(status: number): number {
  if (status >= 500) return Level.error;
  return status >= 400 ? Level.warn : Level.info;
}
