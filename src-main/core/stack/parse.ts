/** The whole way from a source to a spec. */
import type { Problem } from '../../contract/errors';
import type { StackSource } from '../../contract/nouns';
import type { ServiceSpec, StackSpec } from '../../contract/spec';
import composeSchema from '../../../resources/schema/compose-spec.json';
import pilothouseSchema from '../../../resources/schema/x-pilothouse.json';
import { checkProject } from './check';
import { Cursor } from './cursor';
import { reportFault } from './faults';
import { applyLinks } from './links';
import { limits } from './limits';
import type { Loaded } from './load';
import { loadProject, Project } from './load';
import { merge } from './merge';
import type { Entry, Node } from './node';
import { child, countNodes, descend, entriesOf } from './node';
import { policyFindings } from './policy';
import { renderStack } from './render';
import { Report } from './report';
import { readFileSources, readNetworks, readVolumes, usedBy } from './resources';
import type { Fault, Schema } from './schema';
import { validate } from './schema';
import { readService } from './service';
import type { ParsedProject, ParseOptions } from './types';

const compose: Schema = composeSchema;
const pilothouse: Schema = pilothouseSchema;
const mostServices = 1000;

/**
 * Parses a Compose project. Never throws for bad input: `problems` holds everything that is wrong, in the order of the files, and the
 * spec is there exactly when that list is empty. Risky settings (`policyFindings`) come among the warnings.
 */
export function parseProject(source: StackSource, options: ParseOptions = {}): ParsedProject {
  const report = new Report();
  const project = new Project(source, options, report);
  const loaded = loadProject(project);
  const spec = loaded.root === undefined ? undefined : readProject(loaded, loaded.root, project);
  report.close();
  const order = source.files.map((file) => file.name);
  const problems = sorted(report.problems, order);
  const result: ParsedProject = { resolvedYaml: '', problems, warnings: [] };
  if (loaded.name !== undefined) result.name = loaded.name;
  if (spec !== undefined && problems.length === 0) {
    result.spec = spec;
    result.resolvedYaml = renderStack(spec);
    const root = new Cursor(loaded.root, [], report);
    const findings = policyFindings(spec).map((finding) => ({
      ...finding,
      where: placeOfFinding(root, finding.where?.path) ?? finding.where,
    }));
    result.warnings = [...findings, ...sorted(report.warnings, order)];
  } else result.warnings = sorted(report.warnings, order);
  return result;
}

function readProject(loaded: Loaded, root: Node, project: Project): StackSpec | undefined {
  const { report } = project;
  const top = new Cursor(root, [], report);
  if (countNodes(root, limits.nodes * 2) > limits.nodes * 2) {
    report.problem('compose.tooManyNodes', { limit: limits.nodes * 2 }, top.spot, 'too-large');
    return undefined;
  }
  const services = top.get('services');
  if (entriesOf(services.node).length > mostServices) {
    report.problem('compose.tooManyServices', { limit: mostServices }, services.spot, 'too-many');
    return undefined;
  }
  const faulty = checkShape(top, report);
  if (services.node !== undefined && services.node.kind !== 'map') return undefined;
  if (services.entries().length === 0 && !report.failed)
    report.problem('compose.noServices', {}, services.present ? services.spot : top.spot);
  const name = loaded.name ?? 'unnamed';
  const readText = (path: string): string | undefined => project.readText(path);
  const active = activeProfiles(project, loaded);
  const specs = new Map<string, ServiceSpec>();
  const inactive = new Set<string>();
  for (const [key, service] of withDefaults(top).entries()) {
    if (service.node?.kind !== 'map') continue;
    const profiles = service.get('profiles').texts();
    if (profiles.length > 0 && !active.has('*') && !profiles.some((profile) => active.has(profile))) inactive.add(key);
    else
      specs.set(
        key,
        readService(service, {
          ...{ readText, stack: name, directory: project.source.directory },
          faulty: faulty.has(key) || project.extender.faulty.has(key),
        }),
      );
  }
  if (specs.size === 0 && inactive.size > 0) report.problem('compose.allInactive', {}, services.spot);
  applyLinks(specs, services);
  checkProject({ specs, inactive, root: top });
  const used = usedBy([...specs.values()]);
  return {
    name,
    services: Object.fromEntries(specs),
    networks: readNetworks(top.get('networks'), used.networks, name),
    volumes: readVolumes(top.get('volumes'), used.volumes, name),
    configs: readFileSources(top.get('configs'), { stack: name, used: used.configs, readText }),
    secrets: readFileSources(top.get('secrets'), { stack: name, used: used.secrets, readText }),
  };
}

/** Both schemas; returns the services with faults. */
function checkShape(top: Cursor, report: Report): Set<string> {
  const faults: Fault[] = top.node === undefined ? [] : validate(top.node, compose);
  for (const fault of faults) reportFault(report, fault, compose);
  const section = child(top.node, 'x-pilothouse');
  const sections: [Node, Fault['path'], string][] =
    section === undefined ? [] : [[section, ['x-pilothouse'], 'project']];
  for (const [name, entry] of entriesOf(child(top.node, 'services'))) {
    const own = child(entry.node, 'x-pilothouse');
    if (own !== undefined) sections.push([own, ['services', name, 'x-pilothouse'], 'service']);
  }
  for (const [node, path, definition] of sections) {
    const schema: Schema = { ...pilothouse, $ref: `#/definitions/${definition}` };
    const found = validate(node, schema, path);
    for (const fault of found) reportFault(report, fault, pilothouse);
    faults.push(...found);
  }
  return new Set(
    faults.flatMap(({ path }) => (path[0] === 'services' && typeof path[1] === 'string' ? [path[1]] : [])),
  );
}

/** The services, each `x-pilothouse` merged over the project's `x-pilothouse.defaults`. */
function withDefaults(top: Cursor): Cursor {
  const services = top.get('services');
  const defaults = descend(top.node, 'x-pilothouse', 'defaults');
  if (defaults?.kind !== 'map' || services.node?.kind !== 'map') return services;
  const entries = new Map<string, Entry>();
  for (const [name, entry] of services.node.entries) {
    if (entry.node.kind !== 'map') {
      entries.set(name, entry);
      continue;
    }
    const own = entry.node.entries.get('x-pilothouse');
    const inner = new Map(entry.node.entries);
    inner.set('x-pilothouse', {
      at: own?.at ?? defaults.at,
      node: own === undefined ? defaults : merge(defaults, own.node),
    });
    entries.set(name, { at: entry.at, node: { ...entry.node, entries: inner } });
  }
  return new Cursor({ ...services.node, entries }, services.path, services.report);
}

function activeProfiles(project: Project, loaded: Loaded): Set<string> {
  const named = project.source.profiles ?? (loaded.lookup('COMPOSE_PROFILES') ?? '').split(',');
  return new Set(named.map((profile) => profile.trim()).filter((profile) => profile !== ''));
}

/** Where a policy finding's field stands; its path is `services.<name>.<field>` or `volumes.<name>.driver_opts`. */
function placeOfFinding(root: Cursor, path = ''): Problem['where'] {
  const [section = '', ...rest] = path.split('.');
  const field = rest.at(-1) ?? '';
  const owner = root.get(section).get(rest.slice(0, -1).join('.'));
  const { at } = owner.keySpot(field);
  if (at === undefined) return undefined;
  const { line, col } = at.source.lines.linePos(at.offset);
  return { file: at.source.name, line, column: col, path };
}

function sorted(problems: Problem[], files: string[]): Problem[] {
  const rank = (problem: Problem): [number, number, number] => {
    const { file, line = 0, column = 0 } = problem.where ?? {};
    const index = file === undefined ? files.length + 1 : files.indexOf(file);
    return [index < 0 ? files.length : index, line, column];
  };
  return problems
    .map((problem) => ({ problem, key: rank(problem) }))
    .sort((left, right) => left.key[0] - right.key[0] || left.key[1] - right.key[1] || left.key[2] - right.key[2])
    .map(({ problem }) => problem);
}
