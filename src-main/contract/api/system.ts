/** The app itself, its engines, and what lies on them. */
import { z } from 'zod';
import type {
  AppStatus,
  DiskFigures,
  EngineView,
  EventView,
  ForeignContainer,
  ImageView,
  NetworkView,
  PowerState,
  Settings,
  VolumeView,
} from '../nouns';
import { act, read, state } from './define';
import { nothing, serviceKey, stackName, time } from './inputs';
import type { ListChange } from './stacks';

const settingsChange = z.strictObject({
  theme: z.enum(['dark', 'light', 'system']).optional(),
  language: z.enum(['en', 'zh-CN', 'system']).optional(),
  engine: z.string().max(256).optional(),
  density: z.enum(['dense', 'normal']).optional(),
  closeToTray: z.boolean().optional(),
  notifications: z.boolean().optional(),
  saveBattery: z.boolean().optional(),
  logs: z
    .strictObject({
      budgetBytes: z
        .number()
        .int()
        .min(64 * 1024 * 1024),
      maxAgeDays: z.number().int().min(1).max(3650),
      linesPerSecond: z.number().int().min(10).max(1_000_000),
      foreign: z.boolean(),
    })
    .optional(),
  metrics: z
    .strictObject({
      retentionDays: z.number().int().min(1).max(3650),
      port: z.number().int().min(0).max(65_535).default(0),
    })
    .optional(),
  http: z
    .strictObject({
      enabled: z.boolean(),
      port: z.number().int().min(1024).max(65_535),
      containers: z.boolean(),
      open: z.boolean(),
    })
    .optional(),
  charts: z
    .array(
      z.strictObject({
        board: z.string().min(1).max(60),
        title: z.string().min(1).max(120),
        query: z.string().min(1).max(10_000),
        unit: z.enum(['cores', 'bytes', 'bytes/s', 'count', 'count/s', 'ratio', 'ms', 'none']),
      }),
    )
    .max(100)
    .optional(),
  logViews: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(60),
        query: z.string().max(2000),
        services: z.array(z.string().max(127)).max(200),
        levels: z.array(z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'unknown'])).max(7),
      }),
    )
    .max(100)
    .optional(),
  firstRunDone: z.boolean().optional(),
  closeHintShown: z.boolean().optional(),
});

export const systemCalls = {
  'app.status': read<AppStatus>()(nothing),
  /** What the system tells the shell of the computer; what is left out has not changed. */
  'power.report': act<PowerState>()(
    z.strictObject({
      asleep: z.boolean().optional(),
      battery: z.boolean().optional(),
      locked: z.boolean().optional(),
    }),
  ),
  'engines.list': read<EngineView[]>()(nothing),
  /** Looks for engines again: DOCKER_HOST, contexts, well-known sockets. */
  'engines.find': read<EngineView[]>()(nothing),
  'engines.select': act<EngineView>()(z.strictObject({ engine: z.string().max(256) })),
  'engines.retry': act<null>()(nothing),
  'engines.disk': read<DiskFigures>()(nothing),
  'settings.get': read<Settings>()(nothing),
  'settings.set': act<Settings>()(settingsChange),
  'events.list': read<EventView[]>()(
    z.strictObject({
      from: time.optional(),
      to: time.optional(),
      stack: stackName.optional(),
      service: serviceKey.optional(),
      kinds: z.array(z.string().max(64)).max(64).optional(),
      text: z.string().max(200).optional(),
      /** Only what is drawn on the time line. */
      marked: z.boolean().optional(),
      limit: z.number().int().min(1).max(5000).default(500),
    }),
  ),
  'containers.foreign': read<ForeignContainer[]>()(nothing),
  'volumes.list': read<VolumeView[]>()(nothing),
  'networks.list': read<NetworkView[]>()(nothing),
  'images.list': read<ImageView[]>()(nothing),
};

export const systemStreams = {
  'app.watch': state<AppStatus>()(nothing),
  'engines.watch': state<ListChange<EngineView>>()(nothing),
  'events.watch': state<ListChange<EventView>>()(
    z.strictObject({ limit: z.number().int().min(1).max(5000).default(200) }),
  ),
  'settings.watch': state<Settings>()(nothing),
};
