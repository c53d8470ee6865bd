/** Backups by plan: looked at once a minute; what was missed while the app was closed is made up for once. */
import { Cron } from 'croner';
import type { BackupPlan } from '../../contract/api/storage';
import { fail } from '../../contract/errors';

/** When a plan runs next after `after`, in local time. Throws a problem for what is no cron. */
export function nextRun(cron: string, after: number): number | undefined {
  if (cron.trim().split(/\s+/).length !== 5)
    throw fail('bad-input', `${cron} is not five fields of cron.`, 'For every night at three: 0 3 * * *');
  try {
    return new Cron(cron, { paused: true }).nextRun(new Date(after))?.getTime();
  } catch {
    throw fail('bad-input', `${cron} is not a time that cron knows.`, 'For every night at three: 0 3 * * *');
  }
}

/** Plans whose time has come. */
export function due(plans: readonly BackupPlan[], now: number): BackupPlan[] {
  return plans.filter((plan) => plan.nextRun !== undefined && plan.nextRun <= now);
}
