/**
 * Items of the config center that services use. Files are put before the start and replaced while it runs (`core/config/deliver.ts`);
 * values of the environment are pinned when a project is applied and are part of the container's hash.
 */
import {
  boundFiles,
  configValues,
  itemNamed,
  pinKey,
  type BoundFile,
  type ConfigValue,
} from '../../contract/configFiles';
import type { Problem } from '../../contract/errors';
import type { Sentence } from '../../contract/sentence';
import type { FileSource, ServiceSpec, StackSpec } from '../../contract/spec';
import type { AttemptRow } from '../store';
import type { DeliveredFile } from './request';

/** What of the config center is needed here. */
export interface Configs {
  /** The active release of an item, whole or one of its keys; undefined when there is none. */
  value(item: string, key?: string): { release: number; text: string } | undefined;
  /** The files that this container must get before it starts; `taken` is called when it has them and runs. */
  due(
    attempt: AttemptRow,
    files: readonly BoundFile[],
  ): { files: DeliveredFile[]; taken: () => void } | { missing: Sentence };
}

export interface PinnedConfigs {
  configs: Record<string, FileSource>;
  problems: Problem[];
}

/** Finds every item that a project speaks of, and pins the values. Writes nothing. */
export function pinConfigs(spec: StackSpec, configs: Configs | undefined): PinnedConfigs {
  const pinned: PinnedConfigs = { configs: { ...spec.configs }, problems: [] };
  for (const [name, service] of Object.entries(spec.services)) {
    const refuse = (path: string, problem: Omit<Problem, 'where'>): void => {
      pinned.problems.push({ ...problem, where: { path: `services.${name}.${path}` } });
    };
    const named = [
      ...service.configs.flatMap(({ source }) => {
        const config = spec.configs[source];
        return config?.external ? [['configs', config.name] as const] : [];
      }),
      ...(service.pilothouse.config ?? []).flatMap(({ item }) =>
        item === undefined ? [] : [['x-pilothouse.config', item] as const],
      ),
    ];
    for (const [path, item] of named) {
      const found = pinValue({ item }, spec.name, configs);
      if ('problem' in found) refuse(path, found.problem);
    }
    for (const value of configValues(service)) {
      const found = pinValue(value, spec.name, configs);
      if ('problem' in found) refuse('environment', found.problem);
      else pinned.configs[pinKey(value)] = found;
    }
    for (const file of boundFiles(service, spec)) {
      const message = unreachable(name, service, file);
      if (message !== undefined) refuse('configs', { code: 'unsupported', message });
    }
  }
  return pinned;
}

/** The value of a reference as it is now. */
export function pinValue(
  { item: name, key }: ConfigValue,
  stack: string,
  configs: Configs | undefined,
): FileSource | { problem: Omit<Problem, 'where'> } {
  if (!configs) return { problem: { code: 'unsupported', message: `There is no config center here for ${name}` } };
  const item = itemNamed(name, stack);
  if (item === undefined) {
    const hint = 'Write <namespace>/<group>/<item>: letters, digits and . _ : -';
    return { problem: { code: 'bad-input', message: `${name} is no name of an item`, hint } };
  }
  const found = configs.value(item, key);
  if (found) return { name: item, external: true, content: found.text, version: found.release, labels: {} };
  if (key !== undefined && configs.value(item))
    return { problem: { code: 'not-found', message: `${item} has no key ${key}, or is not of keys and values` } };
  const hint = 'Make it and publish it in the config center first.';
  return { problem: { code: 'not-found', message: `The config center has no released item ${item}`, hint } };
}

/** Why a file cannot be put there before the start. */
function unreachable(name: string, service: ServiceSpec, { item, target }: BoundFile): string | undefined {
  const within = (folder: string): boolean => target.startsWith(`${folder.replace(/\/$/, '')}/`);
  const inMemory = [
    ...service.tmpfs.map((text) => text.split(':')[0] ?? ''),
    ...service.mounts.flatMap((mount) => (mount.type === 'tmpfs' ? [mount.target] : [])),
  ];
  if (inMemory.some(within))
    return `${name} wants ${item} at ${target}, in a memory-backed folder that is empty at every start`;
  const mounts = service.mounts.filter((mount) => mount.type !== 'tmpfs' && within(mount.target));
  const shut = mounts.find((mount) => mount.readOnly);
  if (shut) return `${name} wants ${item} at ${target}, and ${shut.target} is mounted read-only`;
  if (service.readOnly && mounts.length === 0)
    return `${name} wants ${item} at ${target}, and its file system is read-only there`;
  return undefined;
}
