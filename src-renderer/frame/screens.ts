import type { Component } from 'vue';
import IconActivity from '~icons/lucide/activity';
import IconArchive from '~icons/lucide/archive';
import IconBell from '~icons/lucide/bell';
import IconBoxes from '~icons/lucide/boxes';
import IconGauge from '~icons/lucide/gauge';
import IconHardDrive from '~icons/lucide/hard-drive';
import IconKey from '~icons/lucide/key-round';
import IconLayers from '~icons/lucide/layers';
import IconNetwork from '~icons/lucide/network';
import IconPackage from '~icons/lucide/package';
import IconPuzzle from '~icons/lucide/puzzle';
import IconScroll from '~icons/lucide/scroll-text';
import IconServer from '~icons/lucide/server';
import IconSettings from '~icons/lucide/settings';
import IconSliders from '~icons/lucide/sliders-horizontal';
import IconWaypoints from '~icons/lucide/waypoints';

export type RailGroup = 'top' | 'workloads' | 'observe' | 'configure' | 'resources' | 'foot';

/**
 * A screen of the product. Its view is `views/<noun>/<Noun>View.vue`; the screen exists (route and rail item) as soon as that file does.
 * A screen without `rail` is reached from others. `within` names the rail item that stays lit.
 */
export interface Screen {
  noun: string;
  path: string;
  icon: Component;
  rail?: RailGroup;
  within?: string;
  /** Screens without a place in time hide the tape. */
  noTape?: boolean;
}

export const screens: readonly Screen[] = [
  { noun: 'overview', path: '/', icon: IconGauge, rail: 'top' },
  { noun: 'services', path: '/services', icon: IconBoxes, rail: 'workloads' },
  { noun: 'service', path: '/services/:stack/:service/:tab?', icon: IconBoxes, within: 'services' },
  { noun: 'stacks', path: '/stacks/:stack?', icon: IconLayers, rail: 'workloads' },
  { noun: 'apply', path: '/apply/:stack?', icon: IconLayers, within: 'stacks', noTape: true },
  { noun: 'topology', path: '/topology', icon: IconWaypoints, rail: 'workloads' },
  { noun: 'logs', path: '/logs', icon: IconScroll, rail: 'observe' },
  { noun: 'metrics', path: '/metrics', icon: IconActivity, rail: 'observe' },
  { noun: 'alerts', path: '/alerts/:tab?/:id?', icon: IconBell, rail: 'observe' },
  { noun: 'events', path: '/events/:id?', icon: IconArchive, rail: 'observe' },
  { noun: 'config', path: '/config/:pathMatch(.*)*', icon: IconSliders, rail: 'configure' },
  { noun: 'secrets', path: '/secrets/:tab?/:id?', icon: IconKey, rail: 'configure' },
  { noun: 'volumes', path: '/volumes/:name?/:tab?', icon: IconHardDrive, rail: 'resources' },
  { noun: 'images', path: '/images/:id?', icon: IconPackage, rail: 'resources' },
  { noun: 'networks', path: '/networks/:id?', icon: IconNetwork, rail: 'resources' },
  { noun: 'nodes', path: '/nodes/:name?', icon: IconServer, rail: 'resources' },
  { noun: 'plugins', path: '/plugins/:id?', icon: IconPuzzle, rail: 'foot', noTape: true },
  { noun: 'settings', path: '/settings/:tab?', icon: IconSettings, rail: 'foot', noTape: true },
  { noun: 'welcome', path: '/welcome', icon: IconGauge, noTape: true },
];

/** The file of a screen's view, as import.meta.glob names it from src-renderer. */
export function viewPath(noun: string): string {
  return `./views/${noun}/${noun.charAt(0).toUpperCase()}${noun.slice(1)}View.vue`;
}
