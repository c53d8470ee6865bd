/** What only the whole project can tell: references, circles, ports that collide, settings that contradict each other. */
import type { PortSpec, ServiceSpec } from '../../contract/spec';
import type { Cursor } from './cursor';
import { suggest } from './didYouMean';

/** The project as the checks see it. */
export interface Checked {
  specs: ReadonlyMap<string, ServiceSpec>;
  /** Services of profiles that are not active. */
  inactive: ReadonlySet<string>;
  root: Cursor;
}

/** Reports every contradiction of the active services. */
export function checkProject(checked: Checked): void {
  for (const [name, spec] of checked.specs) {
    const service = checked.root.get('services').get(name);
    checkReferences(name, { spec, service, checked });
    checkDependencies(name, { spec, service, checked });
    checkReplicas(spec, service);
    checkTargets(spec, service);
  }
  checkCircles(checked);
  checkPorts(checked);
}

interface Subject {
  spec: ServiceSpec;
  service: Cursor;
  checked: Checked;
}

function checkReferences(name: string, { spec, service, checked }: Subject): void {
  const { root } = checked;
  const report = root.report;
  const look = (section: string, field: string, key: string, index: number): void => {
    const declared = root.get(section);
    if (declared.get(key).present || (section === 'networks' && key === 'default')) return;
    const list = service.get(field);
    const place = list.node?.kind === 'list' ? (list.items()[index] ?? list).spot : list.keySpot(key);
    const near = suggest(
      key,
      declared.entries().map(([each]) => each),
    );
    if (near === undefined) report.problem('compose.undeclared', { section, key, service: name }, place);
    else report.problem('compose.undeclaredDidYouMean', { section, key, near, service: name }, place);
  };
  for (const [index, { network }] of spec.networks.entries()) look('networks', 'networks', network, index);
  for (const mount of spec.mounts) {
    if (mount.type !== 'volume' || mount.source === undefined) continue;
    const index = service
      .get('volumes')
      .items()
      .findIndex((item) => (item.get('source').text() ?? item.text()?.split(':')[0]) === mount.source);
    look('volumes', 'volumes', mount.source, index);
  }
  for (const section of ['configs', 'secrets'] as const) {
    for (const [index, { source }] of spec[section].entries()) look(section, section, source, index);
  }
  const bindings = service.get('x-pilothouse').get('config');
  for (const [index, { source }] of (spec.pilothouse.config ?? []).entries()) {
    if (source === undefined || spec.configs.some((mount) => mount.source === source)) continue;
    report.problem('compose.configSource', { key: source, service: name }, (bindings.items()[index] ?? bindings).spot);
  }
}

function checkDependencies(name: string, { spec, service, checked }: Subject): void {
  const { specs, inactive, root } = checked;
  const kept = spec.dependsOn.filter((dependency) => {
    const on = dependency.service;
    const place = dependencySpot(service, on);
    const target = specs.get(on);
    if (target === undefined) {
      if (!dependency.required) {
        // Compose's own `config` leaves such names behind, so it is no error; but it may be a slip of the pen.
        if (!inactive.has(on))
          root.report.warning('compose.dependsUnknown', { service: name, dependency: on }, place, 'bad-input');
        return false;
      }
      if (inactive.has(on)) root.report.problem('compose.dependsInactive', { service: name, dependency: on }, place);
      else {
        const near = suggest(on, [...specs.keys(), ...inactive]);
        if (near === undefined) root.report.problem('compose.dependsUnknown', { service: name, dependency: on }, place);
        else root.report.problem('compose.dependsUnknownDidYouMean', { service: name, dependency: on, near }, place);
      }
      return true;
    }
    const watched = target.healthcheck !== undefined || target.pilothouse.probes?.readiness !== undefined;
    if (dependency.condition === 'service_healthy' && target.healthcheck?.test[0] === 'NONE') {
      root.report.problem('compose.healthyNever', { service: name, dependency: on }, place);
    } else if (dependency.condition === 'service_healthy' && !watched) {
      root.report.warning('compose.healthyUnchecked', { service: name, dependency: on }, place, 'bad-input');
    }
    const restarts = target.deploy.restartPolicy?.condition ?? target.restart?.condition;
    if (
      dependency.condition === 'service_completed_successfully' &&
      restarts !== undefined &&
      ['always', 'unless-stopped', 'any'].includes(restarts)
    ) {
      root.report.warning(
        'compose.completedRestarts',
        { service: name, dependency: on, restart: restarts },
        place,
        'bad-input',
      );
    }
    return true;
  });
  spec.dependsOn = kept;
}

function dependencySpot(service: Cursor, on: string): Cursor['spot'] {
  const list = service.get('depends_on');
  if (list.node?.kind === 'map') return list.keySpot(on);
  return (list.items().find((item) => item.text() === on) ?? list).spot;
}

function checkReplicas(spec: ServiceSpec, service: Cursor): void {
  const { report } = service;
  const name = String(service.path.at(-1));
  const most = Math.max(spec.deploy.replicas, spec.pilothouse.autoscale?.max ?? 0);
  if (spec.extras?.containerName !== undefined && most > 1) {
    report.problem('compose.nameAndReplicas', { service: name, replicas: most }, service.get('container_name').spot);
  } else if (spec.extras?.containerName !== undefined) {
    report.warning('compose.containerName', { name: spec.extras.containerName }, service.get('container_name').spot);
  }
  if (spec.deploy.mode.startsWith('global') && spec.pilothouse.autoscale !== undefined) {
    report.problem('compose.globalAutoscale', { service: name }, service.get('x-pilothouse').get('autoscale').spot);
  }
  const fixed = spec.ports.some(
    (port) => port.mode === 'host' && port.published !== undefined && rangeLength(port) < most,
  );
  if (fixed)
    report.warning(
      'compose.hostPortReplicas',
      { service: name, replicas: most },
      service.get('ports').spot,
      'bad-input',
    );
  if (
    most > 1 &&
    spec.networks.some((network) => network.ipv4Address !== undefined || network.ipv6Address !== undefined)
  ) {
    report.problem('compose.addressAndReplicas', { service: name, replicas: most }, service.get('networks').spot);
  }
}

function rangeLength(port: PortSpec): number {
  return port.published === undefined ? Infinity : port.published.to - port.published.from + 1;
}

/** Two mounts at one place: the engine would refuse, or one would hide the other. */
function checkTargets(spec: ServiceSpec, service: Cursor): void {
  const seen = new Set<string>();
  const targets = [
    ...spec.mounts.map(({ target }) => ['volumes', target] as const),
    ...spec.configs.map(({ target }) => ['configs', target] as const),
    ...(spec.pilothouse.config ?? []).flatMap(({ target }) =>
      target === undefined ? [] : [['x-pilothouse', target] as const],
    ),
    ...spec.secrets.map(({ target }) => ['secrets', target] as const),
    ...spec.tmpfs.map((text) => ['tmpfs', text.split(':')[0]!] as const),
  ];
  for (const [field, target] of targets) {
    if (seen.has(target)) service.report.problem('compose.doubleTarget', { target }, service.get(field).spot);
    seen.add(target);
  }
}

/** Where everything depends on everything, a few circles are enough to see it. */
const mostCircles = 10;

/** Depth first through `depends_on`; each circle is told once, at the dependency that closes it. */
function checkCircles({ specs, root }: Checked): void {
  const state = new Map<string, 'open' | 'done'>();
  let found = 0;
  const visit = (name: string, trail: string[]): void => {
    state.set(name, 'open');
    for (const { service: next } of specs.get(name)?.dependsOn ?? []) {
      if (found >= mostCircles) return;
      if (state.get(next) === 'open') {
        found += 1;
        const circle = [...trail.slice(trail.indexOf(next)), next];
        root.report.problem(
          'compose.dependsCycle',
          { circle: circle.join(' → ') },
          dependencySpot(root.get('services').get(name), next),
        );
      } else if (!state.has(next) && specs.has(next)) visit(next, [...trail, next]);
    }
    state.set(name, 'done');
  };
  for (const name of specs.keys()) if (!state.has(name)) visit(name, [name]);
}

interface Claim {
  service: string;
  port: PortSpec;
  range: { from: number; to: number };
  place: Cursor['spot'];
}

/**
 * Host ports that two services ask for. Two fixed ports that are equal cannot both be had; a range out of which one port is taken
 * may still find another, so an overlap with it is only worth a warning.
 */
function checkPorts({ specs, root }: Checked): void {
  const claims: Claim[] = [];
  for (const [name, spec] of specs) {
    if (spec.networkMode !== undefined && spec.networkMode !== 'bridge') continue;
    const place = root.get('services').get(name).get('ports').spot;
    for (const port of spec.ports)
      if (port.published) claims.push({ service: name, port, range: port.published, place });
  }
  const ranges = claims.filter(({ range }) => range.from !== range.to).length;
  if (claims.length > mostClaims || ranges > mostRanges) {
    root.report.problem('compose.tooManyPorts', { limit: mostClaims }, root.get('services').spot, 'too-many');
    return;
  }
  claims.sort((left, right) => left.range.from - right.range.from);
  for (const [index, left] of claims.entries()) {
    for (let next = index + 1; next < claims.length && claims[next]!.range.from <= left.range.to; next++) {
      const right = claims[next]!;
      if (left.port.protocol !== right.port.protocol || !sameAddress(left.port.hostIp, right.port.hostIp)) continue;
      const args = {
        first: left.service,
        second: right.service,
        port: `${Math.max(left.range.from, right.range.from)}/${right.port.protocol}`,
      };
      const fixed = left.range.from === left.range.to && right.range.from === right.range.to;
      if (!fixed) root.report.warning('compose.portOverlap', args, right.place, 'bad-input');
      else if (left.service === right.service) root.report.problem('compose.portTwice', args, right.place);
      else root.report.problem('compose.portTaken', args, right.place, 'conflict');
    }
  }
}

/** Beyond these, comparing them would hold the caller up. */
const mostClaims = 50_000;
const mostRanges = 500;

function sameAddress(left = '', right = ''): boolean {
  const any = (address: string): boolean => address === '' || address === '0.0.0.0' || address === '::';
  return left === right || any(left) || any(right);
}
