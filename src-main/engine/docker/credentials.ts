/**
 * Logins for registries, from where the Docker CLI keeps them: helpers (the system's keychain) and `config.json`. They are read when
 * a pull needs them, passed on to the engine and forgotten: never written, never logged, never part of an argument or a URL.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { RegistryLogin } from './client';
import { fields, text } from './parse';

/** Docker Hub's name in `config.json` and for helpers. */
const HUB = 'https://index.docker.io/v1/';

/**
 * The registry that an image's reference names: the part before the first slash when it looks like a host, else Docker Hub.
 */
export function registryOf(reference: string): string {
  const [first = ''] = reference.split('/');
  const isHost = reference.includes('/') && (/[.:]/.test(first) || first === 'localhost');
  return isHost && first !== 'docker.io' && first !== 'index.docker.io' ? first : HUB;
}

/** The name and tag (or digest) of a reference; `latest` when it has none. An engine asked without a tag pulls all of them. */
export function splitReference(reference: string): { name: string; tag: string } {
  const digest = reference.indexOf('@');
  if (digest >= 0) return { name: reference.slice(0, digest), tag: reference.slice(digest + 1) };
  const colon = reference.lastIndexOf(':');
  if (colon > reference.lastIndexOf('/')) return { name: reference.slice(0, colon), tag: reference.slice(colon + 1) };
  return { name: reference, tag: 'latest' };
}

/** @returns undefined when the user is not logged in there, or the login cannot be had */
export async function loginFor(
  reference: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<RegistryLogin | undefined> {
  const registry = registryOf(reference);
  const config = await readConfig(join(environment['DOCKER_CONFIG'] || join(homedir(), '.docker'), 'config.json'));
  const helper = text(fields(config['credHelpers'])[hostOf(registry)]) || text(config['credsStore']);
  return (helper && (await askHelper(helper, registry, environment))) || storedLogin(fields(config['auths']), registry);
}

async function readConfig(file: string): Promise<ReturnType<typeof fields>> {
  try {
    return fields(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return {};
  }
}

function hostOf(registry: string): string {
  return registry === HUB ? 'index.docker.io' : registry;
}

function storedLogin(auths: ReturnType<typeof fields>, registry: string): RegistryLogin | undefined {
  const names =
    registry === HUB ? [HUB, 'index.docker.io', 'docker.io'] : [registry, `https://${registry}`, `http://${registry}`];
  const name = names.find((key) => Object.hasOwn(auths, key));
  if (name === undefined) return undefined;
  const entry = fields(auths[name]);
  const identitytoken = text(entry['identitytoken'], 64 * 1024);
  if (identitytoken) return { identitytoken, serveraddress: registry };
  const plain = Buffer.from(text(entry['auth'], 64 * 1024), 'base64').toString('utf8');
  const colon = plain.indexOf(':');
  if (colon < 1) return undefined;
  return { username: plain.slice(0, colon), password: plain.slice(colon + 1), serveraddress: registry };
}

/** Where helpers are installed although a desktop app's PATH does not say so. */
function helperPath(environment: NodeJS.ProcessEnv): string {
  const usual =
    process.platform === 'win32' ? [] : ['/usr/local/bin', '/opt/homebrew/bin', join(homedir(), '.docker', 'bin')];
  const app = process.platform === 'darwin' ? ['/Applications/Docker.app/Contents/Resources/bin'] : [];
  return [environment['PATH'] ?? '', ...usual, ...app].filter(Boolean).join(delimiter);
}

/** `docker-credential-NAME get`, the registry on its standard input, a JSON answer on its output. */
function askHelper(
  helper: string,
  registry: string,
  environment: NodeJS.ProcessEnv,
): Promise<RegistryLogin | undefined> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(helper)) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const child = execFile(
      `docker-credential-${helper}`,
      ['get'],
      {
        timeout: 10_000,
        maxBuffer: 256 * 1024,
        windowsHide: true,
        env: { ...environment, PATH: helperPath(environment) },
      },
      // Its output may hold the secret even when it failed, so nothing of it is reported.
      (error, output) => resolve(error ? undefined : readHelper(output, registry)),
    );
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(registry);
  });
}

function readHelper(output: string, registry: string): RegistryLogin | undefined {
  try {
    const answer = fields(JSON.parse(output));
    const [username, secret] = [text(answer['Username'], 4_096), text(answer['Secret'], 64 * 1024)];
    if (!secret) return undefined;
    if (username === '<token>') return { identitytoken: secret, serveraddress: registry };
    return { username, password: secret, serveraddress: registry };
  } catch {
    return undefined;
  }
}
