/** What the services of one stack say about each other: nothing starts before what it waits for, stopping goes the other way (I18). */
import { sentence } from '../../contract/sentence';
import type { Dependency, ServiceSpec } from '../../contract/spec';
import { serviceKey } from './names';
import type { Gate, ServiceStatus } from './types';

export interface GateInput {
  stack: string;
  name: string;
  spec: ServiceSpec;
  /** Every declared service of the stack that still exists, by name. */
  siblings: ReadonlyMap<string, ServiceSpec>;
  /** How a service stands; undefined while nobody has looked since the app started. */
  status: (key: string) => ServiceStatus | undefined;
}

const conditions: Record<Dependency['condition'], string> = {
  service_started: 'started',
  service_healthy: 'healthy',
  service_completed_successfully: 'done',
};

/** The gate of one service. Pure. */
export function gateOf(input: GateInput): Gate {
  const { stack, name, spec, siblings, status } = input;
  const gate: Gate = { stop: false };
  for (const dependency of spec.dependsOn) {
    const known = siblings.has(dependency.service);
    const is = status(serviceKey(stack, dependency.service));
    if (!known && !dependency.required) continue;
    if (holds(dependency, is)) continue;
    if (!dependency.required && is?.failed) continue;
    const condition = conditions[dependency.condition];
    gate.start = {
      words: sentence('replica.waitsFor', { dependency: dependency.service, condition }),
      dependency: dependency.service,
    };
    break;
  }
  for (const [other, otherSpec] of siblings) {
    if (other === name || !otherSpec.dependsOn.some((dependency) => dependency.service === name)) continue;
    if (status(serviceKey(stack, other))?.live ?? true) gate.stop = true;
  }
  return gate;
}

function holds(dependency: Dependency, is: ServiceStatus | undefined): boolean {
  if (!is) return false;
  switch (dependency.condition) {
    case 'service_started':
      return is.started;
    case 'service_healthy':
      return is.healthy;
    case 'service_completed_successfully':
      return is.completed;
  }
}

/** Names of services that somebody waits for to complete. */
export function awaited(siblings: ReadonlyMap<string, ServiceSpec>): Set<string> {
  const names = new Set<string>();
  for (const spec of siblings.values()) {
    for (const dependency of spec.dependsOn) {
      if (dependency.condition === 'service_completed_successfully') names.add(dependency.service);
    }
  }
  return names;
}
