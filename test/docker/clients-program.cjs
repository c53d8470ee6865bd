/** Runs inside a container: the published clients of Nacos and Apollo, as they are; prints what they hear, one line each. */
const { CtripApolloClient } = require('@lvgithub/ctrip-apollo-client');
const { NacosConfigClient } = require('nacos');

// Of the clients' environment: where we are for a container, and what it may read.
const {
  CONFIG_SERVER: server = '',
  CONFIG_NAMESPACE: namespace = '',
  TOKEN_ID: username,
  TOKEN: password,
} = process.env;
const say = (line) => process.stdout.write(`${line}\n`);

async function nacos() {
  const client = new NacosConfigClient({
    serverAddr: server,
    namespace,
    username,
    password,
    requestTimeout: 3000,
    cacheDir: '/tmp/nacos',
  });
  client.on('error', () => {});
  await client.ready();
  client.subscribe({ dataId: 'app.json', group: 'DEFAULT_GROUP' }, (text) => say(`nacos ${text}`));
}

async function apollo() {
  const client = new CtripApolloClient({
    configServerUrl: `http://${server}`,
    appId: namespace,
    clusterName: 'default',
    namespaceList: ['application'],
    accessKey: password,
    configPath: '/tmp/apollo.json',
    logger: { info: () => {}, error: () => {}, warn: () => {} },
  });
  await client.ready();
  let known;
  setInterval(() => {
    const level = client.getValue('level');
    if (level !== known) say(`apollo ${(known = level)}`);
  }, 50);
}

void nacos();
void apollo();
