/** Which backups a plan lets go. Pure. */
import type { BackupPlan, BackupView } from '../../contract/api/storage';

const day = 86_400_000;

/**
 * Ids of a volume's scheduled backups that are no longer kept: beyond the newest `last`, the newest of each of the last `daily` days and
 * of each of the last `weekly` weeks. Backups that somebody made by hand are never counted and never go.
 * @param offset minutes that local time is ahead of UTC, so that days are the user's
 */
export function expired(
  backups: readonly BackupView[],
  plan: Pick<BackupPlan, 'volume' | 'node' | 'keep'>,
  offset = 0,
): string[] {
  const own = backups
    .filter((backup) => backup.volume === plan.volume && backup.node?.id === plan.node?.id)
    .filter((backup) => backup.reason === 'schedule')
    .sort((one, two) => two.createdAt - one.createdAt);
  const kept = new Set(own.slice(0, plan.keep.last).map((backup) => backup.id));
  const newestOf = (most: number, period: (at: number) => number): void => {
    const seen = new Set<number>();
    for (const backup of own) {
      const key = period(backup.createdAt + offset * 60_000);
      if (seen.has(key)) continue;
      if (seen.size >= most) return;
      seen.add(key);
      kept.add(backup.id);
    }
  };
  newestOf(plan.keep.daily, (at) => Math.floor(at / day));
  // Weeks begin on Monday; the epoch was a Thursday.
  newestOf(plan.keep.weekly, (at) => Math.floor((at / day + 3) / 7));
  return own.filter((backup) => !kept.has(backup.id)).map((backup) => backup.id);
}

/** What the recycle bin lets go: recycled volumes older than `days`. */
export function emptied(backups: readonly BackupView[], now: number, days: number): string[] {
  return backups
    .filter((backup) => backup.reason === 'recycled' && now - backup.createdAt > days * day)
    .map((backup) => backup.id);
}
