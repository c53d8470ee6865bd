/**
 * Items of the config center that a service speaks of: as files of its containers, and as values in its environment. Pure: reconcile
 * (before the start), the config room (while it runs) and the screens must agree on it.
 *
 * An item is named `<namespace>/<group>/<item>`; `<namespace>/<item>` means the group `default`, and `<item>` alone the item of the
 * stack's own namespace, which is called like the stack.
 */
import type { FileMount, FileSource, ServiceSpec, StackSpec } from './spec';

/** A file whose text is an item. */
export interface BoundFile extends Omit<FileMount, 'source'> {
  /** `<namespace>/<group>/<item>`. */
  item: string;
  /** Sent to the program when the file has changed. */
  signal?: string;
  /** Run inside when the file has changed. */
  exec?: string[];
}

/** A reference in a value of the environment. */
export interface ConfigValue {
  /** As it is written. */
  item: string;
  /** Of properties and env: one key of the item. */
  key?: string;
}

const part = /^[A-Za-z0-9][A-Za-z0-9._:-]*$/;

/** The item that a name in a stack's file means; undefined when it cannot be one. */
export function itemNamed(name: string, stack: string): string | undefined {
  const parts = name.split('/');
  const [first = '', second = '', third = ''] = parts;
  const [namespace, group, item] =
    parts.length === 1
      ? [stack, 'default', first]
      : parts.length === 2
        ? [first, 'default', second]
        : [first, second, third];
  if (parts.length > 3 || namespace.length > 100 || group.length > 100 || item.length > 200) return undefined;
  return [namespace, group, item].every((each) => part.test(each)) ? `${namespace}/${group}/${item}` : undefined;
}

/** The files of a service that are items: external `configs`, and the bindings of `x-pilothouse.config`. */
export function boundFiles(
  spec: Pick<ServiceSpec, 'configs' | 'pilothouse'>,
  parts: Pick<StackSpec, 'name' | 'configs'>,
): BoundFile[] {
  const files: BoundFile[] = [];
  const bindings = spec.pilothouse.config ?? [];
  const add = (name: string, file: Omit<BoundFile, 'item'>): void => {
    const item = itemNamed(name, parts.name);
    if (item !== undefined) files.push({ ...file, item });
  };
  for (const { source, ...mount } of spec.configs) {
    const config = own(parts.configs, source);
    if (!config?.external) continue;
    const binding = bindings.find((one) => one.source === source);
    const target = mount.target.startsWith('/') ? mount.target : `/${mount.target}`;
    add(config.name, { ...mount, target, ...announcement(binding ?? {}) });
  }
  for (const binding of bindings) {
    const { item, target, uid, gid, mode } = binding;
    if (item === undefined || target === undefined) continue;
    const owner = { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
    add(item, { target, ...owner, ...(mode === undefined ? {} : { mode }), ...announcement(binding) });
  }
  return files;
}

/** Every reference in the environment of a service, in order. */
export function configValues(spec: Pick<ServiceSpec, 'configEnvironment'>): ConfigValue[] {
  return Object.values(spec.configEnvironment ?? {}).flatMap((pieces) =>
    pieces.flatMap((piece) => (typeof piece === 'string' ? [] : [piece])),
  );
}

/** Where the parts of a stack keep the value of a reference that was pinned when it was applied. */
export function pinKey({ item, key }: ConfigValue): string {
  return key === undefined ? `config:${item}` : `config:${item}#${key}`;
}

/** The environment with every reference replaced by its pinned value. */
export function environmentOf(
  spec: Pick<ServiceSpec, 'environment' | 'configEnvironment'>,
  configs: Record<string, FileSource>,
): Record<string, string> {
  if (!spec.configEnvironment) return spec.environment;
  const filled = Object.entries(spec.configEnvironment).map(([name, pieces]) => [
    name,
    pieces.map((piece) => (typeof piece === 'string' ? piece : (own(configs, pinKey(piece))?.content ?? ''))).join(''),
  ]);
  return { ...spec.environment, ...(Object.fromEntries(filled) as Record<string, string>) };
}

function announcement({ signal, exec }: { signal?: string; exec?: string[] }): Pick<BoundFile, 'signal' | 'exec'> {
  return { ...(signal === undefined ? {} : { signal }), ...(exec === undefined ? {} : { exec }) };
}

function own<Value>(record: Record<string, Value>, key: string): Value | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
