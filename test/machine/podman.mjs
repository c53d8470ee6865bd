/**
 * Podman as a private engine: its Docker-compatible service with settings, images, network and locks of its own. It has no daemon, so
 * containers are children of their monitors, and its commands leave marks all over a machine (`/run/netns`, `/dev/shm`); a mount
 * namespace of its own keeps them out of sight of another Podman of this machine, and takes them along at the end.
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { which } from './processes.mjs';

/** Packages of Debian that it needs: 13 MB to download, 45 MB on the disk. */
export const PODMAN_PACKAGES = ['podman', 'netavark', 'aardvark-dns'];

/** @returns {string | undefined} what stands against it on this machine, besides what stands against any private engine */
export function whyNoPodman() {
  const runtime = runtimeHere();
  if (which('podman') && runtime) return undefined;
  return `A private Podman needs podman and a runtime: install ${PODMAN_PACKAGES.join(' ')} crun.`;
}

/** @returns {string | undefined} */
function runtimeHere() {
  return ['crun', 'runc'].find((program) => which(program));
}

/**
 * Podman as root wants for its containers what a kernel gives at most, which a root without CAP_SYS_RESOURCE is refused.
 * @returns {string}
 */
function ownLimits() {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const hard = (/** @type {string} */ name) => Number(new RegExp(`^Max ${name} +\\S+ +(\\d+)`, 'm').exec(limits)?.[1]);
  // Podman gives itself no more processes than that, whatever it was given.
  const most = { nofile: hard('open files') || 1024, nproc: Math.min(32_768, hard('processes') || 32_768) };
  return Object.entries(most)
    .map(([name, limit]) => `"${name}=${limit}:${limit}"`)
    .join(', ');
}

/** Mounts of its own over the places where Podman leaves things that are none of its folders. */
const inOwnMounts =
  'for place in /run/netns /run/containers /dev/shm /run/lock; do mkdir -p $place && mount -t tmpfs none $place; done; exec "$@"';

/**
 * @param {{ root: string, socket: string, dataRoot: string, execRoot: string, prefix: string }} place
 * @returns {string[]} what runs the service inside a network namespace, program first
 */
export function podmanService(place) {
  const { root, socket, dataRoot, execRoot, prefix } = place;
  const settings = join(root, 'containers.conf');
  const storage = join(root, 'storage.conf');
  mkdirSync(join(execRoot, 'tmp'), { recursive: true });
  writeFileSync(
    settings,
    `[containers]
default_ulimits = [${ownLimits()}]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "${runtimeHere() ?? 'crun'}"
[network]
network_backend = "netavark"
default_subnet = "${prefix}0.0/24"
default_subnet_pools = [{ base = "${prefix}128.0/17", size = 24 }]
`,
  );
  writeFileSync(storage, `[storage]\ndriver = "overlay"\ngraphroot = "${dataRoot}"\nrunroot = "${execRoot}"\n`);
  return [
    // Monitors leave files where they were started.
    ...['env', '-C', root, `CONTAINERS_CONF=${settings}`, `CONTAINERS_STORAGE_CONF=${storage}`],
    ...['unshare', '--mount', '--propagation', 'private', 'sh', '-c', inOwnMounts, 'sh'],
    ...['podman', '--root', dataRoot, '--runroot', execRoot, '--tmpdir', join(execRoot, 'tmp')],
    ...['--network-config-dir', join(dataRoot, 'networks'), '--log-level', 'warn'],
    ...['system', 'service', '--time=0', `unix://${socket}`],
  ];
}

/**
 * The cgroups of an engine's containers, by their ids: every Podman of a machine shares one parent.
 * @param {string} dataRoot
 * @returns {string[]}
 */
export function podmanCgroups(dataRoot) {
  try {
    const names = readdirSync(join(dataRoot, 'overlay-containers'));
    return names.filter((name) => /^[0-9a-f]{64}$/.test(name)).map((id) => `/libpod_parent/libpod-${id}`);
  } catch {
    // It never had a container.
    return [];
  }
}
