/** The volumes of the memory engine. */
import { EngineError, type EngineVolume } from '../../core/engine';
import { emptyTree, type Tree } from './trees';

interface Volume extends EngineVolume {
  anonymous: boolean;
  tree: Tree;
}

/** What creating a volume needs; `driver` is `local` unless given. */
export interface CreateVolume {
  name: string;
  driver?: string;
  driverOpts: Record<string, string>;
  labels: Record<string, string>;
}

export class Volumes {
  private readonly volumes = new Map<string, Volume>();

  /** `users` returns the ids of the containers that mount a volume, running or not. */
  constructor(
    private readonly world: { now: () => number; users: (name: string) => string[]; diskFull: () => boolean },
  ) {}

  list(): EngineVolume[] {
    return [...this.volumes.values()].map(({ anonymous: _, tree: __, ...volume }) => ({
      ...volume,
      labels: { ...volume.labels },
      users: this.world.users(volume.name).length,
    }));
  }

  has(name: string): boolean {
    return this.volumes.has(name);
  }

  /** False when it exists already: that is no error and does not change it, its labels stay as they were first given. */
  create(request: CreateVolume, anonymous = false): boolean {
    const { name, driverOpts, labels, driver = 'local' } = request;
    const existing = this.volumes.get(name);
    if (existing && existing.driver !== driver) {
      throw new EngineError('name-taken', `create ${name}: conflict: volume name must be unique`);
    }
    if (existing) return false;
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) {
      throw new EngineError('invalid', `"${name}" includes invalid characters for a local volume name`);
    }
    if (this.world.diskFull()) throw new EngineError('no-space', `create ${name}: mkdir: no space left on device`);
    this.volumes.set(name, {
      name,
      driver,
      driverOpts: { ...driverOpts },
      mountpoint: mountpointOf(name),
      labels: { ...labels },
      createdAt: this.world.now(),
      anonymous,
      tree: emptyTree(this.world.now()),
    });
    return true;
  }

  /** Throws `in-use` while a container mounts it. */
  remove(name: string): void {
    if (!this.volumes.has(name)) throw new EngineError('not-found', `get ${name}: no such volume`);
    const users = this.world.users(name);
    if (users.length > 0) throw new EngineError('in-use', `remove ${name}: volume is in use - [${users.join(', ')}]`);
    this.volumes.delete(name);
  }

  /** What lies in it. */
  tree(name: string): Tree {
    const volume = this.volumes.get(name);
    if (!volume) throw new EngineError('not-found', `get ${name}: no such volume`);
    return volume.tree;
  }

  /** Goes with its container. */
  drop(name: string): void {
    this.volumes.delete(name);
  }
}

/** Where the engine keeps the volume's files. */
export function mountpointOf(volume: string): string {
  return `/var/lib/docker/volumes/${volume}/_data`;
}
