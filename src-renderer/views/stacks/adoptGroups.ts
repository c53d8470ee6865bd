/** Containers made elsewhere, as they are offered for adoption. Pure. */
import type { ForeignContainer } from '../../../src-main/contract/nouns';

export interface ForeignGroup {
  /** Compose's project; absent for containers without one. */
  project?: string;
  rows: ForeignContainer[];
  /** Those that can be adopted: they run. */
  able: ForeignContainer[];
}

/** Projects by name, single containers last. */
export function groupForeign(rows: readonly ForeignContainer[]): ForeignGroup[] {
  const groups = new Map<string, ForeignContainer[]>();
  for (const row of rows) groups.set(row.composeProject ?? '', [...(groups.get(row.composeProject ?? '') ?? []), row]);
  return [...groups]
    .sort(([left], [right]) => (left === '' ? 1 : right === '' ? -1 : left.localeCompare(right)))
    .map(([project, members]) => ({
      ...(project === '' ? {} : { project }),
      rows: members,
      able: members.filter((row) => row.state === 'running' || row.state === 'paused'),
    }));
}

/** A name for the stack: the project's when all that is chosen is of one, else the first container's. */
export function stackNameOf(groups: readonly ForeignGroup[], chosen: ReadonlySet<string>): string {
  const picked = groups.flatMap((group) => group.rows.filter((row) => chosen.has(row.id)));
  const projects = new Set(picked.map((row) => row.composeProject ?? ''));
  const [project] = projects;
  const wanted = projects.size === 1 && project ? project : (picked[0]?.name ?? '');
  return wanted
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 63);
}
