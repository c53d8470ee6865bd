/** Apollo's config service, as its clients know it: appId is our namespace, cluster our group, namespace our item. */
import { isIP } from 'node:net';
import { Hono } from 'hono';
import { z } from 'zod';
import { configItemId, type ConfigFormat, type ConfigItemId } from '../../contract/api/config';
import { pairsOf, writeProperties, type Reader, type Release, type Row } from '../../app/config';
import { addressOf, answerNow, onGone, parameter, type Ask, type Env } from './request';
import { canonical, type Waits } from './waits';
import type { HttpWorld } from '../../app/http';

/** How long a poll is held, milliseconds; clients wait 70 s and more. */
const hold = 60_000;
/** The owner of namespaces that all apps share. */
const shared = 'public';

const notifications = z
  .array(z.object({ namespaceName: z.string().min(1).max(200), notificationId: z.number().int() }))
  .min(1)
  .max(1000);

interface Wanted {
  appId: string;
  cluster: string;
  namespace: string;
  dataCenter?: string;
}

export function apollo(world: HttpWorld, waits: Waits): Hono<Env> {
  const { config } = world;
  const app = new Hono<Env>();

  /** Groups to look in, the nearest first. */
  const groups = (wanted: Wanted): string[] => [
    ...new Set([wanted.cluster, wanted.dataCenter ?? '', 'default'].filter((one) => one !== '')),
  ];

  /** The item of an app in a group, in any letter case, with or without `.properties`. */
  const row = (appId: string, group: string, name: string): Row | undefined => {
    const exact = configItemId.safeParse({ namespace: appId, group, name });
    return exact.success ? rowOf(exact.data) : undefined;
  };
  const rowOf = (item: ConfigItemId): Row | undefined => {
    const found = config.find(item);
    if (found) return found;
    const key = canonical(`${item.namespace}/${item.group}/${item.name}`);
    return config.items(item.namespace).find((one) => canonical(one.key) === key);
  };

  const readerOf = (ask: Ask): Reader => {
    const address = addressOf(ask);
    const replica = config.replicaAt(address);
    const label = parameter(ask, 'label');
    // Clients say which of their addresses they mean; it decides on gray releases, never on rights.
    const given = parameter(ask, 'ip') ?? '';
    return {
      ip: isIP(given) === 0 ? address : given,
      ...(label ? { label } : {}),
      ...(replica === undefined ? {} : { replica }),
    };
  };

  /** What an app should have: its own release, and under it the shared one of the same name. */
  const releases = (ask: Ask, wanted: Wanted, reader: Reader): { row: Row; release: Release }[] => {
    const owners = [wanted.appId, ...(wanted.appId !== shared && ask.get('pass').may(shared, 'read') ? [shared] : [])];
    return owners.flatMap((owner) => {
      for (const group of groups(wanted)) {
        const found = row(owner, group, wanted.namespace);
        const release = found && config.release(found, reader);
        if (found && release) return [{ row: found, release }];
      }
      return [];
    });
  };

  const wantedOf = (ask: Ask): Wanted => {
    const dataCenter = parameter(ask, 'dataCenter');
    return {
      appId: ask.req.param('appId') ?? '',
      cluster: ask.req.param('cluster') ?? 'default',
      namespace: ask.req.param('namespace') ?? '',
      ...(dataCenter === undefined ? {} : { dataCenter }),
    };
  };

  const values = (found: readonly { release: Release }[]): Record<string, string> => {
    const [own] = found;
    if (!own) return {};
    if (!pairsOf(own.release.text, own.release.format)) return { content: own.release.text };
    const merged = new Map<string, string>();
    for (const { release } of [...found].reverse())
      for (const [key, value] of pairsOf(release.text, release.format)?.pairs ?? []) merged.set(key, value);
    return Object.fromEntries(merged);
  };

  /** Finds what is asked for and notes who has it; a refusal or a miss as a response. */
  const open = (ask: Ask): { wanted: Wanted; found: { row: Row; release: Release }[] } | Response => {
    const wanted = wantedOf(ask);
    if (!ask.get('pass').may(wanted.appId, 'read')) return ask.body(null, 401);
    const reader = readerOf(ask);
    const found = releases(ask, wanted, reader);
    for (const one of found) config.acknowledge(one.row.key, reader, 'apollo', one.release.release);
    return found.length === 0 ? ask.body(null, 404) : { wanted, found };
  };

  app.get('/configs/:appId/:cluster/:namespace', (ask) => {
    const opened = open(ask);
    if (opened instanceof Response) return opened;
    const { wanted, found } = opened;
    const releaseKey = found.map((one) => one.release.id).join('+');
    if (parameter(ask, 'releaseKey') === releaseKey) return ask.body(null, 304);
    return ask.json({
      appId: wanted.appId,
      cluster: wanted.cluster,
      namespaceName: wanted.namespace,
      configurations: values(found),
      releaseKey,
    });
  });

  app.get('/configfiles/json/:appId/:cluster/:namespace', (ask) => {
    const opened = open(ask);
    return opened instanceof Response ? opened : ask.json(values(opened.found));
  });

  app.get('/configfiles/raw/:appId/:cluster/:namespace', (ask) => {
    const opened = open(ask);
    if (opened instanceof Response) return opened;
    const [own] = opened.found;
    const format = own?.release.format ?? 'text';
    return ask.body(own?.release.text ?? '', 200, { 'content-type': contentType(format) });
  });

  app.get('/configfiles/:appId/:cluster/:namespace', (ask) => {
    const opened = open(ask);
    if (opened instanceof Response) return opened;
    const text = writeProperties(new Map(Object.entries(values(opened.found))));
    return ask.body(text, 200, { 'content-type': 'text/plain;charset=UTF-8' });
  });

  app.get('/notifications/v2', async (ask) => {
    const appId = parameter(ask, 'appId') ?? '';
    const list = readNotifications(parameter(ask, 'notifications'));
    if (appId === '' || !list) return ask.body(null, 400);
    if (!ask.get('pass').may(appId, 'read')) return ask.body(null, 401);
    const dataCenter = parameter(ask, 'dataCenter');
    const cluster = parameter(ask, 'cluster') || 'default';
    const where = groups({ appId, cluster, namespace: '', ...(dataCenter === undefined ? {} : { dataCenter }) });
    const owners = [appId, ...(appId !== shared && ask.get('pass').may(shared, 'read') ? [shared] : [])];
    const watched = list.map((one) => ({
      ...one,
      keys: owners.flatMap((owner) =>
        where.map((group) => ({
          owner,
          group,
          key: `${owner}/${group}/${one.namespaceName}`,
          // Parsed once: a release looks at thousands of these in one breath.
          item: configItemId.safeParse({ namespace: owner, group, name: one.namespaceName }).data,
        })),
      ),
    }));
    const reader = readerOf(ask);
    const rows = watched.flatMap((one) => one.keys.flatMap(({ item }) => (item && rowOf(item)?.key) ?? []));
    const listening = config.listen(rows, reader, 'apollo');
    const look = (): Changed[] | undefined => {
      const changed = watched.flatMap(({ namespaceName, notificationId, keys }): Changed[] => {
        const details: Record<string, number> = {};
        let newest = -1;
        for (const { owner, group, key, item } of keys) {
          const notice = config.notice((item && rowOf(item)?.key) ?? key);
          if (notice <= 0) continue;
          details[`${owner}+${group}+${namespaceName}`] = notice;
          newest = Math.max(newest, notice);
        }
        return newest > notificationId ? [{ namespaceName, notificationId: newest, messages: { details } }] : [];
      });
      return changed.length > 0 ? changed : undefined;
    };
    try {
      const keys = watched.flatMap((one) => one.keys.map(({ key }) => key));
      const changed = await waits.wait(keys, hold, look, onGone(ask));
      return changed ? answerNow(ask, 200, 'application/json', JSON.stringify(changed)) : ask.body(null, 304);
    } finally {
      listening.dispose();
    }
  });

  // The meta server: this server is the only one.
  app.get('/services/config', (ask) => {
    const host = ask.req.header('host') ?? '';
    return ask.json([{ appName: 'PILOTHOUSE', instanceId: `${host}:pilothouse`, homepageUrl: `http://${host}/` }]);
  });
  return app;
}

interface Changed {
  namespaceName: string;
  notificationId: number;
  messages: { details: Record<string, number> };
}

function readNotifications(text: string | undefined): z.output<typeof notifications> | undefined {
  try {
    return notifications.safeParse(JSON.parse(text ?? '')).data;
  } catch {
    return undefined;
  }
}

function contentType(format: ConfigFormat): string {
  const types: Partial<Record<ConfigFormat, string>> = {
    json: 'application/json',
    yaml: 'application/yaml',
    xml: 'application/xml',
  };
  return `${types[format] ?? 'text/plain'};charset=UTF-8`;
}
