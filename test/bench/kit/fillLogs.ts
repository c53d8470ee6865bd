/** Fills a home's log store with numbered lines, before the app that is measured opens it. */
import { join } from 'node:path';
import { openLogFolder } from '../../../src-main/app/logStore';
import { systemClock } from '../../../src-main/app/clock';
import { Intake } from '../../../src-main/core/logs/ingest/intake';

/** Ten thousand lines a second, of one service. */
const perSecond = 10_000;
const batch = 10_000;

export interface Story {
  /** What a row says; "row N of the story" by default. */
  text?: (row: number) => string;
  service?: string;
  /** Milliseconds at which it ends; now by default. */
  to?: number;
}

/** Writes `rows` lines, numbered from 0; returns the milliseconds of the first and of the end. */
export async function fillLogs(home: string, rows: number, story: Story = {}): Promise<{ from: number; to: number }> {
  const { text = (row) => `row ${row} of the story`, service = 'teller' } = story;
  const to = Math.floor((story.to ?? Date.now()) / 1000) * 1000;
  const from = to - Math.ceil(rows / perSecond) * 1000;
  const folder = join(home, 'history', 'logs');
  const store = await openLogFolder(folder, { bytes: 64 * 1024 ** 3, age: 365 * 24 * 60 * 60 * 1000 }, systemClock);
  const intake = new Intake({ clock: systemClock, state: await store.state(), append: (more) => store.append(more) });
  const source = intake.source({
    container: service,
    stack: 'story',
    service,
    slot: 1,
    generation: 1,
    revision: 1,
  });
  for (let row = 0; row < rows; row++) {
    intake.add(source, { time: from * 1000 + row * (1_000_000 / perSecond), flags: 3, text: text(row) });
    if (row % batch === batch - 1) await intake.flush();
  }
  await intake.flush();
  intake.dispose();
  await store.close();
  return { from, to: to - 1 };
}
