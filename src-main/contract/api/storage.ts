/** Volumes, images and networks beyond their lists: what lies in them, backups, and long acts as jobs. */
import { z } from 'zod';
import type { Problem } from '../errors';
import type { NetworkView, NodeRef, VolumeView } from '../nouns';
import type { Sentence } from '../sentence';
import { act, read, state } from './define';
import { nothing, serviceKey } from './inputs';
import type { ListChange } from './stacks';

/** Largest file that is shown or taken in one call, bytes. */
export const previewBytes = 256 * 1024;
export const uploadBytes = 4 * 1024 * 1024;

/** When a volume is backed up by itself, and what is kept of that. */
export interface BackupPlan {
  volume: string;
  /** Absent: the engine that is worked on. */
  node?: NodeRef;
  /** Five fields of cron, in local time. */
  cron: string;
  mode: 'live' | 'stopped';
  keep: { last: number; daily: number; weekly: number };
  nextRun?: number;
  lastRun?: number;
  lastProblem?: string;
}

export interface VolumeDetail extends VolumeView {
  mountpoint: string;
  labels: Record<string, string>;
  containers: { name: string; running: boolean; target: string; readOnly: boolean }[];
  /** Services whose replicas mount it: they are stopped for a stopped backup. */
  services: string[];
  /** Measured sizes, oldest first. */
  sizes: { at: number; size: number }[];
  /** The name it has in its stack's file, when a restored volume took its place. */
  standsFor?: string;
  plan?: BackupPlan;
}

export interface VolumeEntry {
  name: string;
  type: 'file' | 'folder' | 'link' | 'other';
  size: number;
  mode: number;
  uid: number;
  gid: number;
  modifiedAt: number;
  target?: string;
}

/** A page of a folder: folders first, by name. */
export interface VolumeFolder {
  path: string;
  offset: number;
  entries: VolumeEntry[];
  /** How many entries the folder has, as far as was looked. */
  total: number;
  /** There is more than was looked at. */
  truncated: boolean;
}

export interface FilePreview {
  path: string;
  size: number;
  /** Absent when it is no text. */
  text?: string;
  truncated: boolean;
}

export interface BackupView {
  id: string;
  volume: string;
  /** Where it lay; absent: on the engine that was worked on. */
  node?: NodeRef;
  stack?: string;
  createdAt: number;
  reason: 'manual' | 'schedule' | 'recycled' | 'imported' | 'checkpoint';
  mode: 'live' | 'stopped';
  entries: number;
  /** Unpacked and on disk. */
  bytes: number;
  packed: number;
  sha256: string;
}

/** The volumes of a service as they were before a rollout. */
export interface CheckpointView {
  service: string;
  /** The revision that ran then, and the one that came. */
  before: number;
  revision: number;
  at: number;
  mode: 'live' | 'stopped';
  /** `base` is the name without the slot of stateful services. */
  volumes: { volume: string; base: string; backup: string; node?: NodeRef }[];
}

/** A long act. The newest fifty are remembered until the app ends. */
export interface JobView {
  id: string;
  kind: 'backup' | 'checkpoint' | 'restore' | 'clone' | 'remove' | 'prune' | 'pull' | 'push' | 'build' | 'import';
  subject: string;
  state: 'running' | 'done' | 'failed' | 'cancelled';
  words: Sentence;
  /** Bytes; total 0 while unknown. */
  done: number;
  total: number;
  startedAt: number;
  endedAt?: number;
  problem?: Problem;
  /** What came of it: the id of a backup, the name of a volume. */
  result?: string;
}

/** Whether a registry has something else for an image's name than lies on the engine. */
export interface ImageFreshness {
  reference: string;
  state: 'current' | 'newer' | 'unknown';
  /** Why it is unknown: the registry does not answer, wants a login, or never heard of it. */
  reason?: string;
}

export interface PrunePlan {
  items: { name: string; size?: number; why: 'unused' | 'replaced' | 'untagged' }[];
  bytes: number;
}

export interface NetworkDetail extends NetworkView {
  labels: Record<string, string>;
  containers: { name: string; address: string }[];
  /** Other networks whose addresses overlap. */
  conflicts: { name: string; subnet: string }[];
}

export const volumeName = z
  .string()
  .max(255)
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/);
const backupId = z
  .string()
  .max(120)
  .regex(/^[a-z0-9][a-z0-9._-]*$/);
/** Inside a volume, `/` between parts; the core refuses `..` and the like. */
const inside = z.string().max(4096);
const imageName = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9._\-/:@]*$/);
/** A node by its id or name; without one, the engine that is worked on. */
const node = z.string().min(1).max(256).optional();
const mode = z.enum(['live', 'stopped']);
const keep = z.strictObject({
  last: z.number().int().min(1).max(1000),
  daily: z.number().int().min(0).max(366),
  weekly: z.number().int().min(0).max(520),
});
const job = act<{ job: string }>();

export const storageCalls = {
  'volumes.inspect': read<VolumeDetail>()(z.strictObject({ name: volumeName, node })),
  /** Walks through all volumes of every node, which takes a while. */
  'volumes.measure': read<null>()(nothing),
  'volumes.browse': read<VolumeFolder>()(
    z.strictObject({
      name: volumeName,
      node,
      path: inside.default(''),
      offset: z.number().int().min(0).max(10_000_000).default(0),
      limit: z.number().int().min(1).max(1000).default(500),
    }),
  ),
  'volumes.preview': read<FilePreview>()(z.strictObject({ name: volumeName, node, path: inside })),
  /** Writes a file or a folder (as a tar) of a volume to this machine: into `to`, an absolute folder, else the user's downloads. */
  'volumes.download': act<{ file: string; bytes: number }>()(
    z.strictObject({ name: volumeName, node, path: inside, to: z.string().max(4096).optional() }),
  ),
  /** `content` in base64. A file of that name is replaced. */
  'volumes.upload': act<null>()(
    z.strictObject({
      name: volumeName,
      node,
      path: inside,
      content: z.string().max(Math.ceil((uploadBytes * 4) / 3) + 4),
    }),
  ),
  'volumes.backup': job(z.strictObject({ name: volumeName, node, mode: mode.default('live') })),
  'volumes.backups': read<BackupView[]>()(z.strictObject({ name: volumeName.optional() })),
  'volumes.removeBackup': act<null>()(z.strictObject({ backup: backupId })),
  /** Takes an archive (tar, tar.gz, tar.br) of this machine in as a backup; hostile ones are refused. */
  'volumes.import': job(z.strictObject({ file: z.string().max(4096), name: volumeName })),
  /**
   * To a new volume, named `to` or after the time; with `swap` the services use it from then on, and the old one stays. Without `node`,
   * where it lay, or where what it takes the place of lies.
   */
  'volumes.restore': job(
    z.strictObject({ backup: backupId, node, to: volumeName.optional(), swap: z.boolean().default(false) }),
  ),
  'volumes.clone': job(z.strictObject({ name: volumeName, node, to: volumeName })),
  /** With `recycle`, a verified backup is made before. */
  'volumes.remove': job(z.strictObject({ name: volumeName, node, recycle: z.boolean().default(true) })),
  'volumes.prunePlan': read<PrunePlan>()(z.strictObject({ node })),
  'volumes.prune': job(
    z.strictObject({ names: z.array(volumeName).min(1).max(1000), node, recycle: z.boolean().default(true) }),
  ),
  'volumes.plan': act<BackupPlan>()(
    z.strictObject({ volume: volumeName, node, cron: z.string().max(128), mode: mode.default('live'), keep }),
  ),
  'volumes.unplan': act<null>()(z.strictObject({ volume: volumeName, node })),

  'checkpoints.list': read<CheckpointView[]>()(z.strictObject({ service: serviceKey })),
  /** Brings a service's data back as it was before `revision`, and with it the revision that ran then. The present data stays, unused. */
  'checkpoints.restore': job(z.strictObject({ service: serviceKey, revision: z.number().int().positive() })),

  'images.pull': job(z.strictObject({ reference: imageName, node })),
  /** Sends it to the registry that its name says, with the user's login there. */
  'images.push': job(z.strictObject({ reference: imageName, node })),
  /** From a folder of this machine with a Dockerfile, without what its `.dockerignore` names. What the builder says is in `storage.log`. */
  'images.build': job(
    z.strictObject({
      folder: z.string().min(1).max(4096),
      tag: imageName,
      node,
      dockerfile: inside.min(1).default('Dockerfile'),
      target: z.string().max(128).optional(),
      args: z.record(z.string().max(128), z.string().max(4096)).default({}),
    }),
  ),
  /** Asks the registries; sends nothing but the names. */
  'images.check': read<ImageFreshness[]>()(z.strictObject({ references: z.array(imageName).min(1).max(200), node })),
  'images.tag': act<null>()(z.strictObject({ reference: imageName, node, tag: imageName })),
  'images.remove': act<null>()(z.strictObject({ reference: imageName, node })),
  /** Untagged images that nothing uses; with `unused` tagged ones too that no declared service speaks of. */
  'images.prunePlan': read<PrunePlan>()(z.strictObject({ unused: z.boolean().default(false), node })),
  'images.prune': job(z.strictObject({ names: z.array(imageName).min(1).max(1000), node })),

  'networks.inspect': read<NetworkDetail>()(z.strictObject({ id: z.string().min(1).max(256), node })),

  /** What the builder said, its last 500 lines; untrusted. */
  'storage.log': read<{ lines: string[] }>()(z.strictObject({ job: z.string().max(64) })),
  'storage.cancel': act<null>()(z.strictObject({ job: z.string().max(64) })),
};

export const storageStreams = {
  'storage.watch': state<ListChange<JobView>>()(nothing),
};
