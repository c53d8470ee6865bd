/** Nacos' open API, version 1, for configs: tenant is our namespace, dataId our item. Its `public` and `DEFAULT_GROUP` are ours. */
import { createHash } from 'node:crypto';
import { Hono } from 'hono';
import { configItemId, type ConfigFormat, type ConfigItemId, type GrayRule } from '../../contract/api/config';
import { PilothouseError } from '../../contract/errors';
import type { Reader, Release } from '../../app/config';
import { loginSeconds, type Access } from './access';
import { addressOf, onGone, parameter, type Ask, type Env } from './request';
import type { Waits } from './waits';
import type { HttpWorld } from '../../app/http';

const word = '\u0002';
const record = '\u0001';
const mostRecords = 10_000;

/** Nacos' names of formats; what it does not know is text. */
const formats: Record<string, ConfigFormat> = {
  text: 'text',
  json: 'json',
  xml: 'xml',
  yaml: 'yaml',
  yml: 'yaml',
  properties: 'properties',
  toml: 'toml',
  html: 'text',
};
const types: Partial<Record<ConfigFormat, string>> = {
  json: 'application/json;charset=UTF-8',
  xml: 'application/xml;charset=UTF-8',
};

const sums = new WeakMap<Release, string>();

/** MD5 of the text's bytes, as Nacos compares; of nothing it is the empty text. */
export function md5(release: Release | undefined): string {
  if (!release) return '';
  const known = sums.get(release) ?? createHash('md5').update(release.text, 'utf8').digest('hex');
  sums.set(release, known);
  return known;
}

/** Our names for theirs; undefined when they cannot be names. */
export function itemOf(tenant: string, group: string, dataId: string): ConfigItemId | undefined {
  return configItemId.safeParse({
    namespace: tenant === '' ? 'public' : tenant,
    group: group === '' || group === 'DEFAULT_GROUP' ? 'default' : group,
    name: dataId,
  }).data;
}

export function nacosConfig(world: HttpWorld, waits: Waits, access: Access): Hono<Env> {
  const { config } = world;
  const app = new Hono<Env>();

  const readerOf = (ask: Ask): Reader => {
    const ip = addressOf(ask);
    const replica = config.replicaAt(ip);
    return replica === undefined ? { ip } : { ip, replica };
  };

  const asked = (ask: Ask): ConfigItemId | undefined =>
    itemOf(parameter(ask, 'tenant') ?? '', parameter(ask, 'group') ?? '', parameter(ask, 'dataId') ?? '');

  const current = (item: ConfigItemId, reader: Reader): Release | undefined => {
    const row = config.find(item);
    return row && config.release(row, reader);
  };

  for (const path of ['/auth/login', '/auth/users/login'] as const) {
    app.post(path, (ask) => {
      const username = parameter(ask, 'username') ?? '';
      const accessToken = access.login(username, parameter(ask, 'password') ?? '');
      if (accessToken === undefined) return ask.text('unknown user!', 403);
      return ask.json({ accessToken, tokenTtl: loginSeconds, globalAdmin: false, username });
    });
  }

  app.get('/cs/configs', (ask) => {
    if (parameter(ask, 'search') !== undefined) return search(ask);
    const item = asked(ask);
    if (!item) return ask.text('invalid dataId, group or tenant', 400);
    if (!ask.get('pass').may(item.namespace, 'read')) return ask.text('forbidden', 403);
    const reader = readerOf(ask);
    const row = config.find(item);
    const release = row && config.release(row, reader);
    if (parameter(ask, 'beta') === 'true') return beta(ask, item);
    if (!row || !release) return ask.text('config data not exist', 404);
    config.acknowledge(row.key, reader, 'nacos', release.release);
    return ask.body(release.text, 200, {
      'content-type': types[release.format] ?? 'text/plain;charset=UTF-8',
      'content-md5': md5(release),
      'config-type': release.format,
      'last-modified': new Date(release.at).toUTCString(),
      'cache-control': 'no-cache,no-store',
    });
  });

  const beta = (ask: Ask, item: ConfigItemId): Response => {
    const row = config.find(item);
    const gray = row?.gray;
    const release = gray && config.releases(row).find((one) => one.release === gray.release);
    if (!gray || !release) return ask.text('config data not exist', 404);
    return ask.json({
      code: 200,
      data: { ...summary(item, release), content: release.text, betaIps: gray.rule.ips.join(',') },
    });
  };

  const summary = (item: ConfigItemId, release: Release): Record<string, unknown> => ({
    id: String(release.id),
    dataId: item.name,
    group: item.group === 'default' ? 'DEFAULT_GROUP' : item.group,
    tenant: item.namespace === 'public' ? '' : item.namespace,
    appName: '',
    md5: md5(release),
    type: release.format,
  });

  const search = (ask: Ask): Response => {
    const tenant = parameter(ask, 'tenant') ?? '';
    const namespace = tenant === '' ? 'public' : tenant;
    if (!ask.get('pass').may(namespace, 'read')) return ask.text('forbidden', 403);
    const blur = parameter(ask, 'search') === 'blur';
    const fits = (pattern: string, text: string): boolean => {
      if (pattern === '' || (blur && pattern === '*')) return true;
      if (!blur) return pattern === text;
      return pattern.split('*').every((part) => text.includes(part));
    };
    const group = parameter(ask, 'group') ?? '';
    const reader = readerOf(ask);
    const found = config.items(namespace).flatMap((row) => {
      const release = config.release(row, reader);
      const line = release && summary(row, release);
      const good = line && fits(parameter(ask, 'dataId') ?? '', row.name) && fits(group, String(line['group']));
      return good ? [{ ...line, content: release.text }] : [];
    });
    return ask.json(page(ask, found));
  };

  app.post('/cs/configs', (ask) => {
    const item = asked(ask);
    const content = parameter(ask, 'content');
    if (!item || content === undefined || content === '')
      return ask.text('invalid dataId, group, tenant or content', 400);
    const pass = ask.get('pass');
    if (!pass.may(item.namespace, 'write')) return ask.text('forbidden', 403);
    const row = config.find(item);
    const cas = ask.req.header('casmd5');
    if (cas !== undefined && cas !== '' && cas !== md5(row && config.release(row, {}))) return ask.text('false');
    const type = parameter(ask, 'type');
    const format =
      type === undefined || type === '' ? (row?.format ?? 'text') : (formats[type.toLowerCase()] ?? 'text');
    const betaIps = ask.req.header('betaips');
    const gray: GrayRule | undefined = betaIps
      ? {
          ips: betaIps
            .split(',')
            .map((ip) => ip.trim())
            .filter((ip) => ip.length > 1 && ip.length < 50)
            .slice(0, 200),
          labels: [],
          replicas: [],
          share: 0,
        }
      : undefined;
    try {
      config.put(item, { text: content, format, ...(gray ? { gray } : {}) }, pass.name);
      return ask.text('true');
    } catch (thrown) {
      if (!(thrown instanceof PilothouseError)) throw thrown;
      return ask.text(thrown.message, thrown.problem.code === 'too-many' ? 429 : 400);
    }
  });

  app.delete('/cs/configs', (ask) => {
    const item = asked(ask);
    if (!item) return ask.text('invalid dataId, group or tenant', 400);
    const pass = ask.get('pass');
    if (!pass.may(item.namespace, 'write')) return ask.text('forbidden', 403);
    if (parameter(ask, 'beta') === 'true') config.withdraw(item, pass.name);
    else config.remove(item, pass.name);
    return ask.text('true');
  });

  app.post('/cs/configs/listener', async (ask) => {
    const list = readListening(parameter(ask, 'Listening-Configs'));
    if (!list) return ask.text('invalid probeModify', 400);
    const pass = ask.get('pass');
    if (list.some((one) => !pass.may(one.item.namespace, 'read'))) return ask.text('forbidden', 403);
    const reader = readerOf(ask);
    const look = (): string | undefined => {
      const changed = list.filter((one) => md5(current(one.item, reader)) !== one.md5);
      if (changed.length === 0) return undefined;
      const lines = changed.map(
        (one) => [one.dataId, one.group, ...(one.tenant === undefined ? [] : [one.tenant])].join(word) + record,
      );
      return `${encodeURIComponent(lines.join(''))}\n`;
    };
    const timeout = Number(ask.req.header('long-pulling-timeout') ?? 0);
    const atOnce = !(timeout > 0) || ask.req.header('long-pulling-timeout-no-hangup') === 'true';
    if (atOnce) return ask.text(look() ?? '');
    const hold = Math.min(90_000, Math.max(10_000, timeout - 500));
    const rows = list.flatMap((one) => config.find(one.item)?.key ?? []);
    const listening = config.listen(rows, reader, 'nacos');
    try {
      const keys = list.map(({ item }) => `${item.namespace}/${item.group}/${item.name}`);
      return ask.text((await waits.wait(keys, hold, look, onGone(ask))) ?? '');
    } finally {
      listening.dispose();
    }
  });

  app.get('/cs/history', (ask) => {
    const item = asked(ask);
    if (!item) return ask.text('invalid dataId, group or tenant', 400);
    if (!ask.get('pass').may(item.namespace, 'read')) return ask.text('forbidden', 403);
    const row = config.find(item);
    const lines = row
      ? config.releases(row).map((release) => ({
          ...summary(item, release),
          lastId: -1,
          content: null,
          srcIp: '',
          srcUser: release.by,
          opType: (release.before === 0 ? 'I' : 'U').padEnd(10),
          createdTime: new Date(release.at).toISOString(),
          lastModifiedTime: new Date(release.at).toISOString(),
        }))
      : [];
    const id = parameter(ask, 'nid');
    if (id === undefined) return ask.json(page(ask, lines));
    const line = lines.find((one) => (one as Record<string, unknown>)['id'] === id);
    const release = row && config.releases(row).find((one) => String(one.id) === id);
    return line && release ? ask.json({ ...line, content: release.text }) : ask.text('not found', 404);
  });
  return app;
}

interface Listened {
  item: ConfigItemId;
  dataId: string;
  group: string;
  md5: string;
  tenant?: string;
}

/** Reads `Listening-Configs`, decoded once or twice. */
export function readListening(text: string | undefined): Listened[] | undefined {
  if (text === undefined || text === '') return undefined;
  let plain = text;
  if (!plain.includes(word)) {
    try {
      plain = decodeURIComponent(plain);
    } catch {
      return undefined;
    }
  }
  const list: Listened[] = [];
  for (const line of plain.split(record)) {
    if (line === '') continue;
    const [dataId = '', group = '', sum = '', tenant, ...more] = line.split(word);
    const item = itemOf(tenant ?? '', group, dataId);
    if (!item || more.length > 0 || list.length >= mostRecords) return undefined;
    list.push({ item, dataId, group, md5: sum, ...(tenant === undefined ? {} : { tenant }) });
  }
  return list.length > 0 ? list : undefined;
}

function page<T>(ask: Ask, all: readonly T[]): Record<string, unknown> {
  const number = (name: string, otherwise: number, most: number): number => {
    const value = Number(parameter(ask, name) ?? otherwise);
    return Number.isInteger(value) && value > 0 ? Math.min(value, most) : otherwise;
  };
  const size = number('pageSize', 100, 500);
  const pageNumber = number('pageNo', 1, 1_000_000);
  const pageItems = all.slice((pageNumber - 1) * size, pageNumber * size);
  return { totalCount: all.length, pageNumber, pagesAvailable: Math.ceil(all.length / size), pageItems };
}
