/**
 * What hands the machine to a container (reliability.md S23). One function for every entry point: apply, clone, restore, import. The
 * findings are warnings in the plan; whoever applies decides. Docker's own names for the same thing are all covered: a bind hidden in
 * a volume's driver options (F11) counts like a bind.
 */
import type { Place } from '../../contract/errors';
import { say, sentence } from '../../contract/sentence';
import type { Sentence, WordCode } from '../../contract/sentence';
import type { MountSpec, ServiceSpec, StackSpec } from '../../contract/spec';
import type { PolicyFinding, PolicyRule } from './types';

const sockets =
  /(^|\/)(docker|podman|containerd|crio|buildkitd|dockerd)(-engine)?\.sock$|^\\\\[.?]\\pipe\\|^\/\/[.?]\/pipe\//i;
/** Folders whose content is the machine: reading is enough to steal it, writing to own it. */
const sensitive = [
  '/etc',
  '/root',
  '/boot',
  '/dev',
  '/proc',
  '/sys',
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/var',
  '/home',
  '/run',
];
/** Below these, sub-folders are as bad as the folder itself; `/var` and `/home` have harmless ones. */
const sensitiveDeep = [
  '/etc',
  '/root',
  '/boot',
  '/dev',
  '/proc',
  '/sys',
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/var/lib/docker',
  '/var/run',
  '/run',
];
/** What containers are often given to read, and may. */
const harmless =
  /^\/etc\/(localtime|timezone|hosts|resolv\.conf|ssl\/certs|ca-certificates)$|^\/usr\/share\/(zoneinfo|ca-certificates)$/;
const capabilities = new Set([
  'ALL',
  'SYS_ADMIN',
  'SYS_MODULE',
  'SYS_PTRACE',
  'SYS_RAWIO',
  'SYS_BOOT',
  'DAC_READ_SEARCH',
  'NET_ADMIN',
  'BPF',

  'SYSLOG',
  'PERFMON',
]);

/** Every setting of the project that gives a container power over the machine, in the order of services and fields. */
export function policyFindings(spec: StackSpec): PolicyFinding[] {
  const findings: PolicyFinding[] = [];
  for (const [name, service] of Object.entries(spec.services)) findings.push(...serviceFindings(name, service));
  for (const [key, volume] of Object.entries(spec.volumes)) {
    const options = volume.driverOpts;
    const flags = `${options['o'] ?? ''},${options['type'] ?? ''}`.split(/[\s,]+/);
    const device = options['device'];
    if (device !== undefined && (flags.includes('bind') || flags.includes('rbind') || device.startsWith('/'))) {
      findings.push(
        finding('volume-bind', sentence('policy.volumeBind', { volume: key, path: short(device) }), {
          path: `volumes.${key}.driver_opts`,
        }),
      );
    }
  }
  return findings;
}

function serviceFindings(name: string, service: ServiceSpec): PolicyFinding[] {
  const found: PolicyFinding[] = [];
  const add = (rule: PolicyRule, code: WordCode, field: string, args: Record<string, string> = {}): void => {
    found.push(
      finding(rule, sentence(code, { service: name, ...args }), { service: name, path: `services.${name}.${field}` }),
    );
  };
  if (service.privileged) add('privileged', 'policy.privileged', 'privileged');
  for (const mount of service.mounts) bindFinding(mount, add);
  for (const field of ['pid', 'ipc', 'uts'] as const) {
    if (service[field] === 'host') add('host-namespace', 'policy.hostNamespace', field, { namespace: field });
  }
  if (service.extras?.usernsMode === 'host')
    add('host-namespace', 'policy.hostNamespace', 'userns_mode', { namespace: 'user' });
  if (service.extras?.cgroup === 'host')
    add('host-namespace', 'policy.hostNamespace', 'cgroup', { namespace: 'cgroup' });
  if (service.networkMode === 'host') add('host-network', 'policy.hostNetwork', 'network_mode');
  for (const capability of service.capAdd) {
    const plain = capability.toUpperCase().replace(/^CAP_/, '');
    if (capabilities.has(plain)) add('capability', 'policy.capability', 'cap_add', { capability: plain });
  }
  for (const option of service.securityOpt) {
    if (
      /^(seccomp|apparmor|systempaths|proc-opts)\s*[=:]\s*unconfined$/i.test(option) ||
      /^label\s*[=:]\s*disable$/i.test(option)
    ) {
      add('unconfined', 'policy.unconfined', 'security_opt', { option: short(option) });
    }
  }
  for (const device of service.devices) add('device', 'policy.device', 'devices', { device: short(device) });
  for (const rule of service.extras?.deviceCgroupRules ?? [])
    add('device', 'policy.device', 'device_cgroup_rules', { device: short(rule) });
  return found;
}

function bindFinding(
  mount: MountSpec,
  add: (rule: PolicyRule, code: WordCode, field: string, args: Record<string, string>) => void,
): void {
  if (mount.type !== 'bind' || mount.source === undefined) return;
  const path = plainPath(mount.source);
  const args = { path: short(mount.source) };
  if (sockets.test(mount.source) || sockets.test(path)) add('engine-socket', 'policy.engineSocket', 'volumes', args);
  else if (path === '/' || /^[a-z]:\/?$/i.test(path)) add('host-root', 'policy.hostRoot', 'volumes', args);
  else if (mount.readOnly && harmless.test(path)) return;
  else if (sensitive.includes(path) || sensitiveDeep.some((folder) => `${path}/`.startsWith(`${folder}/`))) {
    add('host-bind', 'policy.hostBind', 'volumes', args);
  }
}

/** `/a//b/./../c/` as `/a/c`, with forward slashes, so that spelling hides nothing. */
function plainPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.replaceAll('\\', '/').split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return path.startsWith('/') ? `/${parts.join('/')}` : parts.join('/');
}

function short(text: string): string {
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
}

function finding(
  rule: PolicyRule,
  words: Sentence,
  { service, path }: { service?: string; path: string },
): PolicyFinding {
  const where: Place = { path };
  return { code: 'forbidden', rule, ...(service === undefined ? {} : { service }), message: say(words), words, where };
}
