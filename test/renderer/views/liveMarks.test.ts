import { describe, expect, it } from 'vitest';
import type { ChartMark } from '../../../src-renderer/charts/annotations';
import { placeMarks } from '../../../src-renderer/parts/sparkPath';
import { sparkMarks, sparkSpans } from '../../../src-renderer/views/liveMarks';

const write = (at: number): string => `at ${at}`;
const stretch = { from: 1000, to: 2000 };
const mark = (at: number, label = 'scaled'): ChartMark => ({ at, kind: 'event', id: `e${at}`, label });

describe('marks of a sparkline', () => {
  it('are those of its stretch, as shares of it, with their time', () => {
    expect(sparkMarks([mark(999), mark(1000), mark(1500), mark(2001)], stretch, write)).toEqual([
      { id: 'e1500', kind: 'event', share: 0.5, label: 'at 1500  scaled' },
      { id: 'e1000', kind: 'event', share: 0, label: 'at 1000  scaled' },
    ]);
  });
  it('are the newest when there are many', () => {
    const many = Array.from({ length: 100 }, (_, at) => mark(1000 + at));
    expect(sparkMarks(many, stretch, write).map(({ id }) => id)).toEqual(['e1099', 'e1098', 'e1097', 'e1096']);
  });
  it('stand inside, in order of time; those that would cover each other are one that says both', () => {
    const at = (share: number, label: string): Parameters<typeof placeMarks>[0][number] => ({
      id: label,
      share,
      kind: 'rollout',
      label,
    });
    expect(placeMarks([at(1, 'end'), at(0, 'begin'), at(0.97, 'nearly')], 40)).toEqual([
      { x: 3.5, mark: at(0, 'begin') },
      { x: 36.5, mark: { ...at(1, 'nearly\nend'), id: 'end' } },
    ]);
  });
});

describe('alerts below a sparkline', () => {
  it('are cut to its stretch, and last to its end while they fire', () => {
    const spans = sparkSpans(
      [
        { id: 'a', from: 0, to: 999, state: 'critical', label: 'over' },
        { id: 'b', from: 500, to: 1500, state: 'warning', label: 'half' },
        { id: 'c', from: 1750, state: 'critical', label: 'fires' },
      ],
      stretch,
    );
    expect(spans).toEqual([
      { id: 'b 500', from: 0, to: 0.5, state: 'warning', label: 'half' },
      { id: 'c 1750', from: 0.75, to: 1, state: 'critical', label: 'fires' },
    ]);
  });
});
