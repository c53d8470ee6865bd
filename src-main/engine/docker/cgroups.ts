/**
 * Where the kernel keeps a container's counters, on this machine and in both generations of control groups. The process id from
 * `inspect` leads to the group (`/proc/PID/cgroup`), under whatever parent the engine was told to use; the container's id in that
 * path proves that the process is the one we mean and not one of the same number inside a virtual machine.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** A mounted hierarchy: `root` is the part of the tree that is visible at `point`. */
interface Hierarchy {
  root: string;
  point: string;
}

/** What of the control groups this process can see. */
export interface CgroupMounts {
  generation: 1 | 2;
  /** Generation 1: by controller. Generation 2: the one hierarchy under the name ''. */
  hierarchies: ReadonlyMap<string, Hierarchy>;
}

/** The folders that hold one container's counters. */
export interface CgroupFolders {
  generation: 1 | 2;
  cpu: string;
  /** Where throttling is counted. */
  quota: string;
  memory: string;
  block: string;
  pids: string;
}

/** Where `/proc` and `/sys` are looked for; another folder in tests. */
const ROOT = '/';

/** @returns undefined where there are no control groups that can be read */
export function readMounts(root: string = ROOT): CgroupMounts | undefined {
  const first = new Map<string, Hierarchy>();
  let second: Hierarchy | undefined;
  for (const line of readLines(join(root, 'proc/self/mountinfo'))) {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , tree = '', place = ''] = before.split(' ');
    const [type, , options = ''] = after.split(' ');
    const hierarchy = { root: tree, point: join(root, unescapeMount(place)) };
    // The first mount wins: later ones are copies elsewhere.
    if (type === 'cgroup2') second ??= hierarchy;
    if (type !== 'cgroup') continue;
    for (const name of options.split(',')) if (!first.has(name)) first.set(name, hierarchy);
  }
  if (first.has('cpuacct') && first.has('memory')) return { generation: 1, hierarchies: first };
  return second ? { generation: 2, hierarchies: new Map([['', second]]) } : undefined;
}

/**
 * The folders of a running container, or undefined when its group cannot be seen from here.
 * @param container its full id
 * @param pid its first process, as the engine told it
 */
export function findCgroup(
  mounts: CgroupMounts,
  { container, pid, root = ROOT }: { container: string; pid: number; root?: string },
): CgroupFolders | undefined {
  const groups = new Map<string, string>();
  for (const line of readLines(join(root, 'proc', String(pid), 'cgroup'))) {
    const [, controllers = '', ...rest] = line.split(':');
    for (const controller of controllers.split(',')) groups.set(controller, rest.join(':'));
  }
  const folder = (controller: string): string | undefined => {
    const hierarchy = mounts.hierarchies.get(controller);
    if (!hierarchy) return undefined;
    const group = containerGroup(groups.get(controller) ?? '', container);
    return group === undefined ? undefined : visiblePath(hierarchy, group);
  };
  if (mounts.generation === 2) {
    const found = folder('') ?? searchGroup(mounts.hierarchies.get(''), container);
    return found === undefined
      ? undefined
      : { generation: 2, cpu: found, quota: found, memory: found, block: found, pids: found };
  }
  const [cpu, memory] = [folder('cpuacct'), folder('memory')];
  if (cpu === undefined || memory === undefined) return undefined;
  const or = (controller: string): string => folder(controller) ?? '';
  return { generation: 1, cpu, quota: or('cpu'), memory, block: or('blkio'), pids: or('pids') };
}

/**
 * The group named after the container in the path of one of its processes. A container's own init may have moved itself into a
 * group below (systemd does); the counters we want are those of the whole container.
 */
function containerGroup(path: string, container: string): string | undefined {
  if (path.includes('/../')) return undefined;
  const segments = path.split('/');
  const at = segments.findIndex((segment) => segment.includes(container));
  return at < 0 ? undefined : segments.slice(0, at + 1).join('/');
}

/** A path of the tree as a folder: less the part above the mount's root. */
function visiblePath(hierarchy: Hierarchy, group: string): string | undefined {
  if (hierarchy.root === '/') return join(hierarchy.point, group);
  return group.startsWith(`${hierarchy.root}/`) ? join(hierarchy.point, group.slice(hierarchy.root.length)) : undefined;
}

/** How many folders a search looks at, and how deep. */
const MOST_FOLDERS = 5_000;
const DEEPEST = 8;

/** Breadth first for a folder named after the container, where its path cannot be told: our own group may hide it. */
function searchGroup(hierarchy: Hierarchy | undefined, container: string): string | undefined {
  if (!hierarchy) return undefined;
  let level = [hierarchy.point];
  let looked = 0;
  for (let depth = 0; depth < DEEPEST && level.length > 0; depth += 1) {
    const next: string[] = [];
    for (const folder of level) {
      if ((looked += 1) > MOST_FOLDERS) return undefined;
      for (const name of readFolders(folder)) {
        if (name.includes(container)) return join(folder, name);
        next.push(join(folder, name));
      }
    }
    level = next;
  }
  return undefined;
}

function readFolders(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}

/** mountinfo writes blanks and the like in octal. */
function unescapeMount(place: string): string {
  return place.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
