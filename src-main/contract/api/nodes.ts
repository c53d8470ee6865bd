/** Machines that take replicas: the engine that is worked on, and engines that were joined to it. */
import { z } from 'zod';
import type { DrainStep, HostKeyView, NodeTest, NodeView } from '../nouns';
import { act, read } from './define';
import { nothing } from './inputs';

/** A node by its id or its name. */
const node = z.string().min(1).max(256);
const name = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/, 'letters, digits, dot, - and _');
/** As Docker writes them: `ssh://user@host`, `tcp://host:2376`, `unix:///run/docker.sock`; or the name of a Docker context. */
const endpoint = z.string().min(1).max(1024);
const certificates = z.string().min(1).max(4096);
const labels = z
  .record(
    z
      .string()
      .max(128)
      .regex(/^[a-zA-Z0-9][a-zA-Z0-9._/-]*$/),
    z.string().max(256),
  )
  .refine((all) => Object.keys(all).length <= 64, 'at most 64 labels');
const address = z
  .string()
  .max(253)
  .regex(/^[a-zA-Z0-9.:-]*$/, 'a host name or an address');
const reach = { endpoint, certificates: certificates.optional() };

export const nodeCalls = {
  'nodes.list': read<NodeView[]>()(nothing),
  /** A cordoned node keeps what it runs and takes nothing new. */
  'nodes.cordon': act<null>()(z.strictObject({ node, cordoned: z.boolean() })),
  /** Asks an engine who it is; nothing is kept. */
  'nodes.test': read<NodeTest>()(z.strictObject(reach)),
  /** The key that a machine behind SSH shows, and whether it is known here. Nobody is logged in. */
  'nodes.hostKey': read<HostKeyView>()(z.strictObject({ endpoint })),
  /** Makes the key with this fingerprint known to ssh, as answering yes to its question does. A changed key is refused. */
  'nodes.trustHost': act<HostKeyView>()(
    z.strictObject({
      endpoint,
      fingerprint: z
        .string()
        .trim()
        .regex(/^SHA256:[A-Za-z0-9+/]{43}=?$/, 'SHA256: and 43 characters, as ssh-keygen -l writes it'),
    }),
  ),
  'nodes.add': act<{ node: string; name: string }>()(
    z.strictObject({ ...reach, name: name.optional(), labels: labels.optional(), address: address.optional() }),
  ),
  'nodes.update': act<null>()(
    z.strictObject({
      node,
      /** Takes new replicas; keeps what it runs; gives away what it runs. */
      availability: z.enum(['active', 'pause', 'drain']).optional(),
      labels: labels.optional(),
      name: name.optional(),
      /** Milliseconds. */
      grace: z.number().int().min(5000).max(86_400_000).optional(),
      /** Empty: the host of the endpoint. */
      address: address.optional(),
    }),
  ),
  /** What would go where if the node were drained now. */
  'nodes.planDrain': read<DrainStep[]>()(z.strictObject({ node })),
  /** A node that still has replicas is only let go with `force`: they are then forgotten, and made anew elsewhere. */
  'nodes.remove': act<null>()(z.strictObject({ node, force: z.boolean().default(false) })),
};
