/** Nacos' naming, version 1: instances that clients register and keep alive, and beside them the replicas of our own services. */
import { Hono } from 'hono';
import { parameter, type Ask, type Env } from './request';
import type { HttpWorld } from '../../app/http';

/** Nacos' times, milliseconds. */
const beatEvery = 5000;
const unhealthyAfter = 15_000;
const goneAfter = 30_000;
const most = 10_000;

interface Instance {
  ip: string;
  port: number;
  weight: number;
  enabled: boolean;
  healthy: boolean;
  ephemeral: boolean;
  clusterName: string;
  metadata: Record<string, string>;
  at: number;
}

export function nacosNaming(world: HttpWorld): Hono<Env> {
  const app = new Hono<Env>();
  const services = new Map<string, Map<string, Instance>>();
  const now = (): number => world.clock.monotonic();

  const named = (ask: Ask): { namespace: string; group: string; name: string; key: string } => {
    const full = parameter(ask, 'serviceName') ?? '';
    const cut = full.indexOf('@@');
    const name = cut < 0 ? full : full.slice(cut + 2);
    const group = cut < 0 ? (parameter(ask, 'groupName') ?? 'DEFAULT_GROUP') : full.slice(0, cut);
    const namespace = parameter(ask, 'namespaceId') || 'public';
    return { namespace, group, name, key: `${namespace}\u0000${group}\u0000${name}` };
  };

  /** Those who did not beat for long are gone. Only looked at when somebody looks, so that nothing runs in between. */
  const alive = (key: string): Instance[] => {
    const known = services.get(key);
    if (!known) return [];
    for (const [id, one] of known) if (one.ephemeral && now() - one.at > goneAfter) known.delete(id);
    if (known.size === 0) services.delete(key);
    return [...known.values()].map((one) =>
      one.ephemeral && now() - one.at > unhealthyAfter ? { ...one, healthy: false } : one,
    );
  };

  const own = (namespace: string, name: string): Instance[] => {
    const [stack, service] =
      namespace === 'public' ? [name.split('.')[0] ?? '', name.split('.').slice(1).join('.')] : [namespace, name];
    return (world.endpoints(stack, service) ?? []).map((one) => ({
      ip: one.ip,
      port: one.port,
      weight: 1,
      enabled: true,
      healthy: one.ready,
      ephemeral: false,
      clusterName: 'DEFAULT',
      metadata: { replica: one.replica },
      at: 0,
    }));
  };

  const put = (key: string, instance: Instance): boolean => {
    const known = services.get(key) ?? new Map<string, Instance>();
    let count = known.size;
    for (const [other, list] of services) if (other !== key) count += list.size;
    const id = idOf(instance);
    if (!known.has(id) && count >= most) {
      for (const other of [...services.keys()]) alive(other);
      return false;
    }
    known.set(id, instance);
    services.set(key, known);
    return true;
  };

  const read = (ask: Ask): Instance | undefined => {
    const ip = parameter(ask, 'ip') ?? '';
    const port = Number(parameter(ask, 'port'));
    if (ip === '' || ip.length > 100 || !Number.isInteger(port) || port < 0 || port > 65_535) return undefined;
    const weight = Number(parameter(ask, 'weight') ?? 1);
    return {
      ip,
      port,
      weight: Number.isFinite(weight) ? Math.min(10_000, Math.max(0, weight)) : 1,
      enabled: (parameter(ask, 'enabled') ?? parameter(ask, 'enable')) !== 'false',
      healthy: parameter(ask, 'healthy') !== 'false',
      ephemeral: parameter(ask, 'ephemeral') !== 'false',
      clusterName: (parameter(ask, 'clusterName') || 'DEFAULT').slice(0, 100),
      metadata: texts(parameter(ask, 'metadata')),
      at: now(),
    };
  };

  const may = (ask: Ask, right: 'read' | 'write'): boolean => ask.get('pass').may(named(ask).namespace, right);

  app.on(['POST', 'PUT'], '/instance', (ask) => {
    if (!may(ask, 'write')) return ask.text('forbidden', 403);
    const { key, name } = named(ask);
    const instance = read(ask);
    if (!instance || name === '' || name.length > 500) return ask.text('invalid instance', 400);
    return put(key, instance) ? ask.text('ok') : ask.text('too many instances', 503);
  });

  app.delete('/instance', (ask) => {
    if (!may(ask, 'write')) return ask.text('forbidden', 403);
    const { key } = named(ask);
    const instance = read(ask);
    if (!instance) return ask.text('invalid instance', 400);
    const known = services.get(key);
    for (const [id, one] of known ?? [])
      if (one.ip === instance.ip && one.port === instance.port && one.clusterName === instance.clusterName)
        known?.delete(id);
    return ask.text('ok');
  });

  app.put('/instance/beat', (ask) => {
    if (!may(ask, 'write')) return ask.text('forbidden', 403);
    const { key } = named(ask);
    const beat = record(parameter(ask, 'beat'));
    const ip = beat['ip'] ?? parameter(ask, 'ip');
    const port = Number(beat['port'] ?? parameter(ask, 'port'));
    const known = services.get(key);
    const found = [...alive(key)].find((one) => one.ip === ip && one.port === port);
    const instance = found && known?.get(idOf(found));
    if (!instance) return ask.json({ clientBeatInterval: beatEvery, code: 20404, lightBeatEnabled: true });
    instance.at = now();
    return ask.json({ clientBeatInterval: beatEvery, code: 10200, lightBeatEnabled: true });
  });

  app.get('/instance/list', (ask) => {
    if (!may(ask, 'read')) return ask.text('forbidden', 403);
    const { namespace, group, name, key } = named(ask);
    const clusters = (parameter(ask, 'clusters') ?? '').split(',').filter((one) => one !== '');
    const healthyOnly = parameter(ask, 'healthyOnly') === 'true';
    const hosts = [...alive(key), ...own(namespace, name)]
      .filter(
        (one) =>
          one.enabled && (clusters.length === 0 || clusters.includes(one.clusterName)) && (!healthyOnly || one.healthy),
      )
      .map((one) => hostOf(one, group, name));
    return ask.json({
      name: `${group}@@${name}`,
      groupName: group,
      clusters: clusters.join(','),
      cacheMillis: 3000,
      hosts,
      lastRefTime: world.clock.now(),
      checksum: '',
      allIPs: false,
      reachProtectionThreshold: false,
      valid: true,
    });
  });

  app.get('/instance', (ask) => {
    if (!may(ask, 'read')) return ask.text('forbidden', 403);
    const { namespace, group, name, key } = named(ask);
    const found = [...alive(key), ...own(namespace, name)].find(
      (one) => one.ip === parameter(ask, 'ip') && one.port === Number(parameter(ask, 'port')),
    );
    return found
      ? ask.json({ service: `${group}@@${name}`, ...hostOf(found, group, name) })
      : ask.text('no matched ip found', 404);
  });

  app.get('/service/list', (ask) => {
    if (!may(ask, 'read')) return ask.text('forbidden', 403);
    const { namespace, group } = named(ask);
    const start = `${namespace}\u0000${group}\u0000`;
    const doms = [...services.keys()]
      .filter((key) => key.startsWith(start) && alive(key).length > 0)
      .map((key) => key.slice(start.length));
    const size = Math.min(500, Math.max(1, Number(parameter(ask, 'pageSize')) || 100));
    const page = Math.max(1, Number(parameter(ask, 'pageNo')) || 1);
    return ask.json({ count: doms.length, doms: doms.slice((page - 1) * size, page * size) });
  });

  app.get('/operator/metrics', (ask) => ask.json({ status: 'UP' }));
  return app;
}

function idOf(one: Instance): string {
  return `${one.ip}#${one.port}#${one.clusterName}`;
}

function hostOf(one: Instance, group: string, name: string): Record<string, unknown> {
  const { at: _at, ...rest } = one;
  return {
    ...rest,
    instanceId: `${idOf(one)}#${group}@@${name}`,
    serviceName: `${group}@@${name}`,
    valid: one.healthy,
    marked: false,
    instanceHeartBeatInterval: beatEvery,
    instanceHeartBeatTimeOut: unhealthyAfter,
    ipDeleteTimeout: goneAfter,
  };
}

function record(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {};
  } catch {
    return {};
  }
}

function texts(text: string | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(record(text))
      .filter((pair): pair is [string, string] => typeof pair[1] === 'string')
      .slice(0, 50)
      .map(([key, value]) => [key.slice(0, 200), value.slice(0, 1000)]),
  );
}
