import { describe, expect, it } from 'vitest';
import { parseProject, policyFindings } from '../../../../src-main/core/stack';
import { folder } from './corpus/parse';

function findings(service: string, rest = ''): [string, string | undefined, number | undefined][] {
  const text = `services:\n  web: { image: x, ${service} }\n${rest}`;
  const { spec, problems, warnings } = parseProject({
    files: [{ name: 'c.yaml', text }],
    directory: folder,
    environment: { HOME: '/root' },
  });
  expect(problems).toEqual([]);
  const found = policyFindings(spec!);
  // The same findings are among the warnings, with their place.
  const told = warnings.filter(({ code }) => code === 'forbidden');
  expect(told.map(({ message }) => message)).toEqual(found.map(({ message }) => message));
  return found.map(({ rule, service: name }, index) => [rule, name, told[index]?.where?.line]);
}

describe('settings that hand the machine over', () => {
  it.each([
    ['privileged: true', 'privileged'],
    ['volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"]', 'engine-socket'],
    ['volumes: ["/run/docker.sock:/x"]', 'engine-socket'],
    ['volumes: ["/run/user/1000/podman/podman.sock:/x"]', 'engine-socket'],
    ['volumes: [{ type: bind, source: "/var/run/../run/docker.sock", target: /x }]', 'engine-socket'],
    ['volumes: ["/run/containerd/containerd.sock:/x"]', 'engine-socket'],
    ['volumes: ["/:/host:ro"]', 'host-root'],
    ['volumes: ["//:/host"]', 'host-root'],
    ['volumes: ["/etc/..:/host"]', 'host-root'],
    ['volumes: ["C:\\\\:/host"]', 'host-root'],
    ['volumes: ["/etc:/x"]', 'host-bind'],
    ['volumes: ["/etc/ssh:/x:ro"]', 'host-bind'],
    ['volumes: ["/var/lib/docker:/x"]', 'host-bind'],
    ['volumes: ["/proc:/host/proc:ro"]', 'host-bind'],
    ['volumes: ["~/.ssh:/x"]', 'host-bind'],
    ['pid: host', 'host-namespace'],
    ['ipc: host', 'host-namespace'],
    ['uts: host', 'host-namespace'],
    ['userns_mode: host', 'host-namespace'],
    ['cgroup: host', 'host-namespace'],
    ['network_mode: host', 'host-network'],
    ['cap_add: [ALL]', 'capability'],
    ['cap_add: [sys_admin]', 'capability'],
    ['cap_add: [CAP_SYS_PTRACE]', 'capability'],
    ['security_opt: ["seccomp=unconfined"]', 'unconfined'],
    ['security_opt: ["seccomp:unconfined"]', 'unconfined'],
    ['security_opt: ["apparmor=unconfined"]', 'unconfined'],
    ['security_opt: ["label=disable"]', 'unconfined'],
    ['devices: ["/dev/sda:/dev/sda"]', 'device'],
    ['device_cgroup_rules: ["a *:* rwm"]', 'device'],
  ])('%s is %s', (service, rule) => expect(findings(service)).toEqual([[rule, 'web', 2]]));

  it.each([
    'driver_opts: { type: none, o: bind, device: /etc }',
    'driver_opts: { type: none, o: "rw,bind", device: / }',
    'driver_opts: { type: ext4, device: /dev/sda1 }',
  ])('a volume with %s is volume-bind', (volume) => {
    expect(findings('volumes: ["data:/data"]', `volumes:\n  data: { ${volume} }\n`)).toEqual([
      ['volume-bind', undefined, 4],
    ]);
  });

  it.each([
    'volumes: ["./data:/data", "/srv/www:/www", "/home/me/site:/site", "/etc/localtime:/etc/localtime:ro", "/etc/timezone:/etc/timezone:ro"]',
    'cap_add: [NET_BIND_SERVICE, CHOWN]',
    'cap_drop: [ALL]',
    'security_opt: ["no-new-privileges:true"]',
    'ipc: shareable',
    'privileged: false',
    'volumes: ["data:/etc"]',
    'environment: { A: /var/run/docker.sock }',
  ])('%s is nothing', (service) =>
    expect(findings(service, 'volumes: { data: { driver_opts: { type: tmpfs, device: tmpfs } } }\n')).toEqual([]),
  );

  it('are said in words', () => {
    const { spec } = parseProject({
      files: [{ name: 'c.yaml', text: 'services: { web: { image: x, privileged: true } }' }],
      directory: folder,
    });
    expect(policyFindings(spec!)).toEqual([
      {
        code: 'forbidden',
        rule: 'privileged',
        service: 'web',
        message: 'web is privileged: it owns the machine',
        words: { code: 'policy.privileged', args: { service: 'web' } },
        where: { path: 'services.web.privileged' },
      },
    ]);
  });
});
