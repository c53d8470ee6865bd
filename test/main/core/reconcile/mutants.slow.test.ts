/**
 * The power check: the promises must notice every fault that is planted into the reconciler as it is loaded. A suite that lets one live
 * would be empty where it matters.
 */
import { createServer, type ViteDevServer } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { hunt as Hunt } from './hunt';
import { mutants, type Mutant } from './mutants';

/** Random schedules of each kind before a mutant counts as alive. */
const mostRuns = 400;

let server: ViteDevServer;
let planted: Mutant | undefined;
let found = 0;

beforeAll(async () => {
  server = await createServer({
    configFile: false,
    root: process.cwd(),
    logLevel: 'error',
    appType: 'custom',
    server: { middlewareMode: true, hmr: false, watch: null, ws: false },
    optimizeDeps: { noDiscovery: true, include: [] },
    plugins: [
      {
        name: 'mutant',
        enforce: 'pre',
        transform(code, id) {
          if (!planted || !id.endsWith(`core/reconcile/${planted.file}`)) return null;
          found = code.split(planted.from).length - 1;
          return code.replace(planted.from, () => planted?.to ?? '');
        },
      },
    ],
  });
});

afterAll(() => server.close());

async function huntFor(mutant: Mutant | undefined, limit: number): ReturnType<typeof Hunt> {
  planted = mutant;
  found = 0;
  server.moduleGraph.invalidateAll();
  const { hunt } = (await server.ssrLoadModule('/test/main/core/reconcile/hunt.ts')) as { hunt: typeof Hunt };
  return hunt(limit);
}

describe('planted faults', () => {
  it('are at least twenty-four, and where none is planted none is found', async () => {
    expect(mutants.length).toBeGreaterThanOrEqual(24);
    expect(await huntFor(undefined, 10)).toBeUndefined();
  }, 300_000);

  it.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
    'is noticed: %s',
    async (_name, mutant) => {
      const kill = await huntFor(mutant, mostRuns);
      expect(found, `places in ${mutant.file} where it is planted`).toBe(1);
      expect(kill, 'the mutant lives').toBeDefined();
      process.stdout.write(`  ${mutant.name}: noticed in run ${kill?.runs ?? 0} by ${kill?.by ?? ''}\n`);
    },
    600_000,
  );
});
