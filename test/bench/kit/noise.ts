/**
 * How quiet the machine is. Rounds are only comparable on a quiet one, so each is preceded and followed by a look at what others do
 * here (performance.md, section 10).
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** What others did during a look. */
export interface Noise {
  /** Wall time of a fixed loop over its CPU time: 1 is a core of our own. */
  wallPerCpu: number;
  /** Share of all cores that others used while we did nothing, 0 to 1; NaN where the kernel does not tell. */
  background: number;
  /** Share that the hypervisor kept for somebody else. */
  stolen: number;
}

const loopRounds = 12_000_000;
const lookFor = 400;

/** Looks for about half a second. */
export async function probe(): Promise<Noise> {
  const before = cpuTimes();
  await sleep(lookFor);
  const after = cpuTimes();
  const [wall, cpu] = [performance.now(), process.cpuUsage()];
  let value = 1;
  for (let at = 0; at < loopRounds; at += 1) value = (Math.imul(value, 1_103_515_245) + 12_345) | 0;
  const used = process.cpuUsage(cpu);
  // The value is looked at so that no compiler drops the loop.
  const spent = (used.user + used.system) / 1_000 + (value === 0.5 ? 1 : 0);
  const share = (part: 'busy' | 'stolen'): number =>
    before && after ? (after[part] - before[part]) / Math.max(1, after.total - before.total) : NaN;
  return { wallPerCpu: (performance.now() - wall) / spent, background: share('busy'), stolen: share('stolen') };
}

/** The limits of performance.md: 15 % of the machine used by others, 5 % stolen. */
export function isQuiet(noise: Noise): boolean {
  return !(noise.background > 0.15) && !(noise.stolen > 0.05);
}

/** One line for a person. */
export function showNoise(noise: Noise): string {
  const percent = (share: number): string => (Number.isNaN(share) ? '?' : `${Math.round(share * 100)} %`);
  return `noise probe ${noise.wallPerCpu.toFixed(2)} (wall/cpu), background ${percent(noise.background)}, stolen ${percent(noise.stolen)}`;
}

/** The worse of two looks. */
export function worse(one: Noise, other: Noise): Noise {
  return {
    wallPerCpu: Math.max(one.wallPerCpu, other.wallPerCpu),
    background: Math.max(one.background, other.background),
    stolen: Math.max(one.stolen, other.stolen),
  };
}

function cpuTimes(): { busy: number; stolen: number; total: number } | undefined {
  let line: string;
  try {
    line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '';
  } catch {
    return undefined;
  }
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softirq = 0, stolen = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const busy = user + nice + system + irq + softirq;
  return { busy, stolen, total: busy + idle + wait + stolen };
}
