/** The images of the memory engine: those on its disk, and those it can pull from a registry that is only in its mind. */
import { hash32, seeded, type Random } from '../../base/random';
import type { HealthcheckSpec } from '../../contract/spec';
import { EngineError, type EngineImage } from '../../core/engine';
import { fills, wander, type ProgramContext, type ProgramSource, type Program } from './programs';

/** An image as a scenario declares it. */
export interface ImageDefinition {
  /** `name[:tag]`. */
  reference: string;
  program?: ProgramSource;
  /** Bytes. */
  size?: number;
  labels?: Record<string, string>;
  exposed?: number[];
  volumes?: string[];
  healthcheck?: HealthcheckSpec;
  environment?: Record<string, string>;
  command?: string[];
  stopSignal?: string;
  /** On the disk from the start; default true. */
  local?: boolean;
  /** Can be pulled; default true. `denied`: the registry wants a login. */
  pullable?: boolean | 'denied';
}

/** An image with everything filled in. */
export interface MemoryImage extends Required<
  Omit<ImageDefinition, 'local' | 'healthcheck' | 'stopSignal' | 'program'>
> {
  id: string;
  createdAt: number;
  program?: ProgramSource;
  healthcheck?: HealthcheckSpec;
  stopSignal?: string;
}

const mebibyte = 1024 * 1024;

/** `nginx` and `docker.io/library/nginx:latest` are one image: the short form with its tag. */
export function normalizeReference(reference: string): string {
  const short = reference.replace(/^(?:(?:registry-1\.|index\.)?docker\.io\/)?(?:library\/)?/, '');
  if (short.includes('@')) return short;
  return short.lastIndexOf(':') > short.lastIndexOf('/') ? short : `${short}:latest`;
}

/** The disk and the registry. */
export class Images {
  private readonly local = new Map<string, MemoryImage>();
  private readonly registry = new Map<string, MemoryImage>();
  private readonly missing = new Set<string>();

  /** With `anyReference`, what nobody declared can be pulled too and behaves as its name suggests. */
  constructor(
    definitions: readonly ImageDefinition[],
    private readonly options: { anyReference: boolean; now: () => number },
  ) {
    for (const definition of definitions) this.declare(definition);
  }

  /** Adds or replaces an image. */
  declare(definition: ImageDefinition): MemoryImage {
    const image = this.complete(definition);
    this.missing.delete(image.reference);
    if (definition.pullable !== false) this.registry.set(image.reference, image);
    if (definition.local !== false) this.local.set(image.reference, image);
    return image;
  }

  /** The image on the disk, by reference or id. */
  find(reference: string): MemoryImage | undefined {
    const exact = this.local.get(normalizeReference(reference));
    if (exact) return exact;
    return [...this.local.values()].find(
      (image) => image.id === reference || image.id.startsWith(`sha256:${reference}`),
    );
  }

  list(): MemoryImage[] {
    return [...this.local.values()];
  }

  /** What a pull of this reference would bring; throws `no-image` or `denied`. */
  lookUp(reference: string): MemoryImage {
    const name = normalizeReference(reference);
    const image = this.registry.get(name);
    if (image?.pullable === 'denied') {
      throw new EngineError('denied', `Head ${name}: unauthorized: authentication required`);
    }
    if (image) return image;
    if (this.options.anyReference && !this.missing.has(name)) return this.complete({ reference: name });
    throw new EngineError('no-image', `manifest for ${name} not found: manifest unknown`);
  }

  /** Gives an image one more name, which is one more row here. */
  tag(reference: string, tag: string): MemoryImage {
    const image = this.find(reference);
    if (!image) throw new EngineError('not-found', `No such image: ${reference}`);
    const named = { ...image, reference: normalizeReference(tag) };
    this.keep(named);
    return named;
  }

  keep(image: MemoryImage): void {
    this.local.set(image.reference, image);
  }

  /** Takes an image off the disk; with `registry` it cannot be pulled again either. */
  drop(reference: string, options: { registry: boolean }): MemoryImage | undefined {
    const name = normalizeReference(reference);
    const image = this.find(reference);
    if (image) this.local.delete(image.reference);
    if (options.registry) {
      this.registry.delete(name);
      this.missing.add(name);
    }
    return image;
  }

  private complete(definition: ImageDefinition): MemoryImage {
    const reference = normalizeReference(definition.reference);
    const random = seeded(hash32(reference));
    const known = likeness(reference);
    return {
      size: Math.round((3 + 180 * random() ** 2) * mebibyte),
      labels: {},
      exposed: [],
      volumes: [],
      environment: {},
      command: [],
      pullable: true,
      ...known,
      ...definition,
      reference,
      id: `sha256:${hexadecimal(random, 64)}`,
      createdAt: this.options.now() - Math.round(random() * 90 * 86_400_000),
    };
  }
}

/** The image as the port shows it. */
export function showImage(image: MemoryImage): EngineImage {
  return {
    id: image.id,
    tags: [image.reference],
    digests: [`${image.reference.replace(/:[^:/]*$/, '')}@${image.id}`],
    size: image.size,
    createdAt: image.createdAt,
    labels: { ...image.labels },
    architecture: 'amd64',
    exposed: [...image.exposed],
    healthcheck: image.healthcheck !== undefined && image.healthcheck.test[0] !== 'NONE',
    volumes: [...image.volumes],
  };
}

/** `length` hexadecimal digits. */
export function hexadecimal(random: Random, length: number): string {
  let text = '';
  while (text.length < length) {
    text += Math.floor(random() * 4294967296)
      .toString(16)
      .padStart(8, '0');
  }
  return text.slice(0, length);
}

/** What the name of an image lets one expect of it. */
function likeness(reference: string): Partial<ImageDefinition> {
  const path = reference.replace(/[:@].*$/, '');
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (/^(?:nginx|httpd|caddy|traefik|haproxy|envoy)/.test(name)) return webServer(name);
  if (/^(?:redis|valkey|memcached|keydb)/.test(name)) return cacheServer(name);
  if (/^(?:postgres|mysql|mariadb|mongo|clickhouse|timescale)/.test(name)) return database(name);
  if (name === 'busybox' || name === 'alpine' || name === 'debian' || name === 'ubuntu')
    return { size: 4 * mebibyte, program: shellProgram };
  if (name === 'demo-app') return { size: mebibyte, exposed: [8080], program: demoApp };
  return { program: service };
}

function webServer(name: string): Partial<ImageDefinition> {
  const program: Partial<Program> = {
    readyAfter: 120,
    cpu: wander(0.05, 0.045),
    memory: fills(9 * mebibyte),
    network: wander(60_000, 45_000),
    logs: { perSecond: 4, style: 'access' },
    prints: [{ after: 60, text: `${name}: configuration complete; ready for start up` }],
  };
  return { size: 48 * mebibyte, exposed: [80], stopSignal: 'SIGQUIT', program };
}

function cacheServer(name: string): Partial<ImageDefinition> {
  const program: Partial<Program> = {
    readyAfter: 80,
    cpu: wander(0.03, 0.02),
    memory: fills(28 * mebibyte),
    network: wander(24_000, 15_000),
    logs: { perSecond: 0.2, style: 'cache' },
    prints: [{ after: 40, text: `1:M * Ready to accept connections tcp (${name})` }],
  };
  return { size: 41 * mebibyte, exposed: [6379], volumes: ['/data'], program };
}

function database(name: string): Partial<ImageDefinition> {
  const program: Partial<Program> = {
    readyAfter: 1800,
    onStop: { after: 240, code: 0 },
    cpu: wander(0.12, 0.1),
    memory: fills(190 * mebibyte),
    network: wander(30_000, 24_000),
    logs: { perSecond: 0.6, style: 'database' },
    prints: [{ after: 1700, text: `LOG:  database system is ready to accept connections (${name})`, stream: 'stderr' }],
  };
  const home = name.startsWith('postgres') ? '/var/lib/postgresql/data' : `/var/lib/${name}`;
  return { size: 270 * mebibyte, exposed: [name.startsWith('postgres') ? 5432 : 3306], volumes: [home], program };
}

function shellProgram(context: ProgramContext): Partial<Program> {
  // A shell without a terminal and a command ends at once, as the real image does.
  if (context.command.length === 0) return { exit: { after: 5, code: 0 } };
  if (context.script !== undefined) return scriptProgram(context.script);
  return { logs: { perSecond: 1, style: 'text' }, cpu: wander(0.01, 0.008), memory: fills(2 * mebibyte) };
}

/** A script is a server when it loops for ever or waits for a server; else it does its work once and ends well. */
function scriptProgram(script: string): Partial<Program> {
  const loops = /\b(?:while|until)\b|\bhttpd\b|\bnc -l/.test(script);
  if (!loops) {
    const prints = [...script.matchAll(/^\s*echo ["']?([^"'>$]+?)["']?\s*$/gm)].map((match, index) => ({
      after: 300 + 400 * index,
      text: match[1] ?? '',
    }));
    return { prints, exit: { after: 800 + 400 * prints.length, code: 0 }, memory: fills(mebibyte) };
  }
  const style = /httpd/.test(script) && !/"level"/.test(script) ? 'access' : /"level"/.test(script) ? 'json' : 'logfmt';
  return {
    readyAfter: 200,
    logs: { perSecond: 1, style },
    cpu: wander(0.02, 0.018),
    memory: fills(3 * mebibyte),
    network: wander(6_000, 4_500),
  };
}

/** LOG_RATE makes it talkative: lines a second. */
function demoApp(context: ProgramContext): Partial<Program> {
  return {
    readyAfter: 5,
    logs: { perSecond: Number(context.environment['LOG_RATE']) || 3, style: 'mixed' },
    cpu: wander(0.04, 0.035),
    memory: fills(2 * mebibyte),
    network: wander(8_000, 6_000),
    prints: [{ after: 1, text: `demo app version ${context.environment['VERSION'] ?? '0'} starts on ${context.name}` }],
  };
}

function service(context: ProgramContext): Partial<Program> {
  const styles = ['json', 'logfmt', 'text', 'pino', 'klog'] as const;
  const draw = hash32(context.image.replace(/:.*$/, ''));
  return {
    readyAfter: 300 + (draw % 900),
    onStop: { after: 60, code: 0 },
    cpu: wander(0.05 + (draw % 7) / 50, 0.04),
    memory: fills((24 + (draw % 120)) * mebibyte),
    network: wander(14_000, 11_000),
    logs: { perSecond: 1 + (draw % 4), style: styles[draw % styles.length] ?? 'text' },
    prints: [{ after: 200, text: `listening on port ${context.environment['PORT'] ?? '8080'}` }],
  };
}

/** What lies on the disk of the engine when nobody says otherwise. */
export const usualImages: readonly ImageDefinition[] = [
  'busybox:latest',
  'nginx:latest',
  'nginx:1.27-alpine',
  'redis:7-alpine',
  'postgres:16-alpine',
  'haproxy:3.2-alpine',
  'pilothouse/demo-app:1',
  'pilothouse/demo-app:2',
].map((reference): ImageDefinition =>
  reference.includes('demo-app') ? { reference, environment: { VERSION: reference.slice(-1) } } : { reference },
);
