/** The small file beside the logs: numbering and cursors as of the last change of log. */
import type { FileDisk, TextCodec } from '../../disk';
import type { ContainerCursor } from '../ingest/cursor';
import { microsOf, type Lane } from '../line';

export interface VaultState {
  lanes: (Lane & { next: number })[];
  nextSource: number;
  cursors: Record<string, ContainerCursor>;
}

const name = 'state.json';

/** Reads the state; an absent or damaged file is an empty state. */
export async function readState(tools: { files: FileDisk; text: TextCodec }): Promise<VaultState> {
  const empty: VaultState = { lanes: [], nextSource: 1, cursors: {} };
  const file = (await tools.files.list()).find((own) => own.name === name);
  if (!file) return empty;
  try {
    const state = JSON.parse(tools.text.decode(await tools.files.read(name, 0, file.size))) as Partial<VaultState>;
    if (!Array.isArray(state.lanes) || typeof state.nextSource !== 'number' || typeof state.cursors !== 'object')
      return empty;
    return { ...empty, ...state };
  } catch {
    return empty;
  }
}

/** Writes the state, leaving out cursors that stand before `forget` (epoch milliseconds). */
export async function writeState(
  tools: { files: FileDisk; text: TextCodec },
  state: VaultState,
  forget: number,
): Promise<void> {
  const cursors = Object.fromEntries(
    Object.entries(state.cursors).filter(([, cursor]) =>
      [cursor.stdout, cursor.stderr].some((own) => own !== undefined && microsOf(own.stamp) / 1000 >= forget),
    ),
  );
  await tools.files.write(name, tools.text.encode(JSON.stringify({ ...state, cursors })));
}
