/** Input schemas that several calls share. Unknown keys are refused everywhere. */
import { z } from 'zod';

/** Compose's project name. */
export const stackName = z
  .string()
  .max(63)
  .regex(/^[a-z0-9][a-z0-9_-]*$/, 'lower-case letters, digits, - and _');
/** Compose's service name. */
export const serviceName = z
  .string()
  .max(63)
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/);
/** `<stack>/<service>`. */
export const serviceKey = z
  .string()
  .max(127)
  .regex(/^[a-z0-9][a-z0-9_-]*\/[a-zA-Z0-9][a-zA-Z0-9._-]*$/, '<stack>/<service>');
/** `<stack>/<service>.<slot>`. */
export const replicaId = z
  .string()
  .max(135)
  .regex(/^[a-z0-9][a-z0-9_-]*\/[a-zA-Z0-9][a-zA-Z0-9._-]*\.\d+$/, '<stack>/<service>.<slot>');
/** Containers by the engine's id. */
export const containerIds = z
  .array(z.string().regex(/^[a-zA-Z0-9]{1,128}$/))
  .min(1)
  .max(500);
export const time = z.number().int().nonnegative();
export const nothing = z.strictObject({});

const text = z.string().max(1024 * 1024);
const environment = z.record(z.string().max(256), z.string().max(64 * 1024));

export const stackSource = z.strictObject({
  files: z
    .array(z.strictObject({ name: z.string().max(1024), text }))
    .min(1)
    .max(32),
  envFiles: z
    .array(z.strictObject({ name: z.string().max(1024), text }))
    .max(32)
    .optional(),
  environment: environment.optional(),
  profiles: z.array(z.string().max(128)).max(64).optional(),
  directory: z.string().max(4096).optional(),
});

export const logScope = z.strictObject({
  stacks: z.array(stackName).max(200).optional(),
  services: z.array(serviceKey).max(1000).optional(),
  replicas: z.array(replicaId).max(1000).optional(),
  containers: z.array(z.string().max(128)).max(1000).optional(),
});
