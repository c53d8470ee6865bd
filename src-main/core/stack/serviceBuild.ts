/** `build`: an image that is made from a folder of the project when the stack is applied. */
import type { BuildSpec, ServiceSpec } from '../../contract/spec';
import type { Cursor } from './cursor';
import { insideOf, isAbsolute, joinPath, plainPath } from './paths';
import { hostPath } from './serviceMounts';
import { readExtraHosts } from './serviceText';

/** What the engine's own builder cannot do. */
const ignored = [
  'additional_contexts',
  'cache_to',
  'entitlements',
  'isolation',
  'privileged',
  'provenance',
  'sbom',
  'secrets',
  'ssh',
  'ulimits',
];

const usualFile = 'Dockerfile';

/** The folder that builds may read from, and what the image is called unless the file says it. */
export interface BuildPlace {
  directory: string | undefined;
  stack: string;
}

/** As Compose calls it. */
export function builtName(stack: string, service: string): string {
  return `${stack}-${service}`;
}

/**
 * What is to be built. Undefined when the file says nothing of it, or when the image is to come from elsewhere: then a warning says so,
 * and where there is no `image` beside it, a problem.
 */
export function readBuild(service: Cursor, place: BuildPlace): BuildSpec | undefined {
  const build = service.get('build');
  if (!build.given) return undefined;
  const named = (service.get('image').text()?.trim() ?? '') !== '';
  const spot = service.keySpot('build');
  const policy = service.get('pull_policy').text();
  if (named && policy !== undefined && policy !== 'never' && policy !== 'build') {
    service.report.warning('compose.buildIgnored', { policy }, spot);
    return undefined;
  }
  const short = build.text();
  const context = short ?? build.get('context').text() ?? '.';
  const refuse = (words: 'compose.buildRemote' | 'compose.buildOutside', what: string): undefined => {
    if (named) service.report.warning(words, { what }, spot);
    else service.report.problem(words, { what }, spot, 'unsupported');
    return undefined;
  };
  if (/^[a-z][a-z0-9+.-]*:\/\/|^git@|^github\.com\//i.test(context)) return refuse('compose.buildRemote', context);
  const path = hostPath(build.get('context').given ? build.get('context') : build, context);
  if (path === undefined) return undefined;
  if (!holds(place.directory, path)) return refuse('compose.buildOutside', context);
  const inline = build.get('dockerfile_inline').text();
  const dockerfile = build.get('dockerfile').text() ?? '';
  const whole = joinPath(path, dockerfile);
  if (dockerfile !== '' && (whole === path || !holds(path, whole))) return refuse('compose.buildOutside', dockerfile);
  const file = dockerfile === '' ? usualFile : insideOf(path, whole).replaceAll('\\', '/');
  for (const field of ignored)
    if (build.get(field).given)
      service.report.warning('compose.buildPart', { field: `build.${field}` }, build.keySpot(field));
  const platforms = build.get('platforms').texts();
  if (platforms.length > 1) service.report.warning('compose.buildPlatforms', {}, build.keySpot('platforms'));
  const platform = service.get('platform').text() || platforms[0];
  const network = build.get('network').text();
  const labels = build.get('labels').record();
  const lists = {
    cacheFrom: build.get('cache_from').texts(),
    extraHosts: readExtraHosts(build.get('extra_hosts')),
    tags: build.get('tags').texts(),
  };
  const shm = build.get('shm_size').bytes();
  const target = build.get('target').text();
  return {
    context: path,
    args: readArgs(build),
    ...(file === usualFile || inline !== undefined ? {} : { dockerfile: file }),
    ...(inline === undefined ? {} : { inline }),
    ...(target ? { target } : {}),
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
    ...(lists.cacheFrom.length > 0 ? { cacheFrom: lists.cacheFrom } : {}),
    ...(lists.extraHosts.length > 0 ? { extraHosts: lists.extraHosts } : {}),
    ...(lists.tags.length > 0 ? { tags: lists.tags } : {}),
    ...(network ? { network } : {}),
    ...(shm === undefined ? {} : { shmSize: shm }),
    ...(platform ? { platform } : {}),
    ...(build.get('no_cache').boolean() ? { noCache: true } : {}),
    ...(build.get('pull').boolean() ? { pull: true } : {}),
    ...(policy === 'build' ? { always: true } : {}),
  };
}

/** The policy of an image that is built here: none of that name is ever fetched from a registry, where it may be somebody else's. */
export function builtPolicy(build: BuildSpec | undefined): Pick<ServiceSpec, 'pullPolicy'> | undefined {
  return build && { pullPolicy: 'never' };
}

function holds(folder: string | undefined, path: string): boolean {
  if (folder === undefined) return false;
  const plain = plainPath(folder);
  return plainPath(path) === plain || !isAbsolute(insideOf(plain, path));
}

function readArgs(build: Cursor): Record<string, string> {
  const args: Record<string, string> = {};
  for (const [name, { value, at }] of build.get('args').pairs()) {
    const found = value ?? at.source.lookup(name);
    if (found !== undefined) args[name] = found;
  }
  return args;
}
