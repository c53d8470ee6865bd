/** The published clients of Apollo and Nacos, as they are, against the real server. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CtripApolloClient } from '@lvgithub/ctrip-apollo-client';
import apollo from 'ctrip-apollo';
import { NacosConfigClient, NacosNamingClient } from 'nacos';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serve, until, window, type Served } from './world';

const folder = mkdtempSync(join(tmpdir(), 'pilothouse-clients-'));
let served: Served;
const endings: (() => unknown)[] = [];

beforeEach(async () => {
  served = await serve();
});
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
  await served.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('nacos (npm), with user and password', () => {
  const client = async (namespace = 'shop'): Promise<NacosConfigClient> => {
    const { id, token } = await served.token(namespace, 'write');
    const made = new NacosConfigClient({
      serverAddr: served.address,
      namespace,
      username: id,
      password: token,
      requestTimeout: 3000,
      cacheDir: join(folder, id),
    } as ConstructorParameters<typeof NacosConfigClient>[0]);
    endings.push(() => made.close());
    await made.ready();
    return made;
  };

  it('gets, publishes, listens, and sees a release, a gray one, a rollback and a removal', async () => {
    const nacos = await client();
    expect(await nacos.publishSingle('app.json', 'DEFAULT_GROUP', '{"a": 1}')).toBe(true);
    expect(await nacos.getConfig('app.json', 'DEFAULT_GROUP')).toBe('{"a": 1}');
    expect(served.config.find({ namespace: 'shop', group: 'default', name: 'app.json' })?.release).toBe(1);
    const heard: unknown[] = [];
    nacos.subscribe({ dataId: 'app.json', group: 'DEFAULT_GROUP' }, (text: unknown) => heard.push(text));
    await until(() => heard.length === 1);
    const key = 'shop/default/app.json';
    served.publish(key, '{"a": 2}', 'json');
    await until(() => heard.at(-1) === '{"a": 2}');
    served.publish(key, '{"a": 3}', 'json', { ips: ['203.0.113.9'] });
    served.publish(key, '{"a": 4}', 'json', { ips: ['127.0.0.1'] });
    await until(() => heard.at(-1) === '{"a": 4}');
    const item = { namespace: 'shop', group: 'default', name: 'app.json' };
    served.config.withdraw(item, 'test');
    await until(() => heard.at(-1) === '{"a": 2}');
    await served.config.calls['config.rollback']({ item, expected: 2, note: '' }, window);
    await until(() => heard.at(-1) === '{"a": 1}');
    expect(heard).not.toContain('{"a": 3}');
    const userOf = async () => (await served.config.calls['config.users']({ item }, window))[0];
    // It asks again a moment after it has heard.
    await until(async () => (await userOf())?.listening === true);
    expect(await userOf()).toMatchObject({ who: '127.0.0.1', via: 'nacos', release: 5, wanted: 5 });
    expect(await nacos.remove('app.json', 'DEFAULT_GROUP')).toBe(true);
    expect(served.config.find(item)).toBeUndefined();
  });

  it('goes on after our restart, and never reads what is older than it knows', async () => {
    const nacos = await client();
    const key = 'shop/default/app.json';
    served.publish(key, 'one', 'text');
    const heard: unknown[] = [];
    nacos.on('error', () => {});
    nacos.subscribe({ dataId: 'app.json', group: 'DEFAULT_GROUP' }, (text: unknown) => heard.push(text));
    await until(() => heard.at(-1) === 'one');
    served.publish(key, 'two', 'text');
    await until(() => heard.at(-1) === 'two');
    served = await served.restart();
    expect(await nacos.getConfig('app.json', 'DEFAULT_GROUP')).toBe('two');
    served.publish(key, 'three', 'text');
    await until(() => heard.at(-1) === 'three');
    expect(heard).toEqual(['one', 'two', 'three']);
  });

  it('registers and finds instances', async () => {
    const { id, token } = await served.token('shop', 'write');
    const naming = new NacosNamingClient({
      logger: { ...console, info: () => {}, warn: () => {}, debug: () => {} },
      serverList: served.address,
      namespace: 'shop',
      username: id,
      password: token,
    } as unknown as ConstructorParameters<typeof NacosNamingClient>[0]);
    endings.push(() => (naming as unknown as { close(): Promise<void> }).close());
    await naming.ready();
    const instance = { ip: '10.1.1.1', port: 8080 } as Parameters<typeof naming.registerInstance>[1];
    await naming.registerInstance('web', instance);
    const found = await naming.getAllInstances('web', 'DEFAULT_GROUP', '', false);
    expect(found).toMatchObject([{ ip: '10.1.1.1', port: 8080, healthy: true }]);
    await naming.deregisterInstance('web', instance);
  });
});

describe('Apollo (npm @lvgithub/ctrip-apollo-client), with an access key', () => {
  it('gets and listens to keys, sees gray releases and rollbacks, and goes on after our restart', async () => {
    const { token } = await served.token('shop');
    const key = 'shop/default/application';
    served.publish(key, 'a=1\nlevel=info\n');
    const client = new CtripApolloClient({
      configServerUrl: served.url,
      appId: 'shop',
      clusterName: 'default',
      namespaceList: ['application'],
      accessKey: token,
      configPath: join(folder, 'apollo.json'),
    });
    endings.push(() => client.stop());
    await client.ready();
    expect(client.getValue('a')).toBe('1');
    served.publish(key, 'a=2\n');
    await until(() => client.getValue('a') === '2');
    const ip = (client as unknown as { clientIp?: string }).clientIp ?? '127.0.0.1';
    served.publish(key, 'a=3\n', 'properties', { ips: [ip] });
    await until(() => client.getValue('a') === '3');
    served.config.withdraw({ namespace: 'shop', group: 'default', name: 'application' }, 'test');
    await until(() => client.getValue('a') === '2');
    served = await served.restart();
    served.publish(key, 'a=4\n');
    await until(() => client.getValue('a') === '4');
  });

  it('gets nothing with another key', async () => {
    served.publish('shop/default/application', 'a=1\n');
    const { token } = await served.token('elsewhere');
    const client = new CtripApolloClient({
      configServerUrl: served.url,
      appId: 'shop',
      clusterName: 'default',
      namespaceList: ['application'],
      accessKey: token,
      configPath: join(folder, 'other.json'),
    });
    endings.push(() => client.stop());
    await expect(client.ready()).rejects.toThrow('401');
  });
});

describe('Apollo (npm ctrip-apollo), which knows no keys, where reading is open', () => {
  it('gets a namespace and hears of changes', async () => {
    await served.change({ open: true });
    served.publish('shop/default/application', 'a=1\n');
    const cluster = apollo({ host: served.url, appId: 'shop', enableFetch: false }).cluster('default');
    const namespace = cluster.namespace('application');
    endings.push(() => cluster.enableUpdateNotification(false));
    await namespace.ready();
    expect(namespace.config()).toEqual({ a: '1' });
    await until(async () => {
      const item = { namespace: 'shop', group: 'default', name: 'application' };
      return (await served.config.calls['config.users']({ item }, window)).some((user) => user.listening);
    });
    // Its first poll only tells it where it stands, so the change is made when it waits for the next.
    await new Promise((resolve) => setTimeout(resolve, 200));
    served.publish('shop/default/application', 'a=2\nb=new\n');
    await until(() => namespace.get('a') === '2');
    expect(namespace.get('b')).toBe('new');
  });
});
