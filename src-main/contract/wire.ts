/** The messages between a client (window, command line) and the core. One protocol for MessagePort and socket alike. */
import { z } from 'zod';
import type { Problem } from './errors';

const id = z.number().int().nonnegative();

/** What a client may send. Inputs are parsed again by the call's own schema. */
export const clientMessage = z.discriminatedUnion('t', [
  z.strictObject({ t: z.literal('call'), id, name: z.string().max(64), input: z.unknown() }),
  z.strictObject({ t: z.literal('cancel'), id }),
  z.strictObject({
    t: z.literal('open'),
    id,
    name: z.string().max(64),
    input: z.unknown(),
    credit: z.number().int().min(1).max(1000),
  }),
  z.strictObject({ t: z.literal('credit'), id, more: z.number().int().min(1).max(1000) }),
  z.strictObject({ t: z.literal('close'), id }),
]);

export type ClientMessage = z.infer<typeof clientMessage>;

/** What the core sends. */
export type ServerMessage =
  | { t: 'ok'; id: number; value: unknown }
  | { t: 'fail'; id: number; problem: Problem }
  | { t: 'item'; id: number; item: unknown }
  | { t: 'end'; id: number; problem?: Problem };
