import { shallowReactive } from 'vue';
import type { State } from './state';

/** A notice at the foot of the window: a glyph, one sentence, at most one act. Errors stay until dismissed. */
export interface Toast {
  id: number;
  text: string;
  state: State;
  act?: { label: string; run: () => void };
  stays: boolean;
}

export interface ToastOptions {
  state?: State;
  act?: Toast['act'];
  /** Stays until dismissed; default for `critical`. */
  stays?: boolean;
}

/** How long a notice stays, ms. */
export const toastTime = 6000;
const most = 4;
let lastId = 0;

/** The notices that are shown now, oldest first; at most four. */
export const toasts = shallowReactive<Toast[]>([]);

export function dismissToast(id: number): void {
  const index = toasts.findIndex((toast) => toast.id === id);
  if (index >= 0) toasts.splice(index, 1);
}

/** Shows a notice and returns its id. A notice equal to the newest one replaces it. */
export function showToast(text: string, options: ToastOptions = {}): number {
  lastId += 1;
  const state = options.state ?? 'ok';
  const last = toasts.at(-1);
  if (last && last.text === text && last.state === state) dismissToast(last.id);
  if (toasts.length >= most) toasts.shift();
  toasts.push({ id: lastId, text, state, act: options.act, stays: options.stays ?? state === 'critical' });
  return lastId;
}

/** Notices for views: `toast.say('Restarted web', { act })`, `toast.fail('…')`. */
export function useToast(): {
  say: typeof showToast;
  fail: (text: string, act?: Toast['act']) => number;
  dismiss: typeof dismissToast;
} {
  return { say: showToast, fail: (text, act) => showToast(text, { state: 'critical', act }), dismiss: dismissToast };
}
