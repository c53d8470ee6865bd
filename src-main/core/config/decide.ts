/** What an act on an item makes of its rows, or why it is refused. Pure: rows in, rows out. */
import type { ConfigFormat, GrayRule, GuardPlan, GuardView } from '../../contract/api/config';
import { PilothouseError, type Problem } from '../../contract/errors';
import { say, sentence, type Sentence } from '../../contract/sentence';
import type { ConfigItemRow, ConfigReleaseRow } from '../store';
import { diffLines } from './diff';
import { checkText } from './formats/check';
import { limits } from './limits';

/** Who acts, when, and the next number over all items. */
export interface Act {
  now: number;
  by: string;
  note: string;
  number: number;
}

export interface Decided {
  item: ConfigItemRow;
  release?: ConfigReleaseRow;
}

export interface Wanted {
  text: string;
  format: ConfigFormat;
  expected: number;
  gray?: GrayRule;
  guard?: GuardPlan;
  /** With a guard: how often each replica had been started. */
  starts?: Record<string, number>;
  restores?: number;
}

/** Publishes a text for all, or for some. `active` is the release that is active now. */
export function publish(item: ConfigItemRow, active: ConfigReleaseRow | undefined, wanted: Wanted, act: Act): Decided {
  sameRelease(item, active, wanted.expected, act.now);
  const problems = checkText(wanted.text, wanted.format, item.schema);
  if (problems.length > 0) throw refusal(sentence('config.wrongText', { item: item.key }), problems);
  const release = appended(
    item,
    active,
    { ...wanted, kind: wanted.gray ? 'gray' : wanted.restores === undefined ? 'publish' : 'rollback' },
    act,
  );
  const next = { ...endGray(item, act.now), newest: release.release, notice: act.number, updatedAt: act.now };
  if (wanted.gray) {
    const guard = wanted.guard && startGuard(wanted.guard, act.now);
    const { gray: rule, starts = {} } = wanted;
    next.gray = { release: release.release, rule, at: act.now, ...(guard ? { guard, starts } : {}) };
  } else {
    next.release = release.release;
  }
  // What was edited is released; what somebody else is editing stays.
  if (next.draft === wanted.text && !wanted.gray) delete next.draft;
  return { item: next, release };
}

/** Makes the gray release the one for all. It is a release of its own, since releases never change. */
export function widen(
  item: ConfigItemRow,
  rows: { active: ConfigReleaseRow | undefined; gray: ConfigReleaseRow | undefined },
  expected: number,
  act: Act,
): Decided {
  const { active, gray } = rows;
  if (!item.gray || !gray) throw noGray(item);
  sameRelease(item, active, expected, act.now);
  const release = appended(
    item,
    active,
    { text: gray.text, format: gray.format, kind: 'publish' },
    { ...act, note: act.note || gray.note },
  );
  const next = {
    ...endGray(item, act.now, 'widened'),
    release: release.release,
    newest: release.release,
    notice: act.number,
    updatedAt: act.now,
  };
  if (next.draft === gray.text) delete next.draft;
  return { item: next, release };
}

/** Ends the gray release. */
export function withdraw(item: ConfigItemRow, act: Act): Decided {
  if (!item.gray) throw noGray(item);
  return { item: { ...endGray(item, act.now), notice: act.number, updatedAt: act.now } };
}

/** Other readers for the gray release; the text stays, so nothing is appended. */
export function regray(item: ConfigItemRow, rule: GrayRule, act: Act): Decided {
  if (!item.gray) throw noGray(item);
  const { release, at } = item.gray;
  const gray = { release, rule, at };
  const guards = endGray(item, act.now).guards;
  return { item: { ...item, gray, guards, notice: act.number, updatedAt: act.now } };
}

/** A guard that is over is remembered beside the item. */
export function remembered(item: ConfigItemRow, guard: GuardView, release: number): ConfigItemRow['guards'] {
  return [{ release, guard }, ...item.guards].slice(0, limits.guards);
}

/** The item without its gray release; a watch that went on ends as withdrawn, unless it was widened by hand. */
function endGray(item: ConfigItemRow, now: number, as: 'withdrawn' | 'widened' = 'withdrawn'): ConfigItemRow {
  const { gray, ...rest } = item;
  if (!gray?.guard) return rest;
  const guard: GuardView =
    gray.guard.state === 'watching' || gray.guard.state === 'stalled'
      ? { ...gray.guard, state: as, health: 'off', until: now, words: sentence('config.guardByHand') }
      : gray.guard;
  return { ...rest, guards: remembered(item, guard, gray.release) };
}

function startGuard(plan: GuardPlan, now: number): GuardView {
  return {
    state: 'watching',
    health: 'progress',
    words: sentence('config.guardWatching'),
    startedAt: now,
    until: now + plan.watch,
    plan,
    watched: [],
  };
}

function appended(
  item: ConfigItemRow,
  active: ConfigReleaseRow | undefined,
  made: { text: string; format: ConfigFormat; kind: ConfigReleaseRow['kind']; restores?: number },
  act: Act,
): ConfigReleaseRow {
  const { added, removed } = diffLines(active?.text ?? '', made.text);
  return {
    item: item.key,
    release: item.newest + 1,
    id: act.number,
    kind: made.kind,
    note: act.note,
    at: act.now,
    by: act.by,
    before: item.release,
    ...(made.restores === undefined ? {} : { restores: made.restores }),
    format: made.format,
    size: made.text.length,
    added,
    removed,
    text: made.text,
  };
}

/** Two editors never overwrite each other in silence. */
export function sameRelease(
  item: ConfigItemRow,
  active: ConfigReleaseRow | undefined,
  expected: number,
  now: number,
): void {
  if (item.release === expected) return;
  const words = active
    ? sentence('config.conflict', {
        item: item.key,
        release: item.release,
        by: active.by,
        seconds: Math.max(0, Math.round((now - active.at) / 1000)),
        expected,
      })
    : sentence('config.conflictNone', { item: item.key, expected });
  throw new PilothouseError({
    code: 'conflict',
    message: say(words),
    words,
    hint: 'Look at the difference, then publish again.',
  });
}

/** A refusal with all that is wrong. */
export function refusal(words: Sentence, problems: readonly Problem[]): PilothouseError {
  const [first] = problems;
  return new PilothouseError({
    code: 'bad-input',
    message: first ? `${say(words)}: ${first.message}` : say(words),
    words,
    ...(first?.where ? { where: first.where } : {}),
    more: [...problems],
  });
}

function noGray(item: ConfigItemRow): PilothouseError {
  const words = sentence('config.noGray', { item: item.key });
  return new PilothouseError({ code: 'conflict', message: say(words), words });
}
