/** How a service is connected: `network_mode`, `networks` with their aliases. */
import type { NetworkAttachment } from '../../contract/spec';
import { Cursor } from './cursor';
import { asKeys } from './merge';

const ignored = ['interface_name', 'link_local_ips', 'driver_opts', 'gw_priority'];

/** The connection of a service: a mode of the engine, or networks of the stack. */
export interface Connection {
  networkMode?: string;
  networks: NetworkAttachment[];
  /** A network's own `mac_address`, which the engine takes per container. */
  macAddress?: string;
}

/** Reads the connection of a service; without anything it joins `default`. */
export function readConnection(service: Cursor): Connection {
  const { report } = service;
  const mode = service.get('network_mode');
  const modeText = mode.text();
  const declared = service.get('networks');
  if (modeText !== undefined && modeText !== '') {
    if (declared.given) report.problem('compose.networkModeAndNetworks', {}, mode.spot);
    if (/^(service|container):/.test(modeText)) {
      report.problem('compose.sharedNamespace', { field: 'network_mode', value: modeText }, mode.spot, 'unsupported');
    } else if (!['host', 'none', 'bridge', 'default'].includes(modeText)) {
      report.problem('compose.badNetworkMode', { mode: modeText }, mode.spot);
    }
    if (modeText === 'host' && service.get('ports').items().length > 0) {
      report.warning('compose.hostNetworkPorts', {}, service.keySpot('ports'), 'bad-input');
    }
    return { networkMode: modeText, networks: [] };
  }
  const map = declared.node === undefined ? undefined : asKeys(declared.node);
  const entries = new Cursor(map, declared.path, report).entries();
  if (entries.length === 0) return { networks: [{ network: 'default', aliases: [], priority: 0 }] };
  const connection: Connection = { networks: [] };
  for (const [network, settings] of entries) {
    const ipv4 = settings.get('ipv4_address').text();
    const ipv6 = settings.get('ipv6_address').text();
    connection.networks.push({
      network,
      aliases: [...new Set(settings.get('aliases').texts())],
      priority: settings.get('priority').number() ?? 0,
      ...(ipv4 === undefined || ipv4 === '' ? {} : { ipv4Address: ipv4 }),
      ...(ipv6 === undefined || ipv6 === '' ? {} : { ipv6Address: ipv6 }),
    });
    const mac = settings.get('mac_address').text();
    if (mac !== undefined) connection.macAddress ??= mac;
    for (const field of ignored) {
      if (settings.get(field).given) report.warning('compose.ignored', { field }, settings.keySpot(field));
    }
  }
  // Highest priority first, else in the file's order: the first is joined when the container is made.
  connection.networks.sort((left, right) => right.priority - left.priority);
  return connection;
}
