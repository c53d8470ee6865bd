/** What the reconciler must know of an engine that is several joined ones, its nodes. Without it there is one node, the engine. */
import type { Event } from '../../base/emitter';
import type { ServiceSpec } from '../../contract/spec';
import type { Engine } from '../engine';
import type { SchedulerNode } from '../schedule';

export interface FleetNode extends SchedulerNode {
  /** What runs there goes elsewhere. */
  drain: boolean;
  /** It has been away so long that what ran there is made anew elsewhere. */
  lost: boolean;
  /** Monotonic time at which it will count as lost, while it is away. */
  lostAt?: number;
  /** Where its published ports are reached; absent for the engine itself. */
  address?: string;
}

export interface Fleet {
  /** Every node, the engine itself first. */
  nodes(): readonly FleetNode[];
  /** One node's own engine. Throws `timeout` while it does not answer. */
  on(node: string): Engine;
  /** Nodes on which a volume or network of this name was seen last, away ones too. */
  holders(kind: 'volumes' | 'networks', name: string): readonly string[];
  onChange: Event<void>;
}

/** One replica on each node. */
export function isGlobal(spec: ServiceSpec): boolean {
  return spec.deploy.mode === 'global' || spec.deploy.mode === 'global-job';
}
