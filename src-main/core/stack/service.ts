/** One service: from its merged section to the typed spec, every default filled in. */
import type { Dependency, HealthcheckSpec, ServiceSpec } from '../../contract/spec';
import { hasReference, splitReferences } from './configReferences';
import { Cursor } from './cursor';
import { asKeys } from './merge';
import { builtName, builtPolicy, readBuild, type BuildPlace } from './serviceBuild';
import { readMounts } from './serviceMounts';
import { choice, readDeploy } from './serviceDeploy';
import { readExtras } from './serviceExtras';
import { readConnection } from './serviceNetworks';
import { readPilothouse } from './servicePilothouse';
import { readExpose, readPorts } from './servicePorts';
import type { ReadText } from './serviceText';
import { readCommand, readDevices, readEnvironment, readExtraHosts, readFileMounts, readLabels } from './serviceText';
import { warnUnsupported } from './unsupported';

/** What reading a service needs besides its section. */
export interface ServiceContext extends BuildPlace {
  readText: ReadText;
  /** The schema found faults in it, so what is missing may only be misspelt. */
  faulty: boolean;
}

const conditions = ['service_started', 'service_healthy', 'service_completed_successfully'] as const;

/** Reads a service. What is wrong is reported; the result is only to be used when nothing was. */
export function readService(service: Cursor, context: ServiceContext): ServiceSpec {
  const { readText } = context;
  warnUnsupported(service);
  const connection = readConnection(service);
  const extras = readExtras(service, connection.macAddress);
  const build = readBuild(service, context);
  const networks = connection.networks.map((network) =>
    extras?.containerName === undefined || network.aliases.includes(extras.containerName)
      ? network
      : { ...network, aliases: [...network.aliases, extras.containerName] },
  );
  const spec: ServiceSpec = {
    image: readImage(service, context),
    pullPolicy: readPullPolicy(service.get('pull_policy')),
    ...builtPolicy(build),
    ...(build === undefined ? {} : { build }),
    ...given('command', readCommand(service.get('command'))),
    ...given('entrypoint', readCommand(service.get('entrypoint'))),
    ...splitReferences(readEnvironment(service, readText)),
    labels: readLabels(service, readText),
    ...text(service, 'working_dir', 'workingDir'),
    ...text(service, 'user', 'user'),
    ...text(service, 'hostname', 'hostname'),
    ...text(service, 'domainname', 'domainname'),
    ...text(service, 'platform', 'platform'),
    ...text(service, 'runtime', 'runtime'),
    tty: service.get('tty').boolean() ?? false,
    stdinOpen: service.get('stdin_open').boolean() ?? false,
    readOnly: service.get('read_only').boolean() ?? false,
    privileged: service.get('privileged').boolean() ?? false,
    ...given('init', service.get('init').boolean()),
    capAdd: service.get('cap_add').texts(),
    capDrop: service.get('cap_drop').texts(),
    securityOpt: service.get('security_opt').texts(),
    groupAdd: service.get('group_add').texts(),
    devices: readDevices(service.get('devices')),
    extraHosts: readExtraHosts(service.get('extra_hosts')),
    dns: service.get('dns').texts(),
    dnsSearch: service.get('dns_search').texts(),
    dnsOpt: service.get('dns_opt').texts(),
    sysctls: service.get('sysctls').record(),
    ulimits: readUlimits(service.get('ulimits')),
    tmpfs: service.get('tmpfs').texts(),
    ...given('shmSize', service.get('shm_size').bytes()),
    ...namespace(service, 'ipc'),
    ...namespace(service, 'pid'),
    ...namespace(service, 'uts'),
    ...text(service, 'cgroup_parent', 'cgroupParent'),
    ...given('oomScoreAdj', oomScore(service.get('oom_score_adj'))),
    ...given('networkMode', connection.networkMode === 'default' ? 'bridge' : connection.networkMode),
    ...given('logging', readLogging(service.get('logging'))),
    ...text(service, 'stop_signal', 'stopSignal'),
    stopGracePeriod: service.get('stop_grace_period').duration() ?? 10_000,
    ports: readPorts(service.get('ports')),
    expose: readExpose(service.get('expose')),
    networks,
    mounts: readMounts(service.get('volumes')),
    configs: readFileMounts(service.get('configs'), 'configs'),
    secrets: readFileMounts(service.get('secrets'), 'secrets'),
    ...given('healthcheck', readHealthcheck(service.get('healthcheck'))),
    dependsOn: readDependencies(service.get('depends_on')),
    ...given('restart', readRestart(service.get('restart'))),
    deploy: readDeploy(service),
    ...given('extras', extras),
    pilothouse: readPilothouse(service.get('x-pilothouse')),
  };
  if (hasReference(spec))
    service.report.problem('compose.configOutside', { service: String(service.path.at(-1)) }, service.spot);
  if (spec.healthcheck && spec.healthcheck.test.length === 0) delete spec.healthcheck;
  return spec;
}

function given<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]: Value });
}

function text<Key extends string>(service: Cursor, from: string, key: Key): { [K in Key]?: string } {
  const value = service.get(from).text();
  return given(key, value === '' ? undefined : value);
}

function namespace<Key extends 'ipc' | 'pid' | 'uts'>(service: Cursor, key: Key): { [K in Key]?: string } {
  const cursor = service.get(key);
  const value = cursor.text();
  if (value !== undefined && /^(service|container):/.test(value)) {
    service.report.problem('compose.sharedNamespace', { field: key, value }, cursor.spot, 'unsupported');
  }
  return given(key, value === '' ? undefined : value);
}

function readImage(service: Cursor, { faulty, stack }: ServiceContext): string {
  const image = service.get('image');
  const name = image.text()?.trim() ?? '';
  const label = String(service.path.at(-1));
  if (name === '') {
    if (service.get('provider').given) {
      service.report.problem('compose.noProvider', { service: label }, service.keySpot('provider'), 'unsupported');
    } else if (service.get('build').given) {
      return builtName(stack, label);
    } else if (image.node?.kind === 'scalar' && image.node.broken) {
      // Told already.
    } else if (!faulty || image.text() === '')
      service.report.problem('compose.imageMissing', { service: label }, image.spot);
    return '';
  }
  if (!/^[\w][\w.:/@+-]{0,511}$/.test(name)) service.report.problem('compose.badImage', { image: name }, image.spot);
  return name;
}

function readPullPolicy(cursor: Cursor): ServiceSpec['pullPolicy'] {
  const policy = cursor.text() ?? 'missing';
  if (policy === 'always' || policy === 'never' || policy === 'missing') return policy;
  if (policy !== 'if_not_present' && policy !== 'build')
    cursor.report.warning('compose.pullPolicy', { policy }, cursor.spot);
  return 'missing';
}

function readUlimits(ulimits: Cursor): ServiceSpec['ulimits'] {
  const result: ServiceSpec['ulimits'] = {};
  for (const [name, limit] of ulimits.entries()) {
    const both = limit.integer(-1);
    const soft = both ?? limit.get('soft').integer(-1);
    const hard = both ?? limit.get('hard').integer(-1);
    if (soft !== undefined && hard !== undefined) result[name] = { soft, hard };
  }
  return result;
}

function oomScore(cursor: Cursor): number | undefined {
  const score = cursor.integer(-1000);
  if (score === undefined || score <= 1000) return score === 0 ? undefined : score;
  cursor.report.problem('compose.badInteger', { value: String(score), least: -1000 }, cursor.spot);
  return undefined;
}

function readLogging(logging: Cursor): ServiceSpec['logging'] {
  if (!logging.given) return undefined;
  return { driver: logging.get('driver').text() ?? '', options: logging.get('options').record() };
}

/** Absent fields are the engine's to fill (30 s, 30 s, 3 tries, 0 s, 5 s). */
function readHealthcheck(check: Cursor): HealthcheckSpec | undefined {
  if (!check.given) return undefined;
  if (check.get('disable').boolean()) return { test: ['NONE'] };
  const test = check.get('test');
  const textTest = test.text();
  const words = textTest === undefined ? test.texts() : textTest === '' ? [] : ['CMD-SHELL', textTest];
  const kind = words[0];
  if (kind !== undefined && !['NONE', 'CMD', 'CMD-SHELL'].includes(kind)) {
    check.report.problem('compose.badHealthTest', { word: kind }, test.spot);
  }
  return {
    test: words,
    ...given('interval', check.get('interval').duration()),
    ...given('timeout', check.get('timeout').duration()),
    ...given('retries', check.get('retries').integer()),
    ...given('startPeriod', check.get('start_period').duration()),
    ...given('startInterval', check.get('start_interval').duration()),
  };
}

function readDependencies(dependsOn: Cursor): Dependency[] {
  const map = dependsOn.node === undefined ? undefined : asKeys(dependsOn.node);
  return new Cursor(map, dependsOn.path, dependsOn.report).entries().map(([service, entry]) => ({
    service,
    condition: choice(entry.get('condition'), conditions) ?? 'service_started',
    restart: entry.get('restart').boolean() ?? false,
    required: entry.get('required').boolean() ?? true,
  }));
}

function readRestart(cursor: Cursor): ServiceSpec['restart'] {
  const value = cursor.text();
  if (value === undefined || value === '') return undefined;
  const match = /^(no|always|on-failure|unless-stopped)(?::(\d{1,6}))?$/.exec(value);
  if (match === null || (match[2] !== undefined && match[1] !== 'on-failure')) {
    cursor.report.problem(
      'compose.badChoice',
      { value, choices: 'no, always, on-failure[:n], unless-stopped' },
      cursor.spot,
    );
    return undefined;
  }
  const condition = match[1] as NonNullable<ServiceSpec['restart']>['condition'];
  return match[2] === undefined ? { condition } : { condition, maxAttempts: Number(match[2]) };
}
