/**
 * The composition root: builds store, rooms and the link to the engine, and joins their handlers to one API. No Electron, no
 * terminal: the window, `pilothouse serve` and tests bring their own. Stopping leaves every workload running.
 */
import { join } from 'node:path';
import { composeAlerts } from './app/alerts';
import { openAuthority } from './app/authority';
import { openAutoscale } from './app/autoscale';
import { guardPorts } from './app/ports';
import { dialerFor } from './app/probes';
import { createControllers } from './app/controllers';
import { watchDisks } from './app/disks';
import { openBuilder } from './app/builds';
import { deliverConfigs, openConfig, tokenSecrets } from './app/config';
import { findEngines, tourId } from './app/engines';
import { nodeDialer } from './app/nodes';
import { httpWorld, scrape, type HttpMount, type HttpWorld } from './app/http';
import { whileAwake } from './app/power';
import { openDatabase, readOnly } from './app/rescue';
import { openResources } from './app/resources';
import { openVault } from './app/vault';
import type { Clock } from './base/clock';
import { DisposableStore, never } from './base/lifecycle';
import type { Log } from './base/log';
import type { Random } from './base/random';
import type { Api } from './contract/api';
import type { AppStatus, DrainStep } from './contract/nouns';
import { sentence } from './contract/sentence';
import { openLogFolder } from './app/logStore';
import type { Deliver } from './core/alerts';
import { createLogs, type LogBudget, type LogStore } from './core/logs';
import { createMetrics, expositionType } from './core/metrics';
import { Fleet, nodeHandlers } from './core/nodes';
import { stackHandlers } from './core/reconcile';
import { Store } from './core/store';
import { createTraffic } from './core/traffic';
import {
  EngineLink,
  followLink,
  noteEvent,
  Power,
  readSettings,
  systemHandlers,
  type EngineFinder,
} from './core/system';
import { projectReader } from './project';
import type { Keychain } from './seal';
import { codec, openFiles } from './storage';

export interface AppOptions {
  /** The folder of all state; made private when it is missing. */
  home: string;
  version: string;
  /** Address of the socket the API will be served on, for display. */
  socket: string;
  clock: Clock;
  random: Random;
  log: Log;
  /** Where engines come from; by default what this machine has, and the tour engine. */
  engines?: EngineFinder;
  /** How engines that are joined as nodes are reached; by default by their address. */
  nodes?: ReturnType<typeof nodeDialer>;
  /** The log store in a thread of its own; by default it works in this one. */
  openLogStore?: (folder: string, budget: LogBudget) => Promise<LogStore>;
  /** Sends notices of alerts; by default over the network. */
  deliver?: Deliver;
  /** The system's keychain, where there is a real one. */
  keychain?: Keychain | undefined;
  /** p99 of the event loop's delay over the last minute, milliseconds. */
  loopDelay?: () => number;
}

export interface App {
  api: Api;
  /** Everything as it is now, for Prometheus to scrape. */
  scrape: HttpMount;
  /** What the HTTP endpoints are given; undefined in rescue mode, where nothing is served to others. */
  http: HttpWorld | undefined;
  /** Begins to look for an engine and to keep what is declared. */
  start(): Promise<void>;
  /** Writes what must be written and lets go of everything. */
  stop(): Promise<void>;
}

/** Opens the state and builds the app. Throws when another process has the state open; other damage leads into rescue mode. */
export async function createApp(options: AppOptions): Promise<App> {
  const { home, clock, random, log } = options;
  const startedAt = clock.now();
  const owned = new DisposableStore();
  const database = openDatabase(join(home, 'pilothouse.db'), log);
  owned.add({ dispose: () => database.disk.close() });
  const store = new Store(database.disk);

  const onlyTour = process.env['PILOTHOUSE_ENGINE'] === tourId;
  const link = new EngineLink({
    finder: options.engines ?? findEngines({ clock, random, onlyTour }),
    clock,
    random,
    log,
    chosen: () => (onlyTour ? tourId : readSettings(store).engine),
  });
  const logs = createLogs({
    clock,
    random,
    store,
    log,
    settings: () => readSettings(store).logs,
    open: (budget) => {
      const folder = join(home, 'history', 'logs');
      return options.openLogStore?.(folder, budget) ?? openLogFolder(folder, budget, clock);
    },
  });
  const metricFiles = await openFiles(join(home, 'history', 'metrics'));
  const metrics = createMetrics({
    clock,
    store,
    log,
    codec,
    files: metricFiles,
    settings: () => readSettings(store).metrics,
  });

  const secrets = openVault({ home, store, clock, keychain: options.keychain });
  const { sealer } = secrets;
  const record: typeof metrics.record = (metric, labels, sample) => metrics.record(metric, labels, sample);
  const certificates = openAuthority({ store, clock, random, log, sealer, record });

  const traffic = createTraffic({
    ...{ store, clock, log, record, keys: certificates.gateway },
    note: (event) => noteEvent(store, { ...event, at: clock.now(), actor: 'system' }),
  });

  const power = owned.add(new Power({ store, clock, log, readOnly: database.rescue !== undefined }));
  owned.add(power.onChange(() => metrics.pace(power.pace)));
  const awake = whileAwake(metrics, power);
  const alerts = composeAlerts({ clock, random, store, log, metrics: awake, logs, deliver: options.deliver, sealer });

  const autoscale = openAutoscale({
    ...{ store, clock, log, metrics: awake, demand: traffic.demand },
    engine: () => link.engine,
  });
  const secretOf = tokenSecrets(home);
  const config = openConfig({
    ...{ store, clock, random, log, logs, metrics, secretOf },
    note: (event) => noteEvent(store, { ...event, at: clock.now() }),
  });
  owned.add({ dispose: () => config.stop() });
  const page = scrape(() => metrics.exposition(), expositionType);
  const http = httpWorld({
    ...{ store, config, clock, log, secretOf },
    engine: () => link.answering,
    onEngine: link.onChange,
    mounts: [page],
  });

  if (!database.rescue) owned.add(secrets.vault.start());
  if (!database.rescue) owned.add(certificates.authority.start());
  const release = (container: string, service: string): Promise<void> => traffic.release(container, service);
  const capacity = (): typeof link.facts => link.facts;
  const measure: typeof traffic.measured = (containers) => traffic.measured(containers);
  const delivery = database.rescue ? undefined : owned.add(deliverConfigs({ store, clock, config }));
  const renewals = database.rescue ? undefined : owned.add(certificates.deliver());
  const configs = delivery ? { configs: delivery.configs } : {};
  const controllers = createControllers((engine) => {
    const shared = { store, engine, clock, random, log, release, measure, capacity };
    const joined = fleet.engine ? { fleet } : {};
    const dialer = dialerFor(engine, joined.fleet && ((container) => fleet.machineOf(container)));
    const files = { secrets: secrets.vault, certificates: certificates.certificates, ...configs };
    return { ...shared, ...joined, dialer, ...files };
  });
  const nodesWorld = { store, clock, random, log, link, ...(options.nodes ?? nodeDialer({ clock, random })) };
  const fleet = owned.add(new Fleet(nodesWorld));
  owned.add(
    fleet.onEngine((engine) => {
      controllers.setEngine(database.rescue ? undefined : engine);
      config.setEngine(database.rescue ? undefined : engine);
      renewals?.setEngine(engine);
      logs.setEngine(engine);
      metrics.setEngine(engine);
    }),
  );
  const ports = owned.add(guardPorts({ store, clock }));
  // The gateway stands on the engine itself, and so do published ports.
  owned.add(
    link.onEngine((engine) => {
      traffic.setEngine(database.rescue ? undefined : engine);
      ports.setEngine(database.rescue ? undefined : engine);
    }),
  );
  if (!database.rescue) owned.add(followLink(store, link, clock));
  owned.add(
    power.onWake(() => {
      for (const one of [link, fleet, controllers.current, logs, metrics]) one?.wake();
    }),
  );

  const status = (): AppStatus => {
    const read = logs.figures();
    const measured = metrics.figures();
    return {
      version: options.version,
      startedAt,
      loopDelay: options.loopDelay?.() ?? 0,
      linesPerSecond: Math.round(read.linesPerSecond * 10) / 10,
      pointsPerSecond: measured.pointsPerSecond,
      skippedLinesLastHour: read.skippedLinesLastHour,
      historyBytes: read.bytes + measured.bytes,
      historyBudget: read.budget,
      home,
      socket: options.socket,
      power: power.state,
      ...(database.rescue ? { rescue: database.rescue } : {}),
    };
  };
  const stacks = stackHandlers({
    store,
    clock,
    engine: () => fleet.engine ?? link.answering,
    engineId: () => link.engine?.id,
    controller: () => controllers.current,
    fleet: () => (fleet.engine ? fleet : undefined),
    secrets: secrets.vault,
    ...configs,
    builder: openBuilder(() => resources),
    readFile: (source) => (source.directory === undefined ? undefined : projectReader(source.directory)),
    lastLines: async (container, limit) => {
      const query = { scope: { containers: [container] }, query: '', limit };
      const page = await logs.calls['logs.page'](query, { kind: 'app', signal: never });
      return page.lines.map((line) => line.text);
    },
  });
  const system = systemHandlers({ store, clock, link, power, status, nodes: () => fleet.hosts() });
  const planDrain = (node: string): DrainStep[] | undefined => controllers.current?.planDrain(node);
  const nodes = nodeHandlers({ ...nodesWorld, fleet, used: () => metrics.live(), planDrain });
  const resources = openResources({
    home,
    store,
    clock,
    random,
    log,
    calls: { ...stacks.calls, ...system.calls },
    data: stacks.data,
    nodes: () => fleet.hosts(),
  });
  owned.add(link.onEngine((engine) => resources.setEngine(database.rescue ? undefined : engine)));
  const api: Api = {
    calls: {
      ...stacks.calls,
      ...system.calls,
      ...nodes,
      ...logs.calls,
      ...metrics.calls,
      ...traffic.calls,
      ...alerts.calls,
      ...autoscale.calls,
      ...config.calls,
      ...resources.calls,
      ...secrets.calls,
      ...certificates.calls,
    },
    streams: {
      ...stacks.streams,
      ...system.streams,
      ...logs.streams,
      ...metrics.streams,
      ...traffic.streams,
      ...alerts.streams,
      ...config.streams,
      ...resources.streams,
      ...secrets.streams,
      ...certificates.streams,
    },
  };

  return {
    api: database.rescue ? readOnly(api, database.rescue) : api,
    scrape: page,
    http: database.rescue ? undefined : http,
    start: async () => {
      log('info', 'Started', { version: options.version, home, rescue: database.rescue !== undefined });
      if (!database.rescue) {
        const words = sentence('event.appStarted', { version: options.version });
        noteEvent(store, { at: startedAt, actor: 'system', kind: 'app.started', health: 'ok', words });
      }
      const histories = await Promise.allSettled([logs.start(), metrics.start()]);
      for (const history of histories)
        if (history.status === 'rejected')
          log('error', 'A history could not be opened', { thrown: history.reason as unknown });
      if (!database.rescue) alerts.start();
      const engineFolder = (): string | undefined =>
        link.engine?.endpoint.startsWith('unix:') ? link.facts?.rootDirectory : undefined;
      owned.add(watchDisks(clock, metrics, { home, engine: engineFolder }));
      if (!database.rescue) autoscale.start();
      link.start();
    },
    stop: async () => {
      // First what holds the engine: its helpers and half-filled volumes are removed.
      await resources.stop();
      await traffic.settle();
      link.dispose();
      controllers.setEngine(undefined);
      traffic.stop();
      alerts.stop();
      autoscale.stop();
      await Promise.allSettled([logs.stop(), metrics.stop()]);
      await metricFiles.close();
      owned.dispose();
      log('info', 'Stopped');
    },
  };
}
