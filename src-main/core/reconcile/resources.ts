/** Networks and volumes of a stack: what is there, what must be made, what may go. Pure. */
import { sentence, type Sentence } from '../../contract/sentence';
import type { NetworkSpec, ServiceSpec, VolumeSpec } from '../../contract/spec';
import type { EngineNetwork, EngineVolume } from '../engine';
import type { ResourceRow, StackRow } from '../store';
import { label } from './names';
import { volumeName } from './request';

export interface ResourceInput {
  stack: StackRow;
  installId: string;
  /** Services that still exist, with their wanted replicas. */
  services: { name: string; spec: ServiceSpec; replicas: number }[];
  /** Nothing of the stack's services is left. */
  empty: boolean;
  networks: readonly EngineNetwork[];
  volumes: readonly EngineVolume[];
  /** They are made on the nodes that need them, when they are needed: nothing is made here. */
  lazily?: boolean;
  /** The stack's rows, by `network:<name>` or `volume:<name>`. */
  rows: ReadonlyMap<string, ResourceRow>;
  now: number;
}

/** A create that nobody answered may still arrive so long after it was asked for, milliseconds. */
export const lateAfter = 600_000;

/** It may come to be yet: its row stays, so that it is known as ours when it does. */
export function mayArrive({ askedAt }: ResourceRow, now: number): boolean {
  return askedAt !== undefined && now >= askedAt && now - askedAt < lateAfter;
}

export type ResourceAction =
  | { do: 'createNetwork'; name: string; spec: NetworkSpec }
  | { do: 'removeNetwork'; name: string; id: string }
  | { do: 'createVolume'; name: string; spec: VolumeSpec }
  | { do: 'removeVolume'; name: string }
  | { do: 'forget'; key: string };

export interface ResourcePlan {
  actions: ResourceAction[];
  /** What stands in the way, by the engine's name with its kind: `network:shop_default`. */
  problems: Map<string, Sentence>;
  /** What is there and may be used. */
  ready: Set<string>;
}

/** The networks and volumes that services use, by kind and the engine's name. */
export function neededResources(
  stack: StackRow,
  services: ResourceInput['services'],
): Map<
  string,
  { kind: 'network'; name: string; spec: NetworkSpec } | { kind: 'volume'; name: string; spec: VolumeSpec }
> {
  const needed: ReturnType<typeof neededResources> = new Map();
  for (const { spec, replicas } of services) {
    if (spec.networkMode === undefined) {
      for (const { network } of spec.networks) {
        const declared = stack.spec.networks[network];
        if (declared) needed.set(`network:${declared.name}`, { kind: 'network', name: declared.name, spec: declared });
      }
    }
    for (const mount of spec.mounts) {
      const declared =
        mount.type === 'volume' && mount.source !== undefined ? stack.spec.volumes[mount.source] : undefined;
      if (!declared) continue;
      const slots = spec.pilothouse.stateful === true && !declared.external ? Math.max(1, replicas) : 1;
      for (let slot = 1; slot <= slots; slot++) {
        const name = declared.external ? declared.name : volumeName(declared.name, spec, slot);
        needed.set(`volume:${name}`, { kind: 'volume', name, spec: declared });
      }
    }
  }
  return needed;
}

/** The keys (as in `neededResources`) that one service waits for. */
export function resourcesOf(stack: StackRow, service: ResourceInput['services'][number]): string[] {
  return [...neededResources(stack, [service]).keys()];
}

/** Compares what is needed with what is there. */
export function planResources(input: ResourceInput): ResourcePlan {
  const { stack, rows } = input;
  const plan: ResourcePlan = { actions: [], problems: new Map(), ready: new Set() };
  const ours = (labels: Record<string, string>): boolean => labels[label.install] === input.installId;
  const needed = stack.removing
    ? (new Map() as ReturnType<typeof neededResources>)
    : neededResources(stack, input.services);
  for (const [key, { kind, name, spec }] of needed) {
    const there =
      kind === 'network'
        ? input.networks.find((one) => one.name === name)
        : input.volumes.find((one) => one.name === name);
    if (spec.external) {
      if (there) plan.ready.add(key);
      else if (kind === 'network') plan.problems.set(key, sentence('network.missing', { network: name }));
      else plan.problems.set(key, sentence('volume.missing', { volume: name }));
      continue;
    }
    if (input.lazily) {
      plan.ready.add(key);
      continue;
    }
    if (kind === 'network') {
      const mine = input.networks.find((one) => one.name === name && ours(one.labels) && rows.has(key));
      if (mine) plan.ready.add(key);
      else if (there) plan.problems.set(key, sentence('network.foreign', { network: name }));
      else plan.actions.push({ do: 'createNetwork', name, spec: spec as NetworkSpec });
      continue;
    }
    // A volume of that name that somebody else made holds data that is wanted: it is used, and never removed by us.
    if (there) plan.ready.add(key);
    else plan.actions.push({ do: 'createVolume', name, spec });
  }
  for (const [key, row] of rows) {
    if (needed.has(key)) continue;
    if (row.kind === 'network') {
      if (stack.removing && !input.empty) continue;
      // Several nodes have one each.
      const mine = input.networks.filter((one) => one.name === row.name && ours(one.labels));
      for (const { id } of mine) plan.actions.push({ do: 'removeNetwork', name: row.name, id });
      if (mine.length === 0 && !mayArrive(row, input.now)) plan.actions.push({ do: 'forget', key });
      continue;
    }
    // Only when the user has asked for it by name of the stack (I6).
    if (!stack.removing?.volumes || !input.empty) continue;
    const mine = input.volumes.find((one) => one.name === row.name && ours(one.labels));
    if (mine) plan.actions.push({ do: 'removeVolume', name: row.name });
    else if (!mayArrive(row, input.now)) plan.actions.push({ do: 'forget', key });
  }
  return plan;
}
