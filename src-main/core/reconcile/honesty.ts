/** What a project asks for that cannot be honoured here yet: said at plan time, never dropped in silence. Pure. */
import type { Problem } from '../../contract/errors';
import { certificateFiles, hasMemoryFiles } from '../../contract/certificateFiles';
import { covers, mayVouch, normalName } from '../../contract/certificateNames';
import { frontablePorts, isFrontable, routeHost, wantsGateway } from '../../contract/fronting';
import { callersOf, restingOf } from '../../contract/resting';
import { say } from '../../contract/sentence';
import type { ServiceSpec, StackSpec } from '../../contract/spec';
import type { EngineLack } from '../engine';
import { secretFile, secretFolder } from './secrets';
import { isOrdered } from './slots';
import { noSpares } from './spares';
import { keptWith, sharedNetwork } from './together';
import { tiesOf } from './ties';

/** Refusals and warnings about one project. */
export interface Honesty {
  /** Running the project without these would be wrong. */
  problems: Problem[];
  warnings: Problem[];
}

/** Why there are no spares. */
const spareWords = {
  job: 'a job ends, and is not scaled in a hurry',
  global: 'it runs once per node',
  identity: 'its replicas have identities of their own',
  port: 'its replicas bind ports of the machine',
  pause: 'this engine cannot pause containers',
} as const;

export interface HonestyOptions {
  /** The engine can run one. */
  gateway: boolean;
  /** There is an engine that says so. */
  known?: boolean;
  /** False when it cannot deliver them. */
  secrets?: boolean;
  /** The certificates that are there, and what each is good for. */
  certificates?: ReadonlyMap<string, readonly string[]>;
  /** How many nodes there are; absent: one. */
  nodes?: number;
  /** What the engine lacks. */
  lacks?: readonly EngineLack[];
}

/** Looks over a project. */
export function honesty(spec: StackSpec, options: HonestyOptions): Honesty {
  const found: Honesty = { problems: [], warnings: [] };
  for (const [name, service] of Object.entries(spec.services)) {
    const at = (path: string): { where: { path: string } } => ({ where: { path: `services.${name}.${path}` } });
    const warn = (path: string, message: string, hint?: string): void => {
      found.warnings.push({ code: 'unsupported', message, ...(hint === undefined ? {} : { hint }), ...at(path) });
    };
    if (hasMemoryFiles(service) && options.secrets === false) {
      found.problems.push({
        code: 'unsupported',
        message: `${name} needs secrets or certificates, and this engine cannot keep files in memory for a container`,
        ...at('secrets'),
      });
    }
    for (const mount of service.secrets) {
      if (secretFile(mount) !== undefined) continue;
      found.problems.push({
        code: 'unsupported',
        message: `${name} wants the secret ${mount.source} at ${mount.target}; secrets lie in ${secretFolder}, in memory`,
        hint: `Take the target away, or name a file in ${secretFolder}.`,
        ...at('secrets'),
      });
    }
    found.problems.push(
      ...certificateProblems(name, service, options.certificates).map((one) => ({
        ...one,
        ...at('x-pilothouse.certificates'),
      })),
    );
    if (service.pilothouse.traffic?.tls && options.known && !options.gateway) {
      found.problems.push({
        code: 'unsupported',
        message: `${name} asks for TLS, and this engine runs no gateway that could end it`,
        ...at('x-pilothouse.traffic.tls'),
      });
    }
    const callers = callersOf(name, Object.entries(spec.services));
    warnService(name, service, { ...options, stack: spec.name, callers, warn });
    warnLacks(name, service, options.lacks ?? [], warn);
    if ((options.nodes ?? 1) > 1) warnNodes(name, spec, warn);
  }
  return found;
}

/** A certificate that is not there, and two files of one name. */
function certificateProblems(
  name: string,
  service: ServiceSpec,
  known: HonestyOptions['certificates'],
): Omit<Problem, 'where'>[] {
  const problems: Omit<Problem, 'where'>[] = [];
  const taken = new Set(service.secrets.flatMap((mount) => secretFile(mount) ?? []));
  for (const [index, { certificate, files }] of certificateFiles(name, service).entries()) {
    const named = service.pilothouse.certificates?.[index]?.name;
    if (named !== undefined && known && !known.has(named)) {
      const hint = `Issue it: pilothouse cert issue ${named} NAME, or import it.`;
      problems.push({ code: 'not-found', message: `${name} wants the certificate ${named}, and there is none`, hint });
    }
    for (const { file } of files) {
      if (taken.has(file))
        problems.push({
          code: 'conflict',
          message: `${name} wants two files at ${secretFolder}/${file} (${certificate})`,
        });
      taken.add(file);
    }
  }
  return problems;
}

type Warn = (path: string, message: string, hint?: string) => void;

/** Where there are several nodes: a network ends at its machine, and so does a folder. */
function warnNodes(name: string, stack: StackSpec, warn: Warn): void {
  const service = stack.services[name];
  if (!service) return;
  if (service.build) {
    const hint = 'Send it to a registry and take the build out, or bind the service to this node.';
    warn('build', `${service.image} is built on this engine only: other nodes have no such image`, hint);
  }
  const { services: _, ...parts } = stack;
  const specs = new Map(Object.entries(stack.services));
  const [, ...others] = keptWith(name, specs, parts);
  const free = { ...service, pilothouse: { ...service.pilothouse, spread: false } };
  if (others.length > 0 && others.every((other) => other > name)) {
    const names = [name, ...others].sort().join(', ');
    warn(
      'networks',
      `${names} reach each other by name: they are kept together on one node`,
      'With x-pilothouse.spread: true a service may be elsewhere; it is then reached by its published ports only.',
    );
  } else if (service.pilothouse.spread === true) {
    const near = Object.entries(stack.services).filter(
      ([other, spec]) =>
        other !== name &&
        sharedNetwork(free, { ...spec, pilothouse: { ...spec.pilothouse, spread: false } }, parts) !== undefined,
    );
    const names = near.map(([other]) => other).join(', ');
    if (names !== '')
      warn('x-pilothouse.spread', `Names lead ${name} only to those of ${names} that happen to be on the same node`);
  }
  const folder = tiesOf(service, parts, 1).find(({ kind }) => kind === 'folder');
  if (folder && service.deploy.placement.constraints.length === 0)
    warn('volumes', `${name} uses the folder ${folder.name} and so stays on the node of the engine itself`);
}

/** What this engine takes and does not do. */
function warnLacks(name: string, service: ServiceSpec, lacks: readonly EngineLack[], warn: Warn): void {
  const { domainname, extras, healthcheck } = service;
  const given: Partial<Record<EngineLack, boolean>> = {
    domainname: domainname !== undefined,
    mac_address: extras?.macAddress !== undefined,
    annotations: Object.keys(extras?.annotations ?? {}).length > 0,
    gpus: (extras?.deviceRequests ?? []).length > 0,
  };
  for (const lack of lacks)
    if (given[lack] === true)
      warn(lack, `${name} is run without ${lack}: this engine takes the setting and forgets it`);
  if (lacks.includes('health-timers') && healthcheck && healthcheck.test[0] !== 'NONE')
    warn(
      'healthcheck',
      `The health of ${name} is checked only while Pilothouse runs: this engine has no systemd to check it by itself`,
    );
}

function warnService(
  name: string,
  service: ServiceSpec,
  options: HonestyOptions & { stack: string; callers: readonly string[]; warn: Warn },
): void {
  const { gateway, stack, warn } = options;
  const { pilothouse, deploy } = service;
  const strategy = pilothouse.rollout?.strategy;
  if (strategy === 'canary' && deploy.replicas === 1)
    warn('x-pilothouse.rollout.strategy', `${name} has one replica: a canary needs at least two to share the requests`);
  const alone = isOrdered(service, gateway && wantsGateway(service, { replicas: deploy.replicas }));
  if (strategy === 'blue-green' && alone)
    warn(
      'x-pilothouse.rollout.strategy',
      `${name} is rolled out replica by replica: two sets cannot share its host port or volume`,
    );
  const rest = restingOf(service, {
    policy: pilothouse.autoscale,
    wanted: { replicas: deploy.replicas },
    gateway,
    callers: options.callers,
  });
  if (rest && 'why' in rest)
    warn('x-pilothouse.autoscale.idle_after', `${name} does not go to zero when idle: ${say(rest.why)}`);
  if (pilothouse.traffic && !gateway)
    warn('x-pilothouse.traffic', `${name} is not balanced: this engine runs no gateway`);
  warnTls(`${stack}/${name}`, service, { ...options, warn });
  if (deploy.placement.constraints.length > 0 && (options.nodes ?? 1) === 1) {
    warn('deploy.placement.constraints', `${name} is placed on the only node, whatever its constraints say`);
  }
  const single = service.ports.find((port) => port.published && port.published.to === port.published.from);
  if (single && deploy.replicas > 1 && !(gateway && isFrontable(service, single))) {
    warn(
      'ports',
      `Port ${single.published?.from ?? 0} of ${name} leads to its first replica only`,
      `Publish a range, one port per replica: "${single.published?.from ?? 0}-${(single.published?.from ?? 0) + deploy.replicas - 1}:${single.target}"`,
    );
  }
  const fronted = gateway && wantsGateway(service, { replicas: deploy.replicas });
  const job = deploy.mode.endsWith('-job');
  const why = noSpares(service, { job, fronted, capabilities: { pause: true } });
  if (pilothouse.warmSpares && why)
    warn('x-pilothouse.warm_spares', `${name} is run without warm spares: ${spareWords[why]}`);
  if (isOrdered(service, fronted) && deploy.update.order === 'start-first') {
    warn(
      'deploy.update_config.order',
      `${name} is updated stop-first: two containers cannot share its host port or volume`,
    );
  }
}

function warnTls(key: string, service: ServiceSpec, options: HonestyOptions & { warn: Warn }): void {
  const { certificates, warn } = options;
  const { route, tls } = service.pilothouse.traffic ?? {};
  if (!tls) return;
  const name = key.slice(key.indexOf('/') + 1);
  const path = 'x-pilothouse.traffic.tls';
  if (tls.certificate !== undefined) {
    const names = certificates?.get(tls.certificate);
    const host = route && routeHost(key, route);
    if (certificates && !names)
      warn(
        `${path}.certificate`,
        `There is no certificate ${tls.certificate} yet: what ${name} serves with it stays closed until then`,
        `Issue or import it: pilothouse cert issue ${tls.certificate} NAME`,
      );
    else if (names && host !== undefined && !covers(names, host))
      warn(
        `${path}.certificate`,
        `The certificate ${tls.certificate} is not good for ${host}: the route is not answered encrypted`,
        'Take one with that name, or leave the certificate out to get one made.',
      );
  } else {
    for (const given of [...(route ? [routeHost(key, route)] : []), ...(tls.names ?? [])]) {
      const normal = normalName(given);
      if (normal !== undefined && mayVouch(normal)) continue;
      warn(
        path,
        `The certificate of ${name} will not be good for ${given}: the local authority vouches for names of this machine and private networks only`,
        'Import a certificate for it, and name it in tls.certificate.',
      );
    }
  }
  const published = frontablePorts(service).map((port) => port.published.from);
  for (const port of tls.ports ?? []) {
    if (!published.includes(port)) warn(`${path}.ports`, `Port ${port} of ${name} is not published by the gateway`);
  }
  if (published.length === 0 && !route)
    warn(path, `${name} asks for TLS, but has neither a route nor a port that the gateway publishes`);
}
