/**
 * The network of a private engine: a bridge of its own, in this machine's namespace or in one that a veth pair joins to
 * it. Two daemons in one namespace would fight over the same firewall chains.
 */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { capture, must } from './processes.mjs';

/** @typedef {import('./records.mjs').EngineRecord} EngineRecord */

/**
 * All names and addresses of engine number `index`.
 * @param {number} index
 * @returns {{ bridge: string, bridgeAddress: string, pool: string, prefix: string, namespace: string, hostLink: string, ownLink: string, hostAddress: string, ownAddress: string }}
 */
export function networkOf(index) {
  const prefix = `10.${210 + index}.`;
  return {
    prefix,
    bridge: `phbr${index}`,
    bridgeAddress: `${prefix}0.1/24`,
    pool: `base=${prefix}128.0/17,size=24`,
    namespace: `pilothouse-${index}`,
    hostLink: `phv${index}h`,
    ownLink: `phv${index}e`,
    hostAddress: `${prefix}64.1`,
    ownAddress: `${prefix}64.2`,
  };
}

/**
 * Whether nobody uses the addresses of that number. An engine whose record we cannot see (of a container that shares this
 * machine's network, say) must not lose its links to us.
 * @param {number} index
 * @returns {boolean}
 */
export function addressesAreFree(index) {
  const { prefix } = networkOf(index);
  const lines = [
    ...capture('ip', ['-o', '-4', 'addr', 'show']).stdout.split('\n'),
    ...capture('ip', ['-4', 'route']).stdout.split('\n'),
  ];
  return !lines.some((line) => line.split(/\s+/).some((word) => word.startsWith(prefix)));
}

/** @returns {boolean} whether a Docker daemon runs in this machine's own network namespace */
export function hostHasDaemon() {
  const ours = readlinkSync('/proc/self/ns/net');
  return readdirSync('/proc').some((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return (
        readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'dockerd' && readlinkSync(`/proc/${pid}/ns/net`) === ours
      );
    } catch {
      return false;
    }
  });
}

/**
 * Makes the bridge, and the namespace when the engine gets one.
 * @param {Pick<EngineRecord, 'index' | 'hostNetwork' | 'program'>} record
 */
export function makeNetwork({ index, hostNetwork, program }) {
  const net = networkOf(index);
  if (!hostNetwork) {
    must('ip', ['netns', 'add', net.namespace]);
    must('ip', ['link', 'add', net.hostLink, 'type', 'veth', 'peer', 'name', net.ownLink, 'netns', net.namespace]);
    must('ip', ['addr', 'add', `${net.hostAddress}/30`, 'dev', net.hostLink]);
    must('ip', ['link', 'set', net.hostLink, 'up']);
    inside(net.namespace, ['ip', 'link', 'set', 'lo', 'up']);
    inside(net.namespace, ['ip', 'addr', 'add', `${net.ownAddress}/30`, 'dev', net.ownLink]);
    inside(net.namespace, ['ip', 'link', 'set', net.ownLink, 'up']);
    inside(net.namespace, ['ip', 'route', 'add', 'default', 'via', net.hostAddress]);
  }
  // Podman makes its own.
  if (program === 'podman') return;
  const doing = hostNetwork
    ? (/** @type {string[]} */ argv) => run(argv)
    : (/** @type {string[]} */ argv) => inside(net.namespace, argv);
  doing(['ip', 'link', 'add', 'name', net.bridge, 'type', 'bridge']);
  doing(['ip', 'addr', 'add', net.bridgeAddress, 'dev', net.bridge]);
  doing(['ip', 'link', 'set', net.bridge, 'up']);
}

/**
 * Lets this machine reach the containers of an engine in a namespace by their own addresses, as it does where the engine shares its
 * network: our probes ask them so, and without a way of their own the machine's default route would send them to strangers.
 * The daemon must run, since it makes the chain; Podman forwards without being told.
 * @param {number} index
 * @param {EngineRecord['program']} program
 */
export function openNetwork(index, program) {
  const net = networkOf(index);
  for (const range of [`${net.prefix}0.0/24`, `${net.prefix}128.0/17`])
    must('ip', ['route', 'replace', range, 'via', net.ownAddress, 'dev', net.hostLink]);
  if (program === 'podman') return;
  const [command = '', ...argv] = [...enter(net.namespace), 'iptables', '-I', 'DOCKER-USER', '-i', net.ownLink];
  must(command, [...argv, '-j', 'ACCEPT']);
}

/**
 * @param {string[]} argv
 */
function run(argv) {
  must(argv[0] ?? '', argv.slice(1));
}

/**
 * `nsenter`, because `ip netns exec` hides the cgroups.
 * @param {string} namespace
 * @param {string[]} argv
 */
function inside(namespace, argv) {
  run([...enter(namespace), ...argv]);
}

/**
 * @param {string} namespace
 * @returns {string[]} what to put before an argv so that it runs in that namespace
 */
export function enter(namespace) {
  return ['nsenter', `--net=/run/netns/${namespace}`, '--'];
}

/** @returns {{ forwardPolicy: string, foreignChains: boolean }} the firewall as it was before an engine of ours */
export function firewallNow() {
  const rules = capture('iptables', ['-S']).stdout;
  return {
    forwardPolicy: /^-P FORWARD (\S+)/m.exec(rules)?.[1] ?? 'ACCEPT',
    foreignChains: /^-N DOCKER$/m.test(rules),
  };
}

/**
 * Takes away everything that the engine and `makeNetwork` put into the network.
 * @param {EngineRecord} record
 */
export function removeNetwork(record) {
  removeLinks(record.index);
  if (record.hostNetwork && !record.foreignChains && !hostHasDaemon()) removeFirewall(record);
}

/**
 * @param {number} index
 */
function removeLinks(index) {
  const net = networkOf(index);
  capture('ip', ['netns', 'del', net.namespace]);
  capture('ip', ['link', 'del', net.hostLink]);
  // Bridges of the engine's own networks are named by chance; their addresses tell that they are ours.
  for (const line of capture('ip', ['-o', '-4', 'addr', 'show']).stdout.split('\n')) {
    const [, name, address] = /^\d+:\s+(\S+)\s+inet (\S+)/.exec(line) ?? [];
    if (name && address?.startsWith(net.prefix)) capture('ip', ['link', 'del', name]);
  }
}

/**
 * @param {EngineRecord} record
 */
function removeFirewall(record) {
  const { prefix, bridge } = networkOf(record.index);
  for (const table of ['filter', 'nat']) {
    const rules = capture('iptables', ['-t', table, '-S']).stdout.split('\n');
    const ours = (/** @type {string} */ rule) =>
      / -j DOCKER/.test(rule) || rule.includes(prefix) || rule.includes(bridge) || /-[io] br-[0-9a-f]{12}\b/.test(rule);
    for (const rule of rules.filter((line) => line.startsWith('-A ') && !line.startsWith('-A DOCKER') && ours(line))) {
      capture('iptables', ['-t', table, '-D', ...rule.split(' ').slice(1)]);
    }
    const chains = rules.flatMap((line) => /^-N (DOCKER\S*)$/.exec(line)?.[1] ?? []);
    for (const action of ['-F', '-X']) {
      for (const chain of chains) capture('iptables', ['-t', table, action, chain]);
    }
  }
  capture('iptables', ['-P', 'FORWARD', record.forwardPolicy]);
}
