/** `volumes` and `tmpfs` of a service. */
import type { MountSpec } from '../../contract/spec';
import type { Cursor } from './cursor';
import { splitMount } from './mountText';
import { isAbsolute, joinPath, looksLikePath, plainPath } from './paths';

const propagations = new Set(['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave']);

/** The mounts of a service; relative host paths start from the folder of the file that names them. */
export function readMounts(volumes: Cursor): MountSpec[] {
  return volumes.items().flatMap((item) => (item.node?.kind === 'map' ? longMount(item) : shortMount(item)));
}

function shortMount(item: Cursor): MountSpec[] {
  const text = item.text();
  if (text === undefined) return [];
  const { source, target, options } = splitMount(text);
  if (target === '' || source === '' || !isAbsolute(target)) {
    item.report.problem('compose.badVolume', { volume: text }, item.spot);
    return [];
  }
  const bind = source !== undefined && looksLikePath(source);
  const mount: MountSpec = { type: bind ? 'bind' : 'volume', target: cleanTarget(target), readOnly: false };
  if (bind) {
    const path = hostPath(item, source);
    if (path === undefined) return [];
    mount.source = path;
    mount.createHostPath = true;
  } else if (source !== undefined) mount.source = source;
  for (const option of options) applyOption(mount, option, item);
  return [mount];
}

function applyOption(mount: MountSpec, option: string, item: Cursor): void {
  if (option === 'ro') mount.readOnly = true;
  else if (option === 'nocopy') mount.noCopy = true;
  else if (propagations.has(option)) mount.propagation = option;
  else if (option === 'z' || option === 'Z')
    item.report.warning('compose.ignored', { field: `selinux ${option}` }, item.spot);
  else if (option !== 'rw' && !['cached', 'delegated', 'consistent', 'copy'].includes(option)) {
    item.report.problem('compose.badVolumeOption', { option }, item.spot);
  }
}

function longMount(item: Cursor): MountSpec[] {
  const type = item.get('type').text();
  const target = item.get('target').text();
  const source = item.get('source').text();
  if (type !== 'volume' && type !== 'bind' && type !== 'tmpfs') {
    if (type !== undefined) item.report.problem('compose.mountType', { type }, item.get('type').spot, 'unsupported');
    return [];
  }
  if (target === undefined || !isAbsolute(target)) {
    item.report.problem('compose.badVolume', { volume: target ?? '' }, item.spot);
    return [];
  }
  const mount: MountSpec = { type, target: cleanTarget(target), readOnly: item.get('read_only').boolean() ?? false };
  if (type === 'bind') {
    if (source === undefined) {
      item.report.problem('compose.missingKey', { key: 'source', owner: 'volumes' }, item.spot);
      return [];
    }
    const path = hostPath(item.get('source'), source);
    if (path === undefined) return [];
    mount.source = path;
    const bind = item.get('bind');
    mount.createHostPath = bind.get('create_host_path').boolean() ?? true;
    const propagation = bind.get('propagation').text();
    if (propagation !== undefined) {
      if (propagations.has(propagation)) mount.propagation = propagation;
      else
        item.report.problem(
          'compose.badChoice',
          { value: propagation, choices: [...propagations].join(', ') },
          bind.get('propagation').spot,
        );
    }
    for (const field of ['selinux', 'recursive']) warnIgnored(bind, field);
  } else if (type === 'volume') {
    if (source !== undefined && source !== '') mount.source = source;
    const volume = item.get('volume');
    if (volume.get('nocopy').boolean()) mount.noCopy = true;
    const subpath = volume.get('subpath').text();
    if (subpath !== undefined && subpath !== '') {
      mount.subpath = plainPath(subpath);
      warnIgnored(volume, 'subpath');
    }
    warnIgnored(volume, 'labels');
  } else {
    const size = item.get('tmpfs').get('size').bytes();
    const mode = fileMode(item.get('tmpfs').get('mode'));
    if (size !== undefined) mount.size = size;
    if (mode !== undefined) mount.mode = mode;
  }
  return [mount];
}

function warnIgnored(owner: Cursor, field: string): void {
  if (owner.get(field).given) owner.report.warning('compose.ignored', { field }, owner.keySpot(field));
}

/** A file mode: YAML's octal number, or the digits as text (`"0440"`). */
export function fileMode(cursor: Cursor): number | undefined {
  const value = cursor.node?.kind === 'scalar' ? cursor.node.value : undefined;
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0o7777) return value;
  if (typeof value === 'string' && /^0?o?[0-7]{1,4}$/.test(value)) return Number.parseInt(value.replace('o', ''), 8);
  cursor.report.problem('compose.badMode', { value: String(value) }, cursor.spot);
  return undefined;
}

/** An absolute host path of a bind mount or file: `~` is the user's home, the rest starts from the file's folder. */
export function hostPath(cursor: Cursor, text: string): string | undefined {
  const source = cursor.node?.at.source;
  if (/^~([\\/]|$)/.test(text)) {
    const home = source?.lookup('HOME') ?? source?.lookup('USERPROFILE');
    if (home !== undefined && isAbsolute(home)) return joinPath(home, `.${text.slice(1)}`);
    cursor.report.problem('compose.noHome', { path: text }, cursor.spot);
    return undefined;
  }
  const path = joinPath(source?.directory, text);
  if (isAbsolute(path)) return path;
  cursor.report.problem('compose.noDirectory', { path: text }, cursor.spot);
  return undefined;
}

function cleanTarget(target: string): string {
  return plainPath(target);
}
