import type { Component } from 'vue';

/** One line of a menu. `reason` disables it and says why. `divider` draws a line above it. */
export interface MenuItem {
  id: string;
  label: string;
  icon?: Component;
  keys?: string;
  note?: string;
  danger?: boolean;
  checked?: boolean;
  reason?: string;
  divider?: boolean;
}

/** The next item that can be chosen, going `step` from `from` round the menu; -1 when there is none. */
export function nextEnabled(items: readonly MenuItem[], from: number, step: 1 | -1): number {
  for (let turn = 1; turn <= items.length; turn += 1) {
    const index = (from + step * turn + items.length * (turn + 1)) % items.length;
    const item = items[index];
    if (item && !item.reason) return index;
  }
  return -1;
}
