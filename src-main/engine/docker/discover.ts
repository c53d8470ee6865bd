/**
 * Which engines this user has, told from the environment, Docker's contexts and the sockets of known products, in the order the
 * Docker CLI would choose: DOCKER_HOST, DOCKER_CONTEXT, the current context, then everything else. Nothing is connected to.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { sentence } from '../../contract/sentence';
import { parseEndpoint, type FoundEngine, type TlsFiles } from './endpoint';
import { fields, text } from './parse';

/** The surroundings to look in; the defaults are this process's own. */
export interface Surroundings {
  environment?: NodeJS.ProcessEnv;
  home?: string;
  platform?: NodeJS.Platform;
  /** Numeric user, for sockets below /run/user. */
  user?: number;
  /** Whether a socket or named pipe is there. */
  exists?: (path: string) => boolean;
}

/** @returns engines that could be connected to, best first, each endpoint once; `problem` says why one cannot be used */
export function discover(surroundings: Surroundings = {}): FoundEngine[] {
  const environment = surroundings.environment ?? process.env;
  const home = surroundings.home ?? homedir();
  const platform = surroundings.platform ?? process.platform;
  const user = surroundings.user ?? process.getuid?.() ?? 0;
  const exists = surroundings.exists ?? isSocket;
  const folder = environment['DOCKER_CONFIG'] || join(home, '.docker');
  const contexts = readContexts(folder);
  const local = wellKnown({ home, platform, user, environment }).filter(({ path }) => exists(path));
  const found = [
    ...fromHost(environment, folder),
    ...fromCurrentContext(environment, { folder, contexts }),
    ...local.filter(({ first }) => first),
    ...contexts,
    ...local.filter(({ first }) => !first),
  ].map((engine) =>
    'path' in engine ? make(`${platform === 'win32' ? 'npipe' : 'unix'}://${engine.path}`, engine) : engine,
  );
  const seen = new Set<string>();
  return found.filter(({ endpoint }) => !seen.has(endpoint) && seen.add(endpoint));
}

/** A name for an endpoint that has not told its own. */
export function endpointId(endpoint: string): string {
  return createHash('sha256').update(endpoint).digest('hex').slice(0, 32);
}

function make(
  endpoint: string,
  { source, name, kind, tls }: { source: string; name?: string; kind?: FoundEngine['kind']; tls?: TlsFiles },
): FoundEngine {
  const target = parseEndpoint(endpoint, tls);
  const problem = 'problem' in target ? target.problem : missingCertificates(endpoint, tls);
  return {
    id: endpointId(endpoint),
    endpoint,
    source,
    name: name ?? source,
    kind: kind ?? 'docker',
    ...(tls ? { tls } : {}),
    ...(problem ? { problem } : {}),
  };
}

function missingCertificates(endpoint: string, tls: TlsFiles | undefined): FoundEngine['problem'] {
  if (!tls || isFolder(tls.folder)) return undefined;
  return sentence('engine.noCertificates', { endpoint, path: tls.folder });
}

function fromHost(environment: NodeJS.ProcessEnv, folder: string): FoundEngine[] {
  const given = environment['DOCKER_HOST'];
  if (!given) return [];
  // `DOCKER_HOST=1.2.3.4:2375` has always been allowed.
  const endpoint = given.includes('://') ? given : `tcp://${given}`;
  const encrypted = environment['DOCKER_TLS_VERIFY'] || environment['DOCKER_TLS'] || environment['DOCKER_CERT_PATH'];
  const certificates = environment['DOCKER_CERT_PATH'] || folder;
  const tls = encrypted && endpoint.startsWith('tcp:') ? { folder: certificates, skipVerify: false } : undefined;
  return [make(endpoint, { source: 'DOCKER_HOST', name: 'Docker', ...(tls ? { tls } : {}) })];
}

function fromCurrentContext(
  environment: NodeJS.ProcessEnv,
  { folder, contexts }: { folder: string; contexts: FoundEngine[] },
): FoundEngine[] {
  const name = environment['DOCKER_CONTEXT'] || currentContext(folder);
  if (!name || name === 'default') return [];
  const found = contexts.find(({ source }) => source === `context ${name}`);
  if (found) return [found];
  const endpoint = `context://${name}`;
  return [
    {
      id: endpointId(endpoint),
      endpoint,
      source: `context ${name}`,
      name,
      kind: 'docker',
      problem: sentence('engine.unknownContext', { name }),
    },
  ];
}

function currentContext(folder: string): string {
  return text(fields(readJson(join(folder, 'config.json')))['currentContext'], 256);
}

/** Contexts lie under the SHA-256 of their names; the name itself is inside. */
function readContexts(folder: string): FoundEngine[] {
  const top = join(folder, 'contexts', 'meta');
  return readNames(top)
    .filter((name) => /^[0-9a-f]{64}$/.test(name))
    .flatMap((hash) => {
      const meta = fields(readJson(join(top, hash, 'meta.json')));
      const docker = fields(fields(meta['Endpoints'])['docker']);
      const [name, endpoint] = [text(meta['Name'], 256), text(docker['Host'], 1_024)];
      if (!name || !endpoint) return [];
      const certificates = join(folder, 'contexts', 'tls', hash, 'docker');
      const skipVerify = docker['SkipTLSVerify'] === true;
      const tls = isFolder(certificates) || skipVerify ? { folder: certificates, skipVerify } : undefined;
      return [
        make(endpoint, { source: `context ${name}`, name, ...(tls && /^(tcp|https):/.test(endpoint) ? { tls } : {}) }),
      ];
    })
    .sort((one, other) => (one.source < other.source ? -1 : 1));
}

interface KnownSocket {
  path: string;
  source: string;
  kind?: FoundEngine['kind'];
  /** Comes before the contexts that are not current: it is what the Docker CLI's default context means. */
  first?: boolean;
}

function wellKnown(options: {
  home: string;
  platform: NodeJS.Platform;
  user: number;
  environment: NodeJS.ProcessEnv;
}): KnownSocket[] {
  const { home, platform, user, environment } = options;
  if (platform === 'win32') {
    return [
      { path: '//./pipe/docker_engine', source: 'Docker', first: true },
      { path: '//./pipe/dockerDesktopLinuxEngine', source: 'Docker Desktop', first: true },
      { path: '//./pipe/podman-machine-default', source: 'Podman', kind: 'podman' },
    ];
  }
  const runtime = environment['XDG_RUNTIME_DIR'] || `/run/user/${user}`;
  const shared: KnownSocket[] = [
    { path: '/var/run/docker.sock', source: 'Docker', first: true },
    { path: join(home, '.docker/run/docker.sock'), source: 'Docker Desktop', first: true },
    { path: join(home, '.docker/desktop/docker.sock'), source: 'Docker Desktop' },
    { path: join(home, '.colima/default/docker.sock'), source: 'colima' },
    { path: join(home, '.config/colima/default/docker.sock'), source: 'colima' },
    { path: join(home, '.rd/docker.sock'), source: 'Rancher Desktop' },
    { path: join(home, '.orbstack/run/docker.sock'), source: 'OrbStack' },
    { path: join(home, '.lima/docker/sock/docker.sock'), source: 'Lima' },
    { path: join(home, '.local/share/containers/podman/machine/podman.sock'), source: 'Podman', kind: 'podman' },
  ];
  if (platform === 'darwin') return shared;
  return [
    { path: join(runtime, 'docker.sock'), source: 'Docker, rootless', first: true },
    ...shared,
    { path: join(runtime, 'podman/podman.sock'), source: 'Podman, rootless', kind: 'podman' },
    { path: '/run/podman/podman.sock', source: 'Podman', kind: 'podman' },
  ];
}

function isSocket(path: string): boolean {
  try {
    if (path.startsWith('//./pipe/')) return readdirSync('\\\\.\\pipe\\').includes(path.slice('//./pipe/'.length));
    return statSync(path).isSocket();
  } catch {
    return false;
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
