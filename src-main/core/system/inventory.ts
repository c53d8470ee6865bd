/** What lies on the engine besides replicas: volumes, networks, images, foreign containers. */
import type { ForeignContainer, ImageView, NetworkView, VolumeView } from '../../contract/nouns';
import type { ContainerDetail, ContainerSummary, Engine } from '../engine';
import type { Store } from '../store';

/** Compose's own labels, by which foreign projects are grouped. */
const projectLabel = 'com.docker.compose.project';
const serviceLabel = 'com.docker.compose.service';
const installLabel = 'io.pilothouse.install';
const stackLabel = 'io.pilothouse.stack';

/** Inspecting is cheap (a millisecond each) but not free: so many containers at most are asked for their mounts. */
const mostInspected = 500;
const inspectedAtOnce = 8;

/** Reads the inventory of one engine. A container's mounts never change, so they are remembered. */
export class Inventory {
  private readonly mounts = new Map<string, string[]>();

  constructor(private readonly store: Store) {}

  /** @param isAt whether what a row says lies on this engine */
  async volumes(engine: Engine, isAt: (node: string | undefined) => boolean): Promise<VolumeView[]> {
    const [volumes, containers] = await Promise.all([engine.volumes(), engine.list()]);
    const users = await this.volumeUsers(engine, containers);
    return volumes.map((volume) => {
      const row = this.store.get('resources', `volume:${volume.name}`);
      const view: VolumeView = {
        name: volume.name,
        driver: volume.driver,
        users: users.get(volume.name) ?? [],
        createdAt: volume.createdAt,
        ours: row !== undefined && isAt(row.node),
      };
      if (volume.size !== undefined) view.size = volume.size;
      const stack = stackOf(volume.labels);
      if (stack) view.stack = stack;
      return view;
    });
  }

  async networks(engine: Engine): Promise<NetworkView[]> {
    const networks = await engine.networks();
    const details = await inTurn(networks, (network) => engine.inspectNetwork(network.id));
    return networks.map((network, index) => {
      const view: NetworkView = {
        id: network.id,
        name: network.name,
        driver: network.driver,
        internal: network.internal,
        subnets: network.subnets,
        users: Object.values(details[index]?.containers ?? {})
          .map((name) => this.displayName(name))
          .sort(),
        ours: this.store.get('resources', `network:${network.name}`) !== undefined,
        createdAt: network.createdAt,
      };
      const stack = stackOf(network.labels);
      if (stack) view.stack = stack;
      return view;
    });
  }

  async images(engine: Engine): Promise<ImageView[]> {
    const [images, containers] = await Promise.all([engine.images(), engine.list()]);
    return images
      .map((image) => ({
        id: image.id,
        tags: image.tags,
        size: image.size,
        createdAt: image.createdAt,
        users: containers
          .filter((container) => container.imageId === image.id)
          .map((container) => this.displayName(container.name))
          .sort(),
      }))
      .sort((one, two) => (one.tags[0] ?? '~').localeCompare(two.tags[0] ?? '~'));
  }

  async foreign(engine: Engine): Promise<ForeignContainer[]> {
    const containers = await engine.list();
    const adopted = new Set(
      this.store.all('attempts').flatMap((attempt) => (attempt.adopted === true ? [attempt.containerId] : [])),
    );
    return containers
      .filter((container) => !this.isOurs(container) && !adopted.has(container.id))
      .map((container) => {
        const view: ForeignContainer = {
          id: container.id,
          name: container.name,
          image: container.image,
          state: container.state,
          createdAt: container.createdAt,
        };
        const project = container.labels[projectLabel];
        const service = container.labels[serviceLabel];
        if (project) view.composeProject = project;
        if (service) view.composeService = service;
        return view;
      })
      .sort(byName);
  }

  /** Ours is what carries our label and has a row of ours: labels alone can come from an image (F9). */
  private isOurs(container: ContainerSummary): boolean {
    const install = this.store.get('meta', 'meta')?.installId ?? this.store.all('meta')[0]?.installId;
    return (
      install !== undefined &&
      container.labels[installLabel] === install &&
      this.store.get('attempts', container.name) !== undefined
    );
  }

  private displayName(container: string): string {
    const attempt = this.store.get('attempts', container);
    return attempt ? `${attempt.service}.${attempt.slot}` : container;
  }

  private async volumeUsers(engine: Engine, containers: readonly ContainerSummary[]): Promise<Map<string, string[]>> {
    const present = new Set(containers.map((container) => container.id));
    for (const id of this.mounts.keys()) if (!present.has(id)) this.mounts.delete(id);
    const unknown = containers.filter((container) => !this.mounts.has(container.id)).slice(0, mostInspected);
    await inTurn(unknown, async (container) => {
      const detail = await engine.inspect(container.id);
      if (detail) this.mounts.set(container.id, volumeNames(detail));
    });
    const users = new Map<string, string[]>();
    for (const container of containers) {
      for (const volume of this.mounts.get(container.id) ?? []) {
        users.set(volume, [...(users.get(volume) ?? []), this.displayName(container.name)].sort());
      }
    }
    return users;
  }
}

function volumeNames(detail: ContainerDetail): string[] {
  return detail.mounts.flatMap((mount) => (mount.type === 'volume' && mount.name ? [mount.name] : []));
}

function stackOf(labels: Record<string, string>): string | undefined {
  return labels[stackLabel] ?? labels[projectLabel];
}

/** By name, and things of one name by their nodes. */
export function byName(
  one: { name: string; node?: { name: string } },
  two: { name: string; node?: { name: string } },
): number {
  return one.name.localeCompare(two.name) || (one.node?.name ?? '').localeCompare(two.node?.name ?? '');
}

/** Runs `work` for each item, a few at a time, results in order; an item that fails gives undefined. */
async function inTurn<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<(Result | undefined)[]> {
  const results: (Result | undefined)[] = new Array<Result | undefined>(items.length).fill(undefined);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      const item = items[index] as Item;
      results[index] = await work(item).catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: inspectedAtOnce }, worker));
  return results;
}
