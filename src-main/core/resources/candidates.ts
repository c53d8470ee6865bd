/** What a prune would take. Pure: only what is ours, unused, and spoken of by nothing that is declared. */
import type { PrunePlan } from '../../contract/api/storage';
import type { ImageView, VolumeView } from '../../contract/nouns';

/**
 * Volumes that are ours, that no container mounts and no declared stack names.
 * @param declared names that stacks speak of, as they are in force
 * @param replaced volumes whose place a restored one took
 */
export function prunableVolumes(
  volumes: readonly VolumeView[],
  options: { declared: ReadonlySet<string>; replaced: ReadonlySet<string> },
): PrunePlan {
  const items = volumes
    .filter(
      (volume) =>
        // Copies that somebody made by hand belong to no stack: they go only when they are named.
        volume.ours &&
        volume.stack !== undefined &&
        volume.users.length === 0 &&
        !isDeclared(volume.name, options.declared),
    )
    .map((volume) => ({
      name: volume.name,
      ...(volume.size === undefined ? {} : { size: volume.size }),
      why: options.replaced.has(volume.name) ? ('replaced' as const) : ('unused' as const),
    }));
  return { items, bytes: sum(items) };
}

/** Images without a name that nothing uses; with `unused` named ones too that no declared service is made of. */
export function prunableImages(
  images: readonly ImageView[],
  options: { unused: boolean; declared: ReadonlySet<string> },
): PrunePlan {
  const items = images
    .filter((image) => image.users.length === 0)
    .filter((image) =>
      image.tags.length === 0 ? true : options.unused && !image.tags.some((tag) => options.declared.has(tag)),
    )
    .map((image) => ({
      name: image.tags[0] ?? image.id,
      size: image.size,
      why: image.tags.length === 0 ? ('untagged' as const) : ('unused' as const),
    }));
  return { items, bytes: sum(items) };
}

/** Stateful services have one volume per slot: `data-1`, `data-2`. */
function isDeclared(name: string, declared: ReadonlySet<string>): boolean {
  return declared.has(name) || declared.has(name.replace(/-\d+$/, ''));
}

function sum(items: readonly { size?: number }[]): number {
  return items.reduce((total, item) => total + (item.size ?? 0), 0);
}
