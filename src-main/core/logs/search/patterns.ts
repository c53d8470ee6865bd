/** Which kinds of lines there are in a time, and which of them there were not in another. */
import type { Clock } from '../../../base/clock';
import type { Signal } from '../../../base/lifecycle';
import type { LogPatterns } from '../../../contract/api/observe';
import { fail } from '../../../contract/errors';
import { levelBits, levelNames } from '../line';
import type { Vault } from '../segment/vault';
import type { PatternRequest } from '../store';
import { Miner, type Template } from './mine';
import { compileSelection, rangeOf, Run } from './run';
import { scanBlock, type TimeRange } from './scan';

/** Lines looked at in each of the two times; the newest ones. */
const mostLines = 200_000;

/** Answers `logs.patterns`. */
export async function searchPatterns(
  tools: { vault: Vault; clock: Clock },
  request: PatternRequest,
  signal: Signal,
): Promise<LogPatterns> {
  const { from, to, before, limit } = request;
  if (to < from || (before && before.to < before.from))
    throw fail('bad-input', 'The time range ends before it starts.');
  const matcher = compileSelection(request);
  const run = new Run(tools.vault, tools.clock, signal);
  const miner = new Miner();
  let cut = false;
  const read = async (range: TimeRange, isBefore: boolean): Promise<void> => {
    const candidates = await run.candidates(matcher, range, false);
    candidates.sort((left, right) => right.meta.to - left.meta.to);
    let looked = 0;
    await run.each(candidates, (block, { verdict }) => {
      scanBlock(block, matcher, { range, verdict, markers: false }, (index) => {
        const source = block.source(index);
        looked += 1;
        miner.offer({
          text: block.plainLine(index),
          level: block.flags(index) & levelBits,
          service: source.stack === '' ? source.service : `${source.stack}/${source.service}`,
          time: block.time(index),
          before: isBefore,
        });
      });
      cut ||= looked >= mostLines;
      return looked < mostLines;
    });
  };
  // The earlier time first, so that templates are as wide as they have become when the later one is counted.
  if (before) await read(rangeOf(before.from, before.to), true);
  await read(rangeOf(from, to), false);
  const answer: LogPatterns = {
    patterns: miner.templates.sort(order).slice(0, limit).map(viewOf),
    lines: miner.lines,
    linesBefore: miner.linesBefore,
    others: miner.others,
  };
  if (run.partial || cut) answer.partial = true;
  return answer;
}

/** What is new first, then what there is most of. */
function order(left: Template, right: Template): number {
  const isNew = (one: Template): number => (one.before === 0 ? 1 : 0);
  return isNew(right) - isNew(left) || right.count - left.count || right.before - left.before;
}

function viewOf(template: Template): LogPatterns['patterns'][number] {
  return {
    template: template.words.join(' '),
    example: template.example,
    count: template.count,
    before: template.before,
    level: levelNames[template.level] ?? 'unknown',
    services: [...template.services].sort(),
    firstAt: template.first / 1000,
    lastAt: template.last / 1000,
  };
}
