/** All services in one look: what the tray says. */
import type { Health } from '../contract/nouns';
import { shellText, type ShellLanguage } from './texts';

/** What the tray says about all services together. */
export interface Glance {
  needYou: number;
  changing: number;
  total: number;
  away: boolean;
}

/** Counts services by what they ask of the user. */
export function glance(healths: Iterable<Health>, away: boolean): Glance {
  const result: Glance = { needYou: 0, changing: 0, total: 0, away };
  for (const health of healths) {
    result.total += 1;
    if (health === 'critical' || health === 'warning') result.needYou += 1;
    else if (health === 'progress') result.changing += 1;
  }
  return result;
}

/** The glance in words. */
export function glanceText(value: Glance, language: ShellLanguage): string {
  if (value.away) return shellText(language, 'engineAway');
  if (value.needYou > 0) return shellText(language, 'needYou', { count: value.needYou });
  if (value.changing > 0) return shellText(language, 'changing', { count: value.changing });
  return shellText(language, value.total > 0 ? 'well' : 'nothing');
}
