/**
 * The table of doors: which room may import what. `architecture.test.ts` turns it into rules for dependency-cruiser and checks every
 * import, type-only ones too. A new room gets a row here, with the reason in the commit.
 */

/** These are open to every core room. */
const ports = ['engine', 'disk', 'sealer', 'issuer'].map((port) => `src-main/core/${port}.ts`);
const pure = ['src-main/base', 'src-main/contract'];

/** Edges between core rooms; each goes through the other's `index.ts`. Rooms without an edge meet in the store. */
export const coreEdges = {
  store: [],
  stack: [],
  schedule: [],
  metrics: ['store'],
  logs: ['store'],
  traffic: ['store'],
  probes: [],
  config: ['store'],
  plugins: ['store'],
  system: ['store'],
  vault: ['store'],
  authority: ['store'],
  // Joined engines are watched over by links, and are what the scheduler places on.
  nodes: ['store', 'system', 'schedule'],
  reconcile: ['store', 'stack', 'schedule', 'metrics', 'probes'],
  resources: ['store'],
  alerts: ['store', 'metrics', 'logs'],
  // Asks the metrics and writes replica counts into the store, where the reconciler finds them.
  autoscale: ['store', 'metrics'],
};

const coreDoors = Object.keys(coreEdges).map((room) => `src-main/core/${room}/index.ts`);
const engines = ['memory', 'docker', 'swarm', 'kubernetes'];
/** What only the composition root may join. */
const composed = [
  ...pure,
  ...ports,
  'src-main/storage',
  'src-main/seal',
  'src-main/x509',
  'src-main/project',
  'src-main/notify',
  'src-main/archive/index.ts',
  ...coreDoors,
  ...engines.map((kind) => `src-main/engine/${kind}/index.ts`),
];
const rendererRooms = ['bridge.ts', 'stores', 'streams', 'views', 'frame', 'parts', 'charts', 'styles', 'locales'];
const inRenderer = (/** @type {string[]} */ ...rooms) => rooms.map((room) => `src-renderer/${room}`);

/**
 * A room is a folder or a file; `may` lists the rooms, files and doors of ours that it may import besides itself.
 *
 * @type {{ room: string; may: string[] }[]}
 */
export const rooms = [
  { room: 'src-main/base', may: [] },
  { room: 'src-main/contract', may: ['src-main/base'] },
  { room: 'src-main/core/engine.ts', may: pure },
  { room: 'src-main/core/disk.ts', may: [] },
  { room: 'src-main/core/sealer.ts', may: [] },
  { room: 'src-main/core/issuer.ts', may: [] },
  ...Object.entries(coreEdges).map(([room, edges]) => ({
    room: `src-main/core/${room}`,
    may: [...pure, ...ports, ...edges.map((edge) => `src-main/core/${edge}/index.ts`)],
  })),
  ...engines.map((kind) => ({ room: `src-main/engine/${kind}`, may: [...pure, 'src-main/core/engine.ts'] })),
  { room: 'src-main/storage', may: [...pure, 'src-main/core/disk.ts'] },
  // The only place with ciphers, and the vault's key.
  { room: 'src-main/seal', may: [...pure, 'src-main/core/sealer.ts'] },
  // The only place that makes and reads X.509: parsing what others have signed is a thought of its own, beside sealing.
  { room: 'src-main/x509', may: [...pure, 'src-main/core/issuer.ts'] },
  // Reads Compose projects from the disk, for the window and the command line alike.
  { room: 'src-main/project', may: pure },
  // Sends notices of alerts over the network; knows only the form they leave the alerts room in.
  { room: 'src-main/notify', may: [...pure, 'src-main/core/alerts/index.ts'] },
  // Backups of volumes as files: tar, compression and hashes of Node behind a port of `core/resources`.
  { room: 'src-main/archive', may: [...pure, ...ports, 'src-main/core/resources/index.ts'] },
  // The composition root: one file, and the folder of what it needs to put the rooms together.
  { room: 'src-main/app.ts', may: ['src-main/app', ...composed] },
  { room: 'src-main/app', may: composed },
  { room: 'src-main/serve', may: [...pure, 'src-main/app.ts', 'src-main/app'] },
  { room: 'src-main/cli', may: [...pure, 'src-main/app.ts', 'src-main/serve', 'src-main/project'] },
  {
    room: 'src-main/shell',
    // The packaged app is the command line, too, when it is started with a verb.
    may: [...pure, 'src-main/app.ts', 'src-main/serve', 'src-main/project', 'src-main/cli/process.ts'],
  },

  { room: 'src-renderer/parts', may: [] },
  { room: 'src-renderer/charts', may: [] },
  { room: 'src-renderer/styles', may: [] },
  { room: 'src-renderer/bridge.ts', may: ['src-main/contract'] },
  { room: 'src-renderer/locales', may: ['src-main/contract', ...inRenderer('parts/format.ts')] },
  { room: 'src-renderer/streams', may: ['src-main/contract', ...inRenderer('bridge.ts', 'stores')] },
  { room: 'src-renderer/stores', may: ['src-main/contract', ...inRenderer('bridge.ts', 'parts/format.ts')] },
  {
    room: 'src-renderer/frame',
    may: ['src-main/contract', ...inRenderer('stores', 'streams', 'parts', 'charts', 'locales')],
  },
  {
    room: 'src-renderer/views',
    may: ['src-main/contract', ...inRenderer('bridge.ts', 'stores', 'streams', 'frame', 'parts', 'charts', 'locales')],
  },
  // What holds the window together: App.vue, main.ts, router.ts and the like.
  { room: 'src-renderer/*', may: ['src-main/contract', ...inRenderer(...rendererRooms)] },
];

/**
 * Packages, or groups of them, and the only places that may import them.
 *
 * @type {{ name: string; packages: string[]; only: string[] }[]}
 */
export const packages = [
  { name: 'electron', packages: ['electron'], only: ['src-main/shell'] },
  {
    name: 'dockerode',
    packages: ['dockerode', 'docker-modem'],
    only: ['src-main/engine/docker', 'src-main/engine/swarm'],
  },
  {
    name: 'x509',
    packages: ['@peculiar/x509', '@peculiar/asn1-x509', '@peculiar/asn1-schema', 'reflect-metadata'],
    only: ['src-main/x509'],
  },
  { name: 'zip', packages: ['fflate'], only: ['src-main/core/config'] },
  { name: 'mail', packages: ['nodemailer'], only: ['src-main/notify'] },
  { name: 'database', packages: ['@photostructure/sqlite'], only: ['src-main/storage'] },
  { name: 'vue', packages: ['vue', 'pinia', 'vue-router', 'vue-i18n', 'element-plus'], only: ['src-renderer'] },
  { name: 'echarts', packages: ['echarts', 'vue-echarts', 'zrender'], only: ['src-renderer/charts'] },
];

/** Places that must run anywhere: no Node modules there. */
export const withoutNode = ['src-main/base', 'src-main/contract', 'src-main/core', 'src-renderer'];

/** A path of ours as a pattern: a file exactly, or everything in a folder; `folder/*` is the files right inside it. */
function pattern(/** @type {string} */ path) {
  const escaped = path.replace(/\*$/, '').replace(/[.]/g, '\\.');
  if (path.endsWith('/*')) return `^${escaped}[^/]+$`;
  return /\.\w+$/.test(path) ? `^${escaped}$` : `^${escaped}/`;
}

/**
 * The table as dependency-cruiser's rules.
 *
 * @returns {import('dependency-cruiser').IFlattenedRuleSet}
 */
export function rules() {
  const files = rooms.map(({ room }) => pattern(room));
  return {
    forbidden: [
      ...rooms.map(({ room, may }) => ({
        name: `doors of ${room}`,
        severity: /** @type {const} */ ('error'),
        from: { path: pattern(room) },
        to: { path: '^(src-main|src-renderer)/', pathNot: [pattern(room), ...may.map(pattern)] },
      })),
      ...packages.map(({ name, packages: names, only }) => ({
        name: `package ${name}`,
        severity: /** @type {const} */ ('error'),
        from: { path: '^src-', pathNot: only.map(pattern) },
        to: { path: names.map((one) => `(^|node_modules/)${one}(/|$)`) },
      })),
      {
        name: 'no Node here',
        severity: 'error',
        from: { path: withoutNode.map(pattern) },
        to: { dependencyTypes: ['core'] },
      },
      { name: 'no cycles', severity: 'error', from: { path: '^src-' }, to: { circular: true } },
      { name: 'nothing imports test', severity: 'error', from: { path: '^src-' }, to: { path: '^test/' } },
      { name: 'every file has a room', severity: 'error', from: { path: '^src-', pathNot: files }, to: {} },
      {
        name: 'every import leads somewhere',
        severity: 'error',
        from: { path: '^src-' },
        to: { couldNotResolve: true, pathNot: ['^~icons/', '^virtual:'] },
      },
    ],
  };
}
