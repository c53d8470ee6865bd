/** `ports` and `expose` of a service. */
import type { PortSpec } from '../../contract/spec';
import type { Cursor } from './cursor';
import { parsePortRange, parsePortText } from './ports';

const mostPorts = 20_000;

/** Published and merely named ports, long and short forms alike; host port 0 means that the engine picks one. */
export function readPorts(ports: Cursor): PortSpec[] {
  const result: PortSpec[] = [];
  for (const item of ports.items()) {
    for (const port of item.node?.kind === 'map' ? longPort(item) : shortPorts(item)) result.push(port);
    if (result.length > mostPorts) {
      item.report.problem('compose.tooManyPorts', { limit: mostPorts }, item.spot, 'too-many');
      break;
    }
  }
  return result;
}

/** Container ports of `expose`, ranges unfolded, each once. */
export function readExpose(expose: Cursor): number[] {
  const result = new Set<number>();
  let work = 0;
  for (const item of expose.items()) {
    const text = item.text() ?? '';
    const range = parsePortRange(text.replace(/\/(tcp|udp|sctp)$/i, ''));
    if (range === undefined) item.report.problem('compose.badPort', { port: text }, item.spot);
    else for (let port = range.from; port <= range.to; port++) result.add(port);
    work += range === undefined ? 0 : range.to - range.from;
    if (work > mostPorts) {
      item.report.problem('compose.tooManyPorts', { limit: mostPorts }, item.spot, 'too-many');
      break;
    }
  }
  return [...result];
}

function shortPorts(item: Cursor): PortSpec[] {
  const text = item.text();
  if (text === undefined) return [];
  const ports = parsePortText(text);
  if (Array.isArray(ports)) return ports.map((port) => withoutZero({ ...port, mode: 'ingress' }));
  const code =
    ports === 'protocol' ? 'compose.badProtocol' : ports === 'lengths' ? 'compose.portLengths' : 'compose.badPort';
  item.report.problem(code, { port: text }, item.spot);
  return [];
}

function longPort(item: Cursor): PortSpec[] {
  const targetText = item.get('target').text();
  if (targetText === undefined) {
    item.report.problem('compose.missingKey', { key: 'target', owner: 'ports' }, item.spot);
    return [];
  }
  const target = parsePortRange(targetText);
  const publishedText = item.get('published').text() ?? '';
  const published = publishedText === '' ? undefined : parsePortRange(publishedText);
  if (target === undefined || target.from !== target.to || target.from === 0) {
    item.report.problem('compose.badPort', { port: targetText }, item.get('target').spot);
    return [];
  }
  if (publishedText !== '' && published === undefined) {
    item.report.problem('compose.badPort', { port: publishedText }, item.get('published').spot);
    return [];
  }
  const protocol = item.get('protocol').text() ?? 'tcp';
  if (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'sctp') {
    item.report.problem('compose.badProtocol', { port: protocol }, item.get('protocol').spot);
    return [];
  }
  const mode = item.get('mode').text() ?? 'ingress';
  if (mode !== 'ingress' && mode !== 'host') {
    item.report.problem('compose.badChoice', { value: mode, choices: 'ingress, host' }, item.get('mode').spot);
    return [];
  }
  const hostIp = item
    .get('host_ip')
    .text()
    ?.replace(/^\[|\]$/g, '');
  const name = item.get('name').text();
  const appProtocol = item.get('app_protocol').text();
  return [
    withoutZero({
      target: target.from,
      protocol,
      mode,
      ...(published === undefined ? {} : { published }),
      ...(hostIp === undefined || hostIp === '' ? {} : { hostIp }),
      ...(name === undefined ? {} : { name }),
      ...(appProtocol === undefined ? {} : { appProtocol }),
    }),
  ];
}

function withoutZero(port: PortSpec): PortSpec {
  if (port.published?.to !== 0) return port;
  const { published: _any, ...rest } = port;
  return rest;
}
