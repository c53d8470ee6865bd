/** Plausible log lines in the formats that real programs write. The same seed and number always give the same lines. */
import { hash32, seeded, type Random } from '../../base/random';

export type LogStyle = 'access' | 'json' | 'pino' | 'logfmt' | 'text' | 'klog' | 'database' | 'cache' | 'mixed';

export interface LogText {
  stream: 'stdout' | 'stderr';
  text: string;
}

interface Moment {
  /** Milliseconds since the epoch. */
  at: number;
  number: number;
  random: Random;
}

/** Line number `number` of the program with this seed; several entries when the line is a stack trace. */
export function logLines(style: LogStyle, line: { seed: string; number: number; at: number }): LogText[] {
  const random = seeded(hash32(`${line.seed}#${line.number}`));
  const moment: Moment = { at: line.at, number: line.number, random };
  if (style === 'mixed') return pick(random, [json, logfmt, text, access])(moment);
  return { access, json, pino, logfmt, text, klog, database, cache }[style](moment);
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)] as T;
}

function out(line: string): LogText[] {
  return [{ stream: 'stdout', text: line }];
}

function errors(lines: string[]): LogText[] {
  return lines.map((line) => ({ stream: 'stderr', text: line }));
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

/** Milliseconds with the long tail that real answers have. */
function duration(random: Random): number {
  return Math.round(4 + 20 * random() + 900 * random() ** 12);
}

const paths = [
  '/',
  '/api/orders',
  '/api/orders/1841',
  '/api/cart',
  '/healthz',
  '/static/app.js',
  '/login',
  '/search?q=tea',
];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const acts = [
  'order stored',
  'cart updated',
  'session opened',
  'price looked up',
  'mail queued',
  'cache refreshed',
  'payment confirmed',
] as const;

function status(random: Random): number {
  const draw = random();
  return draw < 0.9 ? 200 : draw < 0.94 ? 304 : draw < 0.985 ? 404 : 502;
}

function access({ at, random }: Moment): LogText[] {
  const [, month = 1, day = '05'] = /^\d+-(\d+)-(\d+)/.exec(iso(at)) ?? [];
  const stamp = `${day}/${months[Number(month) - 1]}/${iso(at).slice(0, 4)}:${iso(at).slice(11, 19)} +0000`;
  const address = `172.18.0.${2 + Math.floor(random() * 30)}`;
  const method = random() < 0.8 ? 'GET' : 'POST';
  const size = Math.round(120 + 9000 * random() ** 3);
  return out(
    `${address} - - [${stamp}] "${method} ${pick(random, paths)} HTTP/1.1" ${status(random)} ${size} "-" "Mozilla/5.0"`,
  );
}

function json({ at, number, random }: Moment): LogText[] {
  const level = random() < 0.93 ? 'info' : random() < 0.7 ? 'warn' : 'error';
  const message = level === 'error' ? 'payment provider did not answer' : pick(random, acts);
  const line = { time: iso(at), level, msg: message, order: 1000 + number, duration_ms: duration(random) };
  return [{ stream: level === 'error' ? 'stderr' : 'stdout', text: JSON.stringify(line) }];
}

function pino({ at, number, random }: Moment): LogText[] {
  const level = random() < 0.9 ? 30 : random() < 0.7 ? 40 : 50;
  const request = { method: 'GET', url: pick(random, paths) };
  const line = { level, time: at, pid: 1, hostname: 'api', reqId: `req-${number.toString(36)}`, req: request };
  return out(JSON.stringify({ ...line, responseTime: duration(random), msg: 'request completed' }));
}

function logfmt({ at, number, random }: Moment): LogText[] {
  const level = random() < 0.75 ? 'info' : random() < 0.7 ? 'debug' : 'warn';
  const hit = random() < 0.8;
  return out(
    `ts=${iso(at)} level=${level} msg="${pick(random, acts)}" key=user:${number % 500} hit=${hit} duration=${duration(random)}ms`,
  );
}

function text({ at, number, random }: Moment): LogText[] {
  const draw = random();
  if (draw < 0.02) {
    return errors([
      `${iso(at)} ERROR [worker-${number % 4}] request ${number} failed`,
      'java.net.ConnectException: Connection refused',
      `\tat io.example.shop.Orders.load(Orders.java:${20 + (number % 70)})`,
      '\tat io.example.shop.Handler.handle(Handler.java:48)',
      '\tat java.base/java.lang.Thread.run(Thread.java:1583)',
    ]);
  }
  if (draw < 0.08)
    return out(`${iso(at)} WARN  [worker-${number % 4}] queue depth is ${40 + Math.floor(random() * 60)}`);
  return out(`${iso(at)} INFO  [worker-${number % 4}] ${pick(random, acts)} in ${duration(random)} ms`);
}

function klog({ at, number, random }: Moment): LogText[] {
  const level = random() < 0.9 ? 'I' : random() < 0.7 ? 'W' : 'E';
  const day = iso(at).slice(5, 10).replace('-', '');
  return errors([
    `${level}${day} ${iso(at).slice(11, 23)}000       1 controller.go:${100 + (number % 300)}] "${pick(random, acts)}" key="shop/${number % 9}"`,
  ]);
}

function database({ at, random }: Moment): LogText[] {
  const stamp = iso(at).replace('T', ' ').replace('Z', ' UTC');
  const line = pick(random, [
    'LOG:  checkpoint starting: time',
    `LOG:  checkpoint complete: wrote ${Math.floor(random() * 300)} buffers; sync=0.004 s`,
    `LOG:  duration: ${(random() * 80).toFixed(3)} ms  statement: SELECT * FROM orders WHERE id = $1`,
    `LOG:  automatic vacuum of table "shop.public.orders": index scans: ${Math.floor(random() * 3)}`,
  ]);
  return errors([`${stamp} [${20 + Math.floor(random() * 60)}] ${line}`]);
}

function cache({ at, random }: Moment): LogText[] {
  const [, month = 1] = /^\d+-(\d+)/.exec(iso(at)) ?? [];
  const stamp = `${iso(at).slice(8, 10)} ${months[Number(month) - 1]} ${iso(at).slice(0, 4)} ${iso(at).slice(11, 23)}`;
  const line = pick(random, [
    `${Math.floor(random() * 900)} changes in 60 seconds. Saving...`,
    'Background saving started by pid 21',
    'DB saved on disk',
    'Background saving terminated with success',
  ]);
  return out(`1:M ${stamp} * ${line}`);
}
