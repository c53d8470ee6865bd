/**
 * A helper: a container that is made on a volume, never started, and removed. The archive API reads and writes its mounts all the same,
 * so no program of anybody's runs with the volume, no path of the host is followed (S25), and any image that is there will do.
 */
import { fail } from '../../contract/errors';
import type { CreateContainer, Engine, EngineImage } from '../engine';
import { root } from './box';

export const helperLabel = 'io.pilothouse.helper';

/** Where a path of the volume is inside the helper. */
export function inHelper(parts: readonly string[]): string {
  return ['', root, ...parts].join('/');
}

/** The image that a helper is made from: the smallest, busybox before all. */
export function helperImage(images: readonly EngineImage[]): string | undefined {
  const usable = images.filter((image) => image.tags.length > 0);
  const busybox = usable.find((image) => image.tags.some((tag) => /(^|\/)busybox:/.test(tag)));
  const [smallest] = [...usable].sort((one, two) => one.size - two.size);
  return (busybox ?? smallest)?.tags[0];
}

/** Works with a helper on a volume; it is removed whatever happens. */
export async function withHelper<T>(
  engine: Engine,
  options: { volume: string; readOnly: boolean; installId: string; id: string },
  work: (container: string) => Promise<T>,
): Promise<T> {
  const image = helperImage(await engine.images());
  if (image === undefined) {
    throw fail(
      'not-found',
      'Looking into a volume needs an image, and none lies on this engine.',
      'Pull one first: pilothouse image pull busybox',
    );
  }
  const { id } = await engine.create(request(image, options));
  try {
    return await work(id);
  } finally {
    await engine.remove(id, { force: true, anonymousVolumes: true }).catch(() => undefined);
  }
}

/** Removes what helpers an earlier run left behind. */
export async function sweepHelpers(engine: Engine, installId: string): Promise<void> {
  const left = await engine.list({ labels: { [helperLabel]: installId } });
  for (const { id, labels, state } of left) {
    // A label can come from an image (F9); ours never run.
    if (labels[helperLabel] !== installId || state !== 'created') continue;
    await engine.remove(id, { force: true, anonymousVolumes: true });
  }
}

function request(
  image: string,
  options: { volume: string; readOnly: boolean; installId: string; id: string },
): CreateContainer {
  return {
    name: `pilothouse-helper-${options.id}`,
    image,
    labels: { [helperLabel]: options.installId },
    command: ['true'],
    environment: {},
    tty: false,
    stdinOpen: false,
    stopTimeout: 1000,
    host: {
      readOnly: false,
      privileged: false,
      capAdd: [],
      capDrop: ['ALL'],
      securityOpt: ['no-new-privileges'],
      groupAdd: [],
      devices: [],
      extraHosts: [],
      dns: [],
      dnsSearch: [],
      dnsOpt: [],
      sysctls: {},
      ulimits: {},
      tmpfs: {},
      limits: {},
      reservations: {},
      restartPolicy: { name: 'no', maxAttempts: 0 },
      ports: [],
      mounts: [
        { type: 'volume', source: options.volume, target: `/${root}`, readOnly: options.readOnly, noCopy: true },
      ],
      networkMode: 'none',
    },
    networks: [],
  };
}
