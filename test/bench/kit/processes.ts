/** What processes cost, read from /proc; Linux only, as the private engine is. */
import { readFileSync, readdirSync } from 'node:fs';

/** USER_HZ is 100 on every Linux that Node supports: milliseconds per tick of /proc/PID/stat. */
const tick = 10;

/** A process and everything that descends from it, now. */
export function treeOf(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = Number(statOf(Number(entry))?.[1]);
    if (!Number.isNaN(parent)) children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const found = [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

/** CPU milliseconds of processes; with `ended` also of their children that have ended and were waited for. */
export function cpuOf(pids: readonly number[], ended = false): number {
  return pids.reduce((sum, pid) => {
    const fields = statOf(pid) ?? [];
    const ticks = ended ? [11, 12, 13, 14] : [11, 12];
    return sum + ticks.reduce((all, field) => all + Number(fields[field] ?? 0), 0) * tick;
  }, 0);
}

/** Proportional set size of processes in MB: shared pages are split among those who share them. */
export function pssOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    try {
      const found = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
      return sum + Number(found?.[1] ?? 0) / 1_024;
    } catch {
      return sum;
    }
  }, 0);
}

/** What a process of Electron is for: `main`, `renderer`, `gpu-process`, `utility`, `zygote`; undefined when it is gone. */
export function kindOf(pid: number): string | undefined {
  try {
    return /--type=([\w-]+)/.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.[1] ?? 'main';
  } catch {
    return undefined;
  }
}

/** Proportional set size of processes by what they are for, in MB. */
export function pssByKind(pids: readonly number[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const pid of pids) {
    const kind = kindOf(pid);
    if (kind !== undefined) sums.set(kind, (sums.get(kind) ?? 0) + pssOf([pid]));
  }
  return sums;
}

/** dockerd and its containerd: what an act costs the engine, without the containers' own shims. */
export function engineProcesses(daemon: number): number[] {
  return treeOf(daemon).filter((pid) => pid === daemon || Number(statOf(pid)?.[1]) === daemon);
}

/** The fields of /proc/PID/stat after the program's name, which may hold anything: state, parent, … */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
