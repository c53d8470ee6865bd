/** What somebody changed by hand on a running container, and how it is brought back (M17). Pure. */
import { sentence, type Sentence } from '../../contract/sentence';
import type { Resources, ServiceSpec } from '../../contract/spec';
import type { ContainerDetail } from '../engine';
import type { StackParts } from '../stack';
import type { Replica } from './judge';
import { replicaId } from './names';
import { toAttachments } from './request';
import type { Action } from './types';

/** The declared limits that do not hold. Limits that the file leaves open are the engine's or the user's own. */
function brokenLimits(spec: ServiceSpec, detail: ContainerDetail): Resources | undefined {
  const { cpus, memory, pids } = spec.deploy.limits;
  const wrong =
    (cpus !== undefined && Math.abs((detail.limits.cpus ?? 0) - cpus) > 0.005) ||
    (memory !== undefined && detail.limits.memory !== memory) ||
    (pids !== undefined && detail.limits.pids !== pids);
  return wrong ? spec.deploy.limits : undefined;
}

/** The acts that undo drift, for a running replica. */
export function driftOf(replica: Replica, parts: StackParts): Action[] {
  const { attempt, detail, spec } = replica;
  if (!detail) return [];
  const actions: Action[] = [];
  if (detail.name !== attempt.name && attempt.adopted !== true)
    actions.push({ do: 'rename', name: attempt.name, id: detail.id });
  for (const wanted of toAttachments(spec, parts, attempt.service)) {
    if (detail.networks[wanted.name]) continue;
    actions.push({
      do: 'connect',
      name: attempt.name,
      id: detail.id,
      network: wanted.name,
      aliases: wanted.aliases,
      ...(wanted.ipv4Address === undefined ? {} : { ipv4Address: wanted.ipv4Address }),
    });
  }
  const limits = brokenLimits(spec, detail);
  if (limits) actions.push({ do: 'update', name: attempt.name, id: detail.id, limits });
  return actions;
}

/** The first drift of a replica in words. */
export function driftWords(replica: Replica, parts: StackParts): Sentence | undefined {
  const [first] = driftOf(replica, parts);
  const id = replicaId(replica.attempt.service, replica.slot);
  switch (first?.do) {
    case 'rename':
      return sentence('drift.name', { replica: id, name: replica.detail?.name ?? '' });
    case 'connect':
      return sentence('drift.network', { replica: id, network: first.network });
    case 'update':
      return sentence('drift.limits', { replica: id });
    default:
      return undefined;
  }
}
