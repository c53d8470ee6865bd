/** Keys of items and releases. */
import type { ConfigItemId } from '../../contract/api/config';

/** `<namespace>/<group>/<name>`; none of the three holds a slash. */
export function itemKey(item: ConfigItemId): string {
  return `${item.namespace}/${item.group}/${item.name}`;
}

/** `<item>@<release>`; no name holds an at sign. */
export function releaseKey(item: string, release: number): string {
  return `${item}@${release}`;
}
