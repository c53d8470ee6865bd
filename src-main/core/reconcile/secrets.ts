/**
 * Secrets of services. Applying puts the values that a project brings into the vault and leaves their versions in the spec, which make
 * the container's hash; starting takes the values out again, one container at a time.
 */
import { utf8 } from '../../base/utf8';
import { PilothouseError, type Problem } from '../../contract/errors';
import type { StackSource } from '../../contract/nouns';
import { sentence, type Sentence } from '../../contract/sentence';
import type { FileMount, FileSource, ServiceSpec, StackSpec } from '../../contract/spec';
import type { StackParts } from '../stack';
import { numericOwner, type DeliveredFile } from './request';

/** What of the vault is needed here. */
export interface Secrets {
  latest(name: string): number | undefined;
  stackOf(name: string): string | undefined;
  versionOf(name: string, value: string): number;
  set(name: string, value: string, options: { stack: string }): unknown;
  open(name: string, version: number): string;
}

/** Where Compose and Swarm put secrets. */
export const secretFolder = '/run/secrets';

/** A project's secrets with versions in the place of values. */
export interface PinnedSecrets {
  secrets: Record<string, FileSource>;
  /** Values to keep when the project is applied. */
  values: { name: string; value: string }[];
  problems: Problem[];
}

/** Writes nothing. Without a vault every secret is a problem. */
export function pinSecrets(spec: StackSpec, vault: Secrets | undefined): PinnedSecrets {
  const pinned: PinnedSecrets = { secrets: {}, values: [], problems: [] };
  for (const [key, source] of Object.entries(spec.secrets)) {
    const { content, ...rest } = source;
    const refuse = (problem: Omit<Problem, 'where'>): void => {
      pinned.problems.push({ ...problem, where: { path: `secrets.${key}` } });
    };
    pinned.secrets[key] = rest;
    if (!vault) {
      refuse({ code: 'unsupported', message: `There is no vault here for the secret ${key}` });
      continue;
    }
    try {
      const owner = vault.stackOf(source.name);
      const latest = vault.latest(source.name);
      if (source.external) {
        if (latest === undefined) {
          const hint = `Make it: pilothouse secret set ${source.name}`;
          refuse({ code: 'not-found', message: `There is no secret ${source.name} in the vault`, hint });
        } else pinned.secrets[key] = { ...rest, version: latest };
      } else if (latest !== undefined && owner !== spec.name) {
        const hint = `Use it with external: true, or choose another name: secrets.${key}.name`;
        refuse({ code: 'conflict', message: `The vault has a secret ${source.name} of another owner`, hint });
      } else if (content !== undefined) {
        pinned.secrets[key] = { ...rest, version: vault.versionOf(source.name, content) };
        pinned.values.push({ name: source.name, value: content });
      } else if (latest !== undefined) pinned.secrets[key] = { ...rest, version: latest };
    } catch (thrown) {
      if (!(thrown instanceof PilothouseError)) throw thrown;
      refuse(thrown.problem);
    }
  }
  return pinned;
}

/** A source as it may be kept: without the variables that are secrets. */
export function withoutSecrets(source: StackSource, secrets: Record<string, FileSource>): StackSource {
  const names = new Set(
    Object.values(secrets).flatMap(({ kind, from }) => (kind === 'environment' && from ? [from] : [])),
  );
  if (names.size === 0) return source;
  const { environment, envFiles, ...rest } = source;
  const line = (text: string): boolean => names.has(/^\s*(?:export\s+)?([^\s=:#]+)/.exec(text)?.[1] ?? '');
  return {
    ...rest,
    ...(environment
      ? { environment: Object.fromEntries(Object.entries(environment).filter(([name]) => !names.has(name))) }
      : {}),
    ...(envFiles
      ? {
          envFiles: envFiles.map((file) => ({
            ...file,
            text: file.text
              .split('\n')
              .filter((text) => !line(text))
              .join('\n'),
          })),
        }
      : {}),
  };
}

/** A kept source with its secret variables again, so that it can be applied anew. What the caller gives wins. */
export function withSecrets(
  source: StackSource,
  secrets: Record<string, FileSource>,
  vault: Pick<Secrets, 'latest' | 'open'> | undefined,
): StackSource {
  const environment: Record<string, string> = {};
  for (const { kind, from, name } of Object.values(secrets)) {
    const version = vault?.latest(name);
    if (kind !== 'environment' || !from || !vault || version === undefined) continue;
    const given = source.envFiles?.some(({ text }) => new RegExp(`^\\s*(export\\s+)?${from}\\s*[=:]`, 'm').test(text));
    if (given || source.environment?.[from] !== undefined) continue;
    try {
      environment[from] = vault.open(name, version);
    } catch (thrown) {
      // The parser says that the variable is missing; why is the vault's to tell.
      if (!(thrown instanceof PilothouseError)) throw thrown;
    }
  }
  return { ...source, environment: { ...environment, ...source.environment } };
}

/** The file's path under the secret folder; undefined when it is meant to lie elsewhere. */
export function secretFile(mount: FileMount): string | undefined {
  const whole = mount.target.startsWith('/') ? mount.target : `${secretFolder}/${mount.target}`;
  const name = whole.startsWith(`${secretFolder}/`) ? whole.slice(secretFolder.length + 1) : '';
  return /^[^/\0]+$/.test(name) && name !== '.' && name !== '..' ? name : undefined;
}

/** The secrets of a service as files of its memory-backed folder; or why they cannot be had. */
export function secretFiles(
  spec: ServiceSpec,
  parts: StackParts,
  vault: Secrets | undefined,
): { files: DeliveredFile[] } | { missing: Sentence } {
  const files: DeliveredFile[] = [];
  for (const mount of spec.secrets) {
    const source = parts.secrets[mount.source];
    const path = secretFile(mount);
    const missing = (reason: string): { missing: Sentence } => ({
      missing: sentence('replica.secretMissing', { secret: source?.name ?? mount.source, reason }),
    });
    if (!vault || path === undefined || source?.version === undefined)
      return missing('it was never given to the vault');
    try {
      files.push({
        path,
        content: utf8(vault.open(source.name, source.version)),
        mode: mount.mode ?? 0o444,
        uid: numericOwner(mount.uid),
        gid: numericOwner(mount.gid),
      });
    } catch (thrown) {
      return missing(thrown instanceof Error ? thrown.message : String(thrown));
    }
  }
  return { files };
}

/** Opens the certificates of a service. */
export interface Certificates {
  /** The files of a service's container, and the versions that they are of; or why they cannot be had. */
  filesFor(
    service: string,
    spec: ServiceSpec,
  ): { files: DeliveredFile[]; versions: Record<string, number> } | { missing: Sentence };
}

/** Everything that lies in a container's memory: its secrets and its certificates. */
export function memoryFiles(
  service: string,
  { spec, parts }: { spec: ServiceSpec; parts: StackParts },
  given: { secrets?: Secrets; certificates?: Certificates },
): { files: DeliveredFile[]; versions: Record<string, number> } | { missing: Sentence } {
  const secrets = secretFiles(spec, parts, given.secrets);
  if ('missing' in secrets) return secrets;
  if ((spec.pilothouse.certificates ?? []).length === 0) return { ...secrets, versions: {} };
  const certificates = given.certificates?.filesFor(service, spec);
  if (!certificates) {
    const reason = 'this core keeps no certificates';
    return { missing: sentence('replica.certificateMissing', { certificate: service, reason }) };
  }
  if ('missing' in certificates) return certificates;
  return { files: [...secrets.files, ...certificates.files], versions: certificates.versions };
}

/** The engine's name of the memory-backed volume of one container. */
export function secretVolume(container: string): string {
  return `${container}.secrets`;
}
