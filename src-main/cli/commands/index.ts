/** Every verb of the command line. */
import type { Command } from '../command';
import { adopt, release } from './adopt';
import { alerts, rules, rulesDisable, rulesEnable, rulesImport, silence, silenceEnd, silenceList } from './alerts';
import { autoscale, autoscaleFile, autoscaleOff, autoscaleRehearse, autoscaleSet } from './autoscale';
import { events, logs, top } from './observe';
import {
  explain,
  restart,
  rolloutAbort,
  rolloutHistory,
  rolloutPause,
  rolloutPromote,
  rolloutResume,
  rolloutStatus,
  rolloutUndo,
  scale,
  start,
  stop,
} from './services';
import { down, plan, ps, up } from './stacks';
import { engineList, engineUse, imageList, networkList, nodeList, serve, status, volumeList } from './system';

export const commands: readonly Command[] = [
  serve,
  status,
  plan,
  up,
  down,
  adopt,
  release,
  ps,
  scale,
  restart,
  stop,
  start,
  rolloutStatus,
  rolloutHistory,
  rolloutUndo,
  rolloutPause,
  rolloutResume,
  rolloutPromote,
  rolloutAbort,
  explain,
  autoscale,
  autoscaleSet,
  autoscaleOff,
  autoscaleFile,
  autoscaleRehearse,
  logs,
  events,
  top,
  alerts,
  rules,
  rulesEnable,
  rulesDisable,
  rulesImport,
  silence,
  silenceList,
  silenceEnd,
  engineList,
  engineUse,
  nodeList,
  imageList,
  volumeList,
  networkList,
];
