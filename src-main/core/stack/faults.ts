/** What the schema found, said so that one knows what to do. */
import type { WordCode } from '../../contract/sentence';
import { suggest } from './didYouMean';
import type { Report } from './report';
import type { Fault, Schema } from './schema';
import { deref } from './schema';

/** Words that people write when they mean another key. */
const known: Record<string, string> = {
  args: 'build.args',
  autoscale: 'x-pilothouse.autoscale',
  cmd: 'command',
  container: 'container_name',
  cpu: 'cpus',
  cpu_limit: 'cpus',
  env: 'environment',
  env_vars: 'environment',
  envs: 'environment',
  health: 'healthcheck',
  health_check: 'healthcheck',
  host: 'hostname',
  interval: 'healthcheck.interval',
  limits: 'deploy.resources.limits',
  memory: 'mem_limit',
  memory_limit: 'mem_limit',
  mode: 'deploy.mode',
  mount: 'volumes',
  mounts: 'volumes',
  name: 'container_name',
  net: 'network_mode',
  network: 'networks',
  placement: 'deploy.placement',
  port: 'ports',
  probes: 'x-pilothouse.probes',
  replicas: 'deploy.replicas',
  resources: 'deploy.resources',
  restart_policy: 'deploy.restart_policy',
  rollout: 'x-pilothouse.rollout',
  traffic: 'x-pilothouse.traffic',
  update_config: 'deploy.update_config',
  variables: 'environment',
  volume: 'volumes',
  workdir: 'working_dir',
};

const durations = new Set([
  'interval',
  'timeout',
  'start_period',
  'start_interval',
  'stop_grace_period',
  'delay',
  'monitor',
  'window',
]);

/** Adds a fault to the report. `schema` is where services' keys are looked up for misplaced ones. */
export function reportFault(report: Report, fault: Fault, schema: Schema): void {
  const spot = { at: fault.at, path: fault.path };
  switch (fault.kind) {
    case 'unknown':
      return reportUnknown(report, fault, schema);
    case 'name':
      return report.problem('compose.badKey', { key: fault.key }, spot);
    case 'missing':
      return report.problem('compose.missingKey', { key: fault.key, owner: ownerOf(fault) }, spot);
    case 'choice': {
      const near = suggest(fault.text, fault.choices);
      const args = { value: fault.text, choices: fault.choices.join(', ') };
      if (near === undefined) return report.problem('compose.badChoice', args, spot);
      return report.problem('compose.badChoiceDidYouMean', { ...args, near }, spot);
    }
    case 'pattern':
      return report.problem('compose.badPattern', { value: fault.text, key: ownerOf(fault) }, spot);
    case 'number':
      return report.problem(limitWords[fault.side], { value: fault.text, limit: fault.limit }, spot);
    case 'double':
      return report.problem('compose.double', { value: fault.text }, spot);
    case 'empty':
      return report.problem('compose.emptyList', { key: ownerOf(fault) }, spot);
    case 'type':
      return reportType(report, fault);
  }
}

const limitWords = {
  least: 'compose.tooSmall',
  most: 'compose.tooBig',
  more: 'compose.notMoreThan',
} as const satisfies Record<string, WordCode>;

function reportUnknown(report: Report, fault: Fault & { kind: 'unknown' }, schema: Schema): void {
  const spot = { at: fault.at, path: fault.path };
  const { key, owner } = fault;
  const inService = fault.path.length === 3 && fault.path[0] === 'services';
  const serviceKeys = Object.keys(deref({ $ref: '#/definitions/service' }, schema).properties ?? {});
  if (fault.path.length === 1 && (serviceKeys.includes(key) || !suggest(key, fault.known))) {
    return report.problem('compose.unknownTop', { key }, spot);
  }
  const listed = inService && Object.hasOwn(known, key) ? known[key] : undefined;
  const near = listed ?? suggest(key, fault.known);
  if (near !== undefined) return report.problem('compose.unknownKeyDidYouMean', { key, owner, near }, spot);
  if (!inService && serviceKeys.includes(key) && fault.path[0] === 'services') {
    return report.problem('compose.misplacedKey', { key, owner, service: String(fault.path[1]) }, spot);
  }
  report.problem('compose.unknownKey', { key, owner, known: fault.known.slice(0, 12).join(', ') }, spot);
}

const typeWords: Record<string, WordCode> = {
  array: 'compose.wantList',
  boolean: 'compose.wantBoolean',
  'boolean,string': 'compose.wantBoolean',
  integer: 'compose.wantNumber',
  'integer,string': 'compose.wantNumber',
  number: 'compose.wantNumber',
  'number,string': 'compose.wantNumber',
  object: 'compose.wantMap',
  string: 'compose.wantText',
  'array,object': 'compose.wantListOrMap',
  'array,string': 'compose.wantTextOrList',
  'object,string': 'compose.wantTextOrMap',
  'number,object,string': 'compose.wantTextOrMap',
};

function reportType(report: Report, fault: Fault & { kind: 'type' }): void {
  const spot = { at: fault.at, path: fault.path };
  const key = ownerOf(fault);
  const wanted = [...new Set(fault.wanted)].filter((type) => type !== 'null').sort();
  const textWanted = wanted.includes('string') && !wanted.includes('object');
  if (fault.got === 'null') return report.problem('compose.noValue', { key }, spot);
  if (fault.got === 'object' && typeof fault.path.at(-1) === 'number' && textWanted) {
    return report.problem('compose.mapInList', { key }, spot);
  }
  if (textWanted && fault.text !== undefined) {
    if (durations.has(String(fault.path.at(-1))))
      return report.problem('compose.durationUnit', { key, value: fault.text }, spot);
    return report.problem('compose.needsQuotes', { key, value: fault.text }, spot);
  }
  const code = typeWords[wanted.join(',')];
  if (code !== undefined) return report.problem(code, { key }, spot);
  report.problem('compose.wrongType', { key, wanted: wanted.join(', ') }, spot);
}

/** The nearest key above a fault: what a person would call the thing. */
function ownerOf(fault: Fault): string {
  return String([...fault.path].reverse().find((part) => typeof part === 'string') ?? '');
}
