/**
 * A helper: a container that is made on a volume, never started, and removed. The archive API reads and writes its mounts all the same,
 * so no program of anybody's runs with the volume, no path of the host is followed (S25), and any image that is there will do.
 *
 * Looking into a folder is the one exception: the archive API would send everything below it. There a helper runs, with the volume
 * read-only, no network, no shell, and no capability but to read what others own.
 */
import { fail } from '../../contract/errors';
import { bareHost, EngineError, type CreateContainer, type Engine, type EngineImage } from '../engine';
import { root } from './box';
import { listPage, type Listing } from './listing';

export const helperLabel = 'io.pilothouse.helper';
const namePrefix = 'pilothouse-helper-';
/** A helper that runs ends by itself when the app did not get to it. Seconds. */
const longestRun = 120;

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

export interface HelpersWorld {
  engine: () => Engine;
  installId: () => string;
  nextId: () => string;
}

/** How a helper is made. */
interface Kind {
  volume: string;
  readOnly: boolean;
  /** It runs, doing nothing, so that programs can be run in it. */
  running?: boolean;
}

/** The helpers of this run of the app. */
export class Helpers {
  /** Names of those in use. */
  private readonly live = new Set<string>();
  /** One could not be removed, or an earlier run may have left some. */
  untidy = false;

  constructor(private readonly world: HelpersWorld) {}

  /** Works with a helper on a volume; it is removed whatever happens. */
  async on<T>(kind: Kind, work: (engine: Engine, container: string) => Promise<T>): Promise<T> {
    const engine = this.world.engine();
    const image = helperImage(await engine.images());
    if (image === undefined) {
      throw fail(
        'not-found',
        'Looking into a volume needs an image, and none lies on this engine.',
        'Pull one first: pilothouse image pull busybox',
      );
    }
    const made = request(`${namePrefix}${this.world.nextId()}`, image, kind, this.world.installId());
    this.live.add(made.name);
    try {
      const { id } = await engine.create(made);
      try {
        if (kind.running) await engine.start(id);
        return await work(engine, id);
      } finally {
        await engine.remove(id, { force: true, anonymousVolumes: true }).catch(() => (this.untidy = true));
      }
    } finally {
      this.live.delete(made.name);
    }
  }

  /** A page of a folder, listed by a helper that runs; undefined where that cannot be done, such as with an image without programs. */
  async list(volume: string, page: Parameters<typeof listPage>[2]): Promise<Listing | undefined> {
    try {
      return await this.on({ volume, readOnly: true, running: true }, (engine, id) => listPage(engine, id, page));
    } catch (error) {
      // It could not be started, ended at once, or has no such program: all but an engine that is away.
      if (error instanceof EngineError && error.code !== 'away') return undefined;
      throw error;
    }
  }

  /** Removes what nobody works with any more: what an earlier run left, or what could not be removed then. */
  async sweep(engine: Engine): Promise<void> {
    const installId = this.world.installId();
    const left = await engine.list({ labels: { [helperLabel]: installId } });
    for (const { id, name, labels } of left) {
      // A label can come from an image (F9), a name cannot.
      if (labels[helperLabel] !== installId || !name.startsWith(namePrefix) || this.live.has(name)) continue;
      await engine.remove(id, { force: true, anonymousVolumes: true });
    }
    this.untidy = false;
  }
}

function request(name: string, image: string, kind: Kind, installId: string): CreateContainer {
  const running = kind.running === true;
  return {
    name,
    image,
    labels: { [helperLabel]: installId },
    ...(running ? { entrypoint: ['sleep'], command: [String(longestRun)], user: '0:0' } : { command: ['true'] }),
    environment: {},
    tty: false,
    stdinOpen: false,
    stopTimeout: 1000,
    // No image's own check shall run in it.
    healthcheck: { test: ['NONE'] },
    host: {
      ...bareHost(),
      readOnly: running,
      capAdd: running ? ['DAC_READ_SEARCH'] : [],
      mounts: [{ type: 'volume', source: kind.volume, target: `/${root}`, readOnly: kind.readOnly, noCopy: true }],
      networkMode: 'none',
      ...(running ? { limits: { pids: 32, memory: 128 * 1024 * 1024 } } : {}),
    },
    networks: [],
  };
}
