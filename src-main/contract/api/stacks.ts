/** Stacks and services: what the user declares, and the acts on it. */
import { z } from 'zod';
import type {
  AdoptPlan,
  Explanation,
  PlanView,
  ReplicaView,
  RevisionView,
  ServiceView,
  StackSource,
  StackView,
} from '../nouns';
import type { Problem } from '../errors';
import { act, read, state } from './define';
import { containerIds, nothing, replicaId, serviceKey, stackName, stackSource } from './inputs';

/** One change of a watched list: everything at first, then rows put and keys gone. */
export interface ListChange<Row> {
  reset: boolean;
  put: Row[];
  gone: string[];
}

export const stackCalls = {
  'stacks.list': read<StackView[]>()(nothing),
  'stacks.get': read<{ view: StackView; source: StackSource; resolved: string }>()(
    z.strictObject({ stack: stackName }),
  ),
  /** Parses without touching anything: every error with its place, and the resolved project as YAML. */
  'stacks.check': read<{ name?: string; problems: Problem[]; warnings: Problem[]; resolved?: string }>()(
    z.strictObject({ source: stackSource, name: stackName.optional() }),
  ),
  'stacks.plan': read<PlanView>()(z.strictObject({ source: stackSource, name: stackName.optional() })),
  /**
   * With `token` from a plan, refuses with `conflict` when the world changed since. `ifVersion` 0 means: must be new. Images that are built
   * from the project's folders are built first, each as a job of `storage.watch`; `build` builds also those that have not changed. When one
   * fails nothing is applied.
   */
  'stacks.apply': act<{ stack: string; version: number; changed: boolean; warnings: Problem[] }>()(
    z.strictObject({
      source: stackSource,
      name: stackName.optional(),
      token: z.string().max(200).optional(),
      ifVersion: z.number().int().nonnegative().optional(),
      build: z.boolean().optional(),
    }),
  ),
  'stacks.planRemove': read<PlanView>()(z.strictObject({ stack: stackName, volumes: z.boolean().default(false) })),
  'stacks.remove': act<{ stack: string }>()(z.strictObject({ stack: stackName, volumes: z.boolean().default(false) })),

  /** What adopting these running containers (by id) would declare; they are not touched. */
  'stacks.planAdopt': read<AdoptPlan>()(z.strictObject({ containers: containerIds, name: stackName })),
  /** Takes running containers over as they are, as the replicas of a new stack. */
  'stacks.adopt': act<{ stack: string; adopted: number; leftOut: number }>()(
    z.strictObject({ containers: containerIds, name: stackName }),
  ),
  /** Lets go of an adopted stack: its containers run on, and nothing looks after them any more. */
  'stacks.release': act<{ stack: string }>()(z.strictObject({ stack: stackName })),

  'services.list': read<ServiceView[]>()(z.strictObject({ stack: stackName.optional() })),
  'services.get': read<ServiceView>()(z.strictObject({ service: serviceKey })),
  'services.yaml': read<{ yaml: string }>()(z.strictObject({ service: serviceKey })),
  'services.scale': act<{ from: number; to: number }>()(
    z.strictObject({ service: serviceKey, replicas: z.number().int().min(0).max(1000) }),
  ),
  'services.stop': act<null>()(z.strictObject({ service: serviceKey })),
  'services.start': act<null>()(z.strictObject({ service: serviceKey })),
  'services.restart': act<null>()(z.strictObject({ service: serviceKey })),
  'services.explain': read<Explanation>()(
    z.strictObject({ service: serviceKey, slot: z.number().int().positive().optional() }),
  ),
  'services.revisions': read<RevisionView[]>()(z.strictObject({ service: serviceKey })),
  'replicas.restart': act<null>()(z.strictObject({ replica: replicaId })),
  'replicas.get': read<ReplicaView>()(z.strictObject({ replica: replicaId })),

  'rollouts.pause': act<null>()(z.strictObject({ service: serviceKey })),
  'rollouts.resume': act<null>()(z.strictObject({ service: serviceKey })),
  'rollouts.promote': act<null>()(z.strictObject({ service: serviceKey })),
  'rollouts.abort': act<null>()(z.strictObject({ service: serviceKey })),
  /** Back to `revision`, or to the last stable one. */
  'rollouts.undo': act<{ to: number }>()(
    z.strictObject({ service: serviceKey, revision: z.number().int().positive().optional() }),
  ),
};

export const stackStreams = {
  'stacks.watch': state<ListChange<StackView>>()(nothing),
  'services.watch': state<ListChange<ServiceView>>()(nothing),
};
