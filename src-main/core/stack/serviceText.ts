/** Environment, labels, commands, configs and secrets of a service. */
import type { FileMount } from '../../contract/spec';
import type { Cursor } from './cursor';
import { parseEnv } from './dotenv';
import { reportEnvIssue } from './envIssues';
import { asList } from './merge';
import { textNode } from './node';
import { joinPath } from './paths';
import { fileMode } from './serviceMounts';
import { splitWords } from './shellWords';

/** Reads files that the service refers to; undefined when the file is not there or may not be read. */
export type ReadText = (path: string) => string | undefined;

/** `env_file`s in order, then `environment`. A name without a value takes the project's variable, or is left out. */
export function readEnvironment(service: Cursor, readText: ReadText): Record<string, string> {
  const result = new Map<string, string>();
  for (const [name, value] of readEnvFiles(service, readText)) result.set(name, value);
  for (const [name, { value, at }] of service.get('environment').pairs()) {
    const found = value ?? at.source.lookup(name);
    if (found === undefined) result.delete(name);
    else result.set(name, found);
  }
  return Object.fromEntries(result);
}

function readEnvFiles(service: Cursor, readText: ReadText): Map<string, string> {
  const result = new Map<string, string>();
  for (const item of service.get('env_file').many()) {
    const node = item.node?.kind === 'map' ? item.get('path') : item;
    const path = node.text();
    if (path === undefined || node.node === undefined) continue;
    const source = node.node.at.source;
    const text = readText(joinPath(source.directory, path));
    if (text === undefined) {
      const required = item.get('required').boolean() ?? true;
      if (required) item.report.problem('compose.fileMissing', { file: path }, node.spot, 'not-found');
      continue;
    }
    const format = item.get('format').text();
    if (format !== undefined && format !== 'raw') {
      item.report.problem('compose.badChoice', { value: format, choices: 'raw' }, item.get('format').spot);
    }
    const variables = parseEnv(text, {
      raw: format === 'raw',
      lookup: (name) => source.lookup(name) ?? result.get(name),
      notice: (issue) => reportEnvIssue(item.report, path, issue),
    });
    for (const [name, value] of variables) if (value !== null) result.set(name, value);
  }
  return result;
}

/** `label_file`s in order, then `labels`. */
export function readLabels(service: Cursor, readText: ReadText): Record<string, string> {
  const result: Record<string, string> = {};
  for (const item of service.get('label_file').many()) {
    const path = item.text();
    const source = item.node?.at.source;
    if (path === undefined || source === undefined) continue;
    const text = readText(joinPath(source.directory, path));
    if (text === undefined) item.report.problem('compose.fileMissing', { file: path }, item.spot, 'not-found');
    else {
      const notice = (issue: Parameters<typeof reportEnvIssue>[2]): void => reportEnvIssue(item.report, path, issue);
      for (const [name, value] of parseEnv(text, { lookup: source.lookup, notice })) result[name] = value ?? '';
    }
  }
  return { ...result, ...service.get('labels').record() };
}

/** A command or entrypoint: a list as it is, a text split into words; an empty one takes away the image's. */
export function readCommand(command: Cursor): string[] | undefined {
  if (!command.given) return undefined;
  const text = command.text();
  if (text === undefined) return command.texts();
  const { words, fault } = splitWords(text);
  if (fault === 'quote') command.report.problem('compose.openQuote', {}, command.spot);
  if (fault === 'operator')
    command.report.warning('compose.commandCut', { kept: words.join(' ') }, command.spot, 'bad-input');
  return words;
}

/** Configs (`/name`) or secrets (`/run/secrets/name`) as files of the container. */
export function readFileMounts(mounts: Cursor, kind: 'configs' | 'secrets'): FileMount[] {
  const folder = kind === 'configs' ? '/' : '/run/secrets/';
  return mounts.items().flatMap((item) => {
    const short = item.text();
    if (short !== undefined) return [{ source: short, target: `${folder}${short}` }];
    const source = item.get('source').text();
    if (source === undefined) {
      item.report.problem('compose.missingKey', { key: 'source', owner: kind }, item.spot);
      return [];
    }
    const target = item.get('target').text() ?? source;
    const mode = fileMode(item.get('mode'));
    const uid = item.get('uid').text();
    const gid = item.get('gid').text();
    return [
      {
        source,
        target: target.startsWith('/') ? target : `${folder}${target}`,
        ...(uid === undefined ? {} : { uid }),
        ...(gid === undefined ? {} : { gid }),
        ...(mode === undefined ? {} : { mode }),
      },
    ];
  });
}

/** `extra_hosts` in Docker's form `host:address`; several addresses of a host are several entries. */
export function readExtraHosts(hosts: Cursor): string[] {
  const result: string[] = [];
  const add = (host: string, address: string, from: Cursor): void => {
    const plain = address.trim().replace(/^\[(.*)\]$/, '$1');
    if (host.trim() === '' || plain === '')
      from.report.problem('compose.badHost', { host: `${host}:${address}` }, from.spot);
    else result.push(`${host.trim()}:${plain}`);
  };
  for (const item of hosts.items()) {
    const text = item.text() ?? '';
    const cut = text.includes('=') ? text.indexOf('=') : text.indexOf(':');
    add(cut < 0 ? text : text.slice(0, cut), cut < 0 ? '' : text.slice(cut + 1), item);
  }
  for (const [host, value] of hosts.entries()) {
    const list = asList(value.node ?? textNode(null, hosts.node!.at));
    for (const node of list.kind === 'list' ? list.items : []) {
      if (node.kind === 'scalar') add(host, String(node.value ?? ''), value);
    }
  }
  return [...new Set(result)];
}

/** `devices` in Docker's form `host:container:permissions`. */
export function readDevices(devices: Cursor): string[] {
  return devices.items().flatMap((item) => {
    const short = item.text();
    if (short !== undefined) {
      // A name such as `vendor.com/class=device` is a CDI device, which has no place or permissions.
      if (!/^[/\\.]/.test(short)) return short;
      const [source = '', target = source, permissions = 'rwm'] = short.split(':');
      return `${source}:${target === '' ? source : target}:${permissions}`;
    }
    const source = item.get('source').text();
    if (source === undefined) return [];
    return `${source}:${item.get('target').text() ?? source}:${item.get('permissions').text() ?? 'rwm'}`;
  });
}
