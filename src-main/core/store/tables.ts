/** The rows of the store: one owner per field. Users' acts write wishes, controllers write attempts and status, revisions never change. */
import type { ScaleDecision } from '../../contract/api/autoscale';
import type { AlertRule, ChannelInput, LabelMatcher, NoticeView, Routing, Severity } from '../../contract/api/alerts';
import type { ConfigFormat, ConfigReleaseView, ConfigTokenView, GrayRule, GuardView } from '../../contract/api/config';
import type { BackupPlan, CheckpointView } from '../../contract/api/storage';
import type { EventView, RolloutView, ServiceView, Settings, StackSource, StackView } from '../../contract/nouns';
import type { Sentence } from '../../contract/sentence';
import type { AutoscaleSpec, ServiceSpec, StackSpec } from '../../contract/spec';
import type { CertificateFacts } from '../issuer';

/** A declared project. Key: its name. */
export interface StackRow {
  name: string;
  /** Id of the engine it was applied to; other engines never run it. */
  engine: string;
  /** Grows by one with each apply. */
  version: number;
  source: StackSource;
  /** Networks, volumes, configs and secrets of the project; services live in their own rows. */
  spec: Omit<StackSpec, 'services'>;
  /** Its containers were taken over from somebody else, and no file was applied since. */
  adopted?: boolean;
  /** Set while the stack is being taken down. */
  removing?: { volumes: boolean };
  createdAt: number;
  updatedAt: number;
}

/** A declared service. Key: `<stack>/<service>`. */
export interface ServiceRow {
  key: string;
  stack: string;
  name: string;
  /** Replicas wanted now; the file's count until somebody scales. */
  replicas: number;
  stopped: boolean;
  /** No engine writes for this service. */
  paused: boolean;
  /** The revision to run. */
  revision: number;
  /** Counts restarts asked by the user; part of what a replica must match. */
  restartNonce: number;
  /** Highest generation ever given per slot; never reused (I8). */
  generations: Record<string, number>;
  removing: boolean;
  /** It is or was behind the gateway, and stays there. */
  fronted?: boolean;
  /** It has no replicas because nobody asks for it: the next request wakes it. */
  resting?: boolean;
  /** The event of the user's last act on it; what follows from it names it as its cause. */
  event?: string;
  createdAt: number;
  updatedAt: number;
}

/** An immutable version of a service's spec. Key: `<stack>/<service>@<revision>`. */
export interface RevisionRow {
  service: string;
  revision: number;
  spec: ServiceSpec;
  /** The networks, volumes and configs the spec speaks of, as they were; rolling back brings them back. */
  parts?: Omit<StackSpec, 'services'>;
  /** Hash of everything that makes a container; equal hashes need no replacement. */
  hash: string;
  yaml: string;
  createdAt: number;
  stable: boolean;
  cause: Sentence;
}

/**
 * Why a replica is on its node, as the scheduler saw it when it was placed (the row's `createdAt`, at its `revision`). Small and bounded:
 * names as they were then, cut to 64 characters.
 */
export interface PlacementRow {
  /** The best nodes that could take it, at most three, best first: the first is the chosen one. */
  rated: {
    node: string;
    /** Thousandths, in this order: room, evenness, spread, image, volume, affinity, taint. Absent where nothing was rated. */
    scores?: number[];
  }[];
  /** How many nodes could take it. */
  fit: number;
  /** Nodes that could not, by filter, with the names of at most three of each. */
  refused: { filter: string; nodes: number; names: string[] }[];
  /** What held it to its node before any score counted. */
  tie?: { kind: 'volume' | 'folder' | 'network' | 'together' | 'global'; name: string };
}

/** The intent to have, and then the record of, one container. Written before the engine is asked (I7). Key: the container's name. */
export interface AttemptRow {
  /** `<stack>.<service>.<slot>.g<generation>`: unique and deterministic; stack names hold no dot. */
  name: string;
  service: string;
  slot: number;
  generation: number;
  revision: number;
  hash: string;
  restartNonce: number;
  /** Only moves forward (I9). */
  state: 'intended' | 'created' | 'started' | 'removing';
  containerId?: string;
  node: string;
  /** Somebody else made the container; it was taken over as it was. It has none of our labels, and keeps its name. */
  adopted?: boolean;
  /** Made to stand behind the gateway: it binds none of the ports that the gateway publishes. */
  fronted?: boolean;
  /** Made on another node than the gateway's: the ports it is reached by are published there, at any free port. */
  remote?: boolean;
  /** A warm spare: started, paused, and nobody's replica until it is woken. */
  spare?: boolean;
  /** It was a spare and is to run again; said until it has been seen running. */
  waking?: boolean;
  /** When the spare became a replica. */
  wokenAt?: number;
  /** Where there was a choice of nodes: why this one. */
  placement?: PlacementRow;
  /** Versions of the certificates that lie in its memory, by their names. */
  certificates?: Record<string, number>;
  createdAt: number;
  /** Why it was made, or once it is `removing`, why it goes. */
  cause: Sentence;
  /** Failed runs, starts and creations in a row; a long enough run clears them. */
  failures?: number;
  /** The engine's stamp of the end that was counted last, so that one end is counted once. */
  failedAt?: number;
  /** It ended for good: done with exit code 0, else given up. It stays so even when the container is pruned. */
  finished?: { exitCode: number; at: number };
}

/** A network or volume of a stack that we created. Key: `network:<name>` or `volume:<name>`. */
export interface ResourceRow {
  kind: 'network' | 'volume';
  name: string;
  stack: string;
  engineId?: string;
  /** A create was asked for then and has not been answered: it may still arrive. */
  askedAt?: number;
  /** Where a volume's data lies; absent: on the engine the stack was applied to. */
  node?: string;
  createdAt: number;
}

/** The way from one revision to another. Key: the service's key; the last one is kept. */
export interface RolloutRow extends RolloutView {
  service: string;
  /** When the user last let it go on; what failed before is forgiven. */
  resumedAt?: number;
  /** The present step was reached then; wall clock. */
  stepAt?: number;
  /** The user let a blue-green rollout switch. */
  promoted?: boolean;
  /** All requests go to the new set since then. */
  switchedAt?: number;
  /** The new set has proved itself: the old one may go. */
  settled?: boolean;
}

/** An alert that fires or has fired. Key: its fingerprint, and once it is over its fingerprint and the time. */
export interface AlertRow {
  id: string;
  rule: string;
  name: string;
  severity: Severity;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  state: 'firing' | 'resolved';
  value?: number;
  activeAt: number;
  firedAt: number;
  resolvedAt?: number;
}

export interface SilenceRow {
  id: string;
  matchers: LabelMatcher[];
  startsAt: number;
  endsAt: number;
  comment: string;
  createdAt: number;
}

/** Secrets in it are sealed. */
export interface ChannelRow extends ChannelInput {
  id: string;
  version: number;
}

/** A notice, written before it is sent: what is still `sending` after a crash is sent again. */
export interface NoticeRow extends Omit<NoticeView, 'channelName' | 'firing' | 'resolved'> {
  /** Channel and group labels. */
  group: string;
  groupLabels: Record<string, string>;
  firing: string[];
  resolved: string[];
  /** The alerts as they were. */
  alerts: AlertRow[];
}

/** A machine: what the user set for it, and the way to one that was joined. Key: its engine's id. */
export interface NodeRow {
  engine: string;
  /** It takes nothing new since then. */
  cordonedAt?: number;
  /** What runs there goes elsewhere; only with `cordonedAt`. */
  drain?: boolean;
  labels?: Record<string, string>;
  /** Its replicas come back elsewhere once it has been away so long, milliseconds. */
  grace?: number;
  /** Absent for the engine that is worked on itself. */
  joined?: {
    /** The engine it was joined to. */
    to: string;
    name: string;
    endpoint: string;
    /** Folder of TLS files: ca.pem, cert.pem, key.pem. */
    certificates?: string;
    /** Where ports published there are reached; absent: the host of the endpoint. */
    address?: string;
    at: number;
  };
}

/** How a service scales itself, beside what its file says. Key: the service's key. */
export interface ScalerRow {
  service: string;
  /** Rules set by the user in place of the file's; null: it does not scale by itself. */
  policy?: AutoscaleSpec | null;
  /** Schedules were followed up to here. */
  scheduledAt: number;
  /** Newest first, at most a hundred. */
  decisions: ScaleDecision[];
}

/** A namespace of the config center. Key: its name. */
export interface ConfigNamespaceRow {
  name: string;
  description: string;
  createdAt: number;
}

/** An item of the config center: what is edited, and which release is active. Key: `<namespace>/<group>/<name>`. */
export interface ConfigItemRow {
  key: string;
  namespace: string;
  group: string;
  name: string;
  format: ConfigFormat;
  description: string;
  schema: string;
  /** Absent while what is edited is what is released. */
  draft?: string;
  draftVersion: number;
  /** The active release, 0 when nothing is released. */
  release: number;
  /** Highest release number ever given; never reused. */
  newest: number;
  /** `starts`: how often each reading replica had been started when its guard began; what ended since has ended under the release. */
  gray?: { release: number; rule: GrayRule; at: number; guard?: GuardView; starts?: Record<string, number> };
  /** Guards that are over, newest first; bounded. */
  guards: { release: number; guard: GuardView }[];
  /** Number of the last change that readers must hear of; grows over all items together. */
  notice: number;
  createdAt: number;
  updatedAt: number;
}

/** What the files of one container hold of the config center. Key: the container's name. */
export interface ConfigDeliveryRow {
  attempt: string;
  /** By the file's path. */
  files: Record<string, ConfigFileState>;
}

export interface ConfigFileState {
  item: string;
  /** The release that the file holds; 0 while it holds none. */
  release: number;
  at: number;
  /** Why it does not hold, or its program was not told of, the release that is meant for it. */
  problem?: { release: number; words: Sentence };
}

/** A secret. Key: its name. Values are sealed; there are none in the clear. */
export interface SecretRow {
  name: string;
  note: string;
  /** The stack whose file brought it. */
  stack?: string;
  /** Oldest first; there is always one. */
  versions: { version: number; bytes: number; createdAt: number; sealed: string }[];
  createdAt: number;
  updatedAt: number;
}

/** The local authority. Key: `authority`. Its key is sealed. */
export interface AuthorityRow {
  /** PEM. */
  certificate: string;
  key: string;
  facts: CertificateFacts;
  createdAt: number;
}

/** A certificate that we serve with. Key: its name. Its key is sealed. */
export interface CertificateRow {
  name: string;
  source: 'issued' | 'imported';
  /** The service it was made for by itself. */
  service?: string;
  /** PEM, the server's own first. */
  chain: string;
  key: string;
  facts: CertificateFacts;
  /** Of an issued one: the names that were asked for, how long it lives (milliseconds), who signed it, and when the next is due. */
  issued?: { names: string[]; life: number; authority: string; renewAt: number };
  /** Grows by one with each new key. */
  version: number;
  /** Renewals that failed in a row. */
  failed?: { tries: number; at: number; reason: string };
  createdAt: number;
  updatedAt: number;
}

/** One published, immutable text. Key: `<item>@<release>`. */
export interface ConfigReleaseRow extends Omit<ConfigReleaseView, 'state'> {
  /** Number over all items; names the release to clients. */
  id: number;
  text: string;
}

/** The last number given to a change of the config center. Key: `counter`. Never goes back, not even when items are removed. */
export interface ConfigCounterRow {
  last: number;
  /** What was removed lately, with the number of its removal, so that waiting readers hear of it; bounded. */
  gone: { key: string; notice: number }[];
}

/** Another volume took the place of one that a stack's file names: a restored one. Key: the name in the file. */
export interface SwapRow {
  volume: string;
  current: string;
  at: number;
}

/** What a rollout waited for: the backups of a service's volumes before `revision`. Key: `<service>@<revision>`. */
export type CheckpointRow = CheckpointView;

/** A long act on volumes that must not be left half done; written before it begins, removed when it is over. Key: its id. */
export interface StorageActRow {
  id: string;
  kind: 'backup' | 'restore' | 'clone';
  volume: string;
  engine: string;
  /** A volume that is being filled: nobody uses it yet. */
  filling?: string;
  /** Volumes that are filled, and not in use yet. */
  filled?: string[];
  /** Services that were stopped for it, to be started again. */
  stopped: string[];
}

/** Measured sizes of a volume, oldest first. Key: its name. */
export interface VolumeSizeRow {
  volume: string;
  sizes: { at: number; size: number }[];
}

/** What the user set by hand for a replica's traffic. Key: the replica, `<stack>/<service>.<slot>`. */
export interface HandRow {
  replica: string;
  drained: boolean;
  /** 0 to 256; absent: the usual one. */
  weight?: number;
}

/** Small facts about this installation. */
export interface MetaRow {
  installId: string;
  schema: number;
}

/** Every table: its row, and whether it is durable. Status is computed anew at start, so it is not. */
export interface Tables {
  stacks: StackRow;
  services: ServiceRow;
  revisions: RevisionRow;
  attempts: AttemptRow;
  resources: ResourceRow;
  rollouts: RolloutRow;
  events: EventView;
  settings: Settings;
  rules: AlertRule;
  alerts: AlertRow;
  silences: SilenceRow;
  channels: ChannelRow;
  notices: NoticeRow;
  routing: Routing;
  nodes: NodeRow;
  scalers: ScalerRow;
  configNamespaces: ConfigNamespaceRow;
  configItems: ConfigItemRow;
  configReleases: ConfigReleaseRow;
  configCounter: ConfigCounterRow;
  configTokens: ConfigTokenView;
  configDeliveries: ConfigDeliveryRow;
  swaps: SwapRow;
  storageActs: StorageActRow;
  checkpoints: CheckpointRow;
  volumeSizes: VolumeSizeRow;
  backupPlans: BackupPlan;
  hands: HandRow;
  secrets: SecretRow;
  authority: AuthorityRow;
  certificates: CertificateRow;
  meta: MetaRow;
  stackStatus: StackView;
  serviceStatus: ServiceView;
}

export type TableName = keyof Tables;

/** Tables that live in memory only. */
export const volatileTables: ReadonlySet<TableName> = new Set<TableName>(['stackStatus', 'serviceStatus']);

export const tableNames: readonly TableName[] = [
  'stacks',
  'services',
  'revisions',
  'attempts',
  'resources',
  'rollouts',
  'events',
  'settings',
  'rules',
  'alerts',
  'silences',
  'channels',
  'notices',
  'routing',
  'nodes',
  'scalers',
  'configNamespaces',
  'configItems',
  'configReleases',
  'configCounter',
  'configTokens',
  'configDeliveries',
  'swaps',
  'storageActs',
  'checkpoints',
  'volumeSizes',
  'backupPlans',
  'hands',
  'secrets',
  'authority',
  'certificates',
  'meta',
  'stackStatus',
  'serviceStatus',
];
