/** Reads what HAProxy says of itself: tables as CSV, facts as lines, and the ring of request times. Pure; every field is untrusted. */

/** Counters of one server since its HAProxy process began. */
export interface ServerStat {
  backend: string;
  server: string;
  /** Sessions now. */
  current: number;
  /** Requests in HTTP mode, connections in TCP mode. */
  requests: number;
  errors: number;
  status: string;
  weight: number;
}

/** The servers in an answer to `show stat -1 4 -1`. */
export function parseStat(text: string): ServerStat[] {
  const lines = text.split('\n');
  const header = (lines.shift() ?? '').replace(/^# /, '').split(',');
  const column = new Map(header.map((name, at) => [name, at]));
  const stats: ServerStat[] = [];
  for (const line of lines) {
    if (line === '') continue;
    const cells = line.split(',');
    const cell = (name: string): string => cells[column.get(name) ?? -1] ?? '';
    const number = (name: string): number => Number(cell(name)) || 0;
    if (cell('svname') === 'BACKEND' || cell('svname') === 'FRONTEND' || cell('svname') === '') continue;
    const http = cell('mode') === 'http';
    stats.push({
      backend: cell('pxname'),
      server: cell('svname'),
      current: number('scur'),
      requests: http ? number('req_tot') : number('stot'),
      errors: number('econ') + number('eresp') + (http ? number('hrsp_5xx') : 0),
      status: cell('status'),
      weight: number('uweight'),
    });
  }
  return stats;
}

/** A seat as a running HAProxy has it. */
export interface SeatState {
  backend: string;
  server: string;
  /** Absent for an empty seat. */
  address?: string;
  port?: number;
  state: 'ready' | 'drain' | 'maint';
  weight: number;
}

/** The seats of every backend, from `show servers state` (version 1). */
export function parseServers(text: string): SeatState[] {
  const rows: SeatState[] = [];
  for (const line of text.split('\n')) {
    const cells = line.split(' ');
    const [, backend = '', , server = '', address = ''] = cells;
    if (line.startsWith('#') || cells.length < 19 || backend === '' || server === '') continue;
    const port = Number(cells[18]) || 0;
    // Bits of the manual's srv_admin_state: 0x01 forced maintenance, 0x08 forced drain.
    const admin = Number(cells[6]);
    const weight = Number(cells[7]) || 0;
    const state = (admin & 0x01) !== 0 ? 'maint' : (admin & 0x08) !== 0 ? 'drain' : 'ready';
    rows.push({ backend, server, state, weight, ...(port > 1 ? { address, port } : {}) });
  }
  return rows;
}

/** The stamp of the configuration that is running, from `show info`. */
export function parseStamp(text: string): string | undefined {
  return /^description: ([0-9a-f]+)$/m.exec(text)?.[1];
}

/** One finished request. `time` in milliseconds; `status` 0 in TCP mode. */
export interface Finished {
  serial: number;
  backend: string;
  server: string;
  time: number;
  status: number;
}

/** What the latency ring holds: see `log-format` in config.ts. Lines that are cut or foreign are left out. */
export function parseRing(text: string): Finished[] {
  const found: Finished[] = [];
  for (const line of text.split('\n')) {
    const match = /(\d+) (\S+) (s\d+) (-?\d+) (-?\d+)\s*$/.exec(line);
    if (!match) continue;
    const [, serial = '', backend = '', server = '', time = '', status = ''] = match;
    found.push({ serial: Number(serial), backend, server, time: Number(time), status: Number(status) });
  }
  return found;
}

/** Nearest-rank percentile of ascending values. */
export function percentile(ascending: readonly number[], share: number): number | undefined {
  if (ascending.length === 0) return undefined;
  return ascending[Math.max(0, Math.ceil(share * ascending.length) - 1)];
}
