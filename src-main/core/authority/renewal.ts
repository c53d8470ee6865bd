/** When a certificate is due, and how it stands. Pure. */
import type { Random } from '../../base/random';
import type { Health } from '../../contract/nouns';
import { sentence, type Sentence } from '../../contract/sentence';
import type { AuthorityRow, CertificateRow } from '../store';

export const day = 24 * 3_600_000;
/** How long an issued certificate lives when nobody says otherwise. */
export const usualLife = 90 * day;
export const authorityLife = 3650 * day;
/** Certificates begin a little earlier, for clients whose clock is behind. */
export const backdate = 3_600_000;
/** From when on its end is near: below what is left at the usual time of renewal, so that only what went wrong is seen. */
const soon = 7 * day;
const soonAuthority = 60 * day;
const retry = { base: 60_000, cap: 6 * 3_600_000 };

/** Two thirds of its life, less up to a twentieth by chance, so that certificates of one hour are not all renewed in one moment. */
export function renewalTime(notBefore: number, notAfter: number, random: Random): number {
  return Math.round(notBefore + (notAfter - notBefore) * (2 / 3 - random() / 20));
}

/** The names that the next certificate must have, when one is due now; undefined when what is there is good. */
export function due(
  row: CertificateRow,
  options: { now: number; authority: string | undefined; names?: readonly string[] },
): boolean {
  const { issued, failed } = row;
  if (!issued) return false;
  const { now, authority, names = issued.names } = options;
  const wanted =
    now >= issued.renewAt ||
    (authority !== undefined && authority !== issued.authority) ||
    !sameNames(names, issued.names);
  if (!wanted || !failed) return wanted;
  const pause = Math.min(retry.cap, retry.base * 2 ** Math.min(failed.tries - 1, 20));
  // A clock that was put back must not stop the tries for good.
  return now >= failed.at + pause || now < failed.at;
}

export function sameNames(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && [...one].sort().join(' ') === [...other].sort().join(' ');
}

/** Whole days until then, rounded down; 0 once it is over. */
function daysLeft(notAfter: number, now: number): number {
  return Math.max(0, Math.floor((notAfter - now) / day));
}

export function standing(row: CertificateRow, now: number): { health: Health; words: Sentence } {
  const { notBefore, notAfter } = row.facts;
  const days = daysLeft(notAfter, now);
  if (now >= notAfter) return { health: 'critical', words: sentence('certificate.expired') };
  if (now < notBefore) return { health: 'warning', words: sentence('certificate.notYet') };
  if (row.failed) {
    const words = sentence('certificate.failing', { reason: row.failed.reason });
    return { health: notAfter - now < soon ? 'critical' : 'warning', words };
  }
  if (notAfter - now < soon) return { health: 'warning', words: sentence('certificate.soon', { days }) };
  return { health: 'ok', words: sentence('certificate.valid', { days }) };
}

export function authorityStanding({ facts }: AuthorityRow, now: number): { health: Health; words: Sentence } {
  const days = daysLeft(facts.notAfter, now);
  if (now >= facts.notAfter) return { health: 'critical', words: sentence('authority.expired') };
  if (facts.notAfter - now < soonAuthority) return { health: 'warning', words: sentence('authority.soon', { days }) };
  return { health: 'ok', words: sentence('authority.valid', { days }) };
}
