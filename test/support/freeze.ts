/** Stops whole processes and lets them go on, for tests of what hangs (Linux). */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Whether every thread of the process has stopped: the state of proc(5) after the command's name, which may hold anything. */
function isStill(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
  });
}

/**
 * Stops the process and resolves once it stands still: a signal takes effect a while after it is sent on a busy machine, and an
 * answer given meanwhile would pass for one of a stopped process.
 */
export async function freeze(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  while (!isStill(pid)) await sleep(1);
}

export function thaw(pid: number): void {
  process.kill(pid, 'SIGCONT');
}
