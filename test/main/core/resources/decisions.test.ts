/** The pure decisions: what is kept, what may go, which addresses overlap, which paths lead inside. */
import { describe, expect, it } from 'vitest';
import type { BackupView } from '../../../../src-main/contract/api/storage';
import type { ImageView, VolumeView } from '../../../../src-main/contract/nouns';
import { emptied, expired, overlap, partsOf } from '../../../../src-main/core/resources';
import { prunableImages, prunableVolumes } from '../../../../src-main/core/resources/candidates';
import { due, nextRun } from '../../../../src-main/core/resources/schedule';

const day = 86_400_000;
const monday = Date.UTC(2026, 0, 5, 3);

function backup(at: number, more: Partial<BackupView> = {}): BackupView {
  const facts = { entries: 1, bytes: 1, packed: 1, sha256: '' };
  return { id: `b${at}`, volume: 'data', createdAt: at, reason: 'schedule', mode: 'live', ...facts, ...more };
}

describe('retention', () => {
  const nightly = Array.from({ length: 60 }, (_, night) => backup(monday - night * day));

  it('keeps the newest, one for each day and one for each week', () => {
    const gone = new Set(expired(nightly, { volume: 'data', keep: { last: 2, daily: 5, weekly: 3 } }));
    const kept = nightly.filter((one) => !gone.has(one.id)).map((one) => (monday - one.createdAt) / day);
    // Five days; the weeks of today, and the Sundays one and eight days back.
    expect(kept).toEqual([0, 1, 2, 3, 4, 8]);
  });

  it('never counts or drops what somebody made, and looks at one volume only', () => {
    const mixed = [
      backup(monday, { reason: 'manual' }),
      backup(monday - day),
      backup(monday - 2 * day, { volume: 'other' }),
    ];
    expect(expired(mixed, { volume: 'data', keep: { last: 1, daily: 0, weekly: 0 } })).toEqual([]);
  });

  it('days are those of the user', () => {
    const [evening, night] = [backup(Date.UTC(2026, 0, 5, 23, 30)), backup(Date.UTC(2026, 0, 6, 0, 30))];
    const keep = { last: 1, daily: 2, weekly: 0 };
    expect(expired([night, evening], { volume: 'data', keep })).toEqual([]);
    expect(expired([night, evening], { volume: 'data', keep }, 60)).toEqual([evening.id]);
  });

  it('the recycle bin is emptied by age, and of nothing else', () => {
    const bin = [
      backup(0, { reason: 'recycled' }),
      backup(1, { reason: 'manual' }),
      backup(40 * day, { reason: 'recycled' }),
    ];
    expect(emptied(bin, 41 * day, 30)).toEqual(['b0']);
  });
});

describe('pruning', () => {
  const volume = (name: string, more: Partial<VolumeView> = {}): VolumeView => ({
    name,
    stack: 'shop',
    driver: 'local',
    users: [],
    createdAt: 1,
    ours: true,
    size: 10,
    ...more,
  });

  it('takes only what is ours, unused and not declared', () => {
    const volumes = [
      volume('old'),
      volume('theirs', { ours: false }),
      volume('used', { users: ['shop/db.1'] }),
      volume('declared'),
      volume('slots-2'),
      volume('copy', { stack: undefined } as unknown as VolumeView),
      volume('before'),
    ];
    const plan = prunableVolumes(volumes, { declared: new Set(['declared', 'slots']), replaced: new Set(['before']) });
    expect(plan.items.map((item) => `${item.name} ${item.why}`)).toEqual(['old unused', 'before replaced']);
    expect(plan.bytes).toBe(20);
  });

  it('takes untagged images, and others only when asked', () => {
    const image = (id: string, tags: string[], users: string[] = []): ImageView => ({
      id,
      tags,
      size: 5,
      createdAt: 1,
      users,
    });
    const images = [image('a', []), image('b', [], ['x']), image('c', ['c:1']), image('d', ['d:1'])];
    const declared = new Set(['d:1']);
    expect(prunableImages(images, { unused: false, declared }).items.map((item) => item.name)).toEqual(['a']);
    expect(prunableImages(images, { unused: true, declared }).items.map((item) => item.name)).toEqual(['a', 'c:1']);
  });
});

it.each([
  ['10.0.0.0/8', '10.4.0.0/16', true],
  ['172.17.0.0/16', '172.18.0.0/16', false],
  ['0.0.0.0/0', '1.2.3.4/32', true],
  ['fd00::/8', 'fd12:3456::/32', true],
  ['fd00::/8', '10.0.0.0/8', false],
  ['fe80::1/128', 'fe80::2/128', false],
  ['nonsense', '10.0.0.0/8', false],
  ['10.0.0.0/33', '10.0.0.0/8', false],
])('%s and %s overlap: %s', (one, two, answer) => {
  expect(overlap(one, two)).toBe(answer);
  expect(overlap(two, one)).toBe(answer);
});

it.each([
  ['a/b', ['a', 'b']],
  ['./a//b/.', ['a', 'b']],
  ['', []],
  ['-rf', ['-rf']],
  ['a\nb', ['a\nb']],
  ['../x', undefined],
  ['a/../b', undefined],
  ['/etc', undefined],
  ['a\0b', undefined],
])('the path %j', (path, parts) => expect(partsOf(path)).toEqual(parts));

it('a plan runs at its time and is due after it', () => {
  const next = nextRun('0 3 * * *', monday) ?? 0;
  expect(new Date(next).getHours()).toBe(3);
  const plan = {
    volume: 'v',
    cron: '0 3 * * *',
    mode: 'live' as const,
    keep: { last: 1, daily: 0, weekly: 0 },
    nextRun: next,
  };
  expect(due([plan], next - 1)).toEqual([]);
  expect(due([plan], next)).toEqual([plan]);
  expect(() => nextRun('every night', monday)).toThrow();
  expect(() => nextRun('99 3 * * *', monday)).toThrow();
});
