import type { Component } from 'vue';
import type { RouteLocationRaw } from 'vue-router';
import type { State } from '../parts/state';

/** An engine as the switcher shows it. `note` says its health in words. */
export interface FrameEngine {
  id: string;
  name: string;
  detail: string;
  state: State;
  note?: string;
}

/** What stands at the right of a rail item, by the screen's noun. */
export interface RailCount {
  text: string;
  bad?: boolean;
}

export type MarkKind = 'rollout' | 'release' | 'event';

/** Something that happened, as a mark on the tape and on every chart. `at` in ms since the epoch. */
export interface TapeMark {
  id: string;
  at: number;
  kind: MarkKind;
  label: string;
  to?: RouteLocationRaw;
}

/** A stretch of time in which an alert fired. `to` is absent while it still does. */
export interface TapeSpan {
  id: string;
  from: number;
  to?: number;
  state: 'warning' | 'critical';
  label?: string;
}

/** One fact of the status bar; `strong` parts are drawn brighter. */
export interface StatusItem {
  id: string;
  parts: readonly { text: string; strong?: boolean }[];
  state?: State;
  icon?: Component;
  tone?: 'warning';
  tip?: string;
  hideNarrow?: boolean;
}

/** Since when the engine does not answer, and when it is asked again. ms since the epoch. */
export interface AwayFact {
  since: number;
  nextTryAt?: number;
}
