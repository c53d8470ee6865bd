/** Checks every import of the product against the table in rooms.mjs, and that the table has teeth. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cruise, type ICruiseOptions, type ICruiseResult } from 'dependency-cruiser';
import { describe, expect, it } from 'vitest';
import { rules } from './rooms.mjs';

const root = join(import.meta.dirname, '..');

/** Cruises the source folders under `baseDir` and returns each broken rule as `rule: from → to`. */
async function broken(baseDir: string): Promise<{ violations: string[]; modules: number }> {
  const options: ICruiseOptions = {
    baseDir,
    validate: true,
    ruleSet: rules(),
    // Type-only imports count: a room that knows another's types knows the room.
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    skipAnalysisNotInRules: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.vue', '.mjs', '.js', '.json'],
      conditionNames: ['import', 'types', 'default'],
      exportsFields: ['exports'],
    },
  };
  const { output } = await cruise(['src-main', 'src-renderer'], options);
  const { summary } = output as ICruiseResult;
  return {
    violations: summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`).sort(),
    modules: summary.totalCruised,
  };
}

describe('the doors between rooms', () => {
  it('are respected by every import of the product', async () => {
    const { violations, modules } = await broken(root);
    expect(violations).toEqual([]);
    expect(modules).toBeGreaterThan(100);
  });

  it('catch every planted fault', async () => {
    const planted: Record<string, [file: string, text: string]> = {
      'doors of src-main/base': ['src-main/base/a.ts', "import type { Problem } from '../contract/errors';"],
      'doors of src-main/contract': ['src-main/contract/a.ts', "import { Store } from '../core/store/index';"],
      'doors of src-main/core/store': ['src-main/core/store/a.ts', "import { plan } from '../reconcile/index';"],
      'doors of src-main/core/logs': ['src-main/core/logs/a.ts', "import { inner } from '../store/inner';"],
      'doors of src-main/engine/memory': ['src-main/engine/memory/a.ts', "import { b } from '../docker/b';"],
      'doors of src-main/storage': ['src-main/storage/a.ts', "import { Store } from '../core/store/index';"],
      'doors of src-main/shell': ['src-main/shell/a.ts', "import { Store } from '../core/store/index';"],
      'doors of src-renderer/parts': [
        'src-renderer/parts/A.vue',
        `<script setup lang="ts">\nimport { s } from '../stores/s';\n</script>`,
      ],
      'doors of src-renderer/views': [
        'src-renderer/views/a.ts',
        "import { Store } from '../../src-main/core/store/index';",
      ],
      'package electron': ['src-main/serve/a.ts', "import { app } from 'electron';"],
      'package dockerode': ['src-main/engine/kubernetes/a.ts', "import Docker from 'dockerode';"],
      'package database': ['src-main/app.ts', "import { DatabaseSync } from '@photostructure/sqlite';"],
      'package vue': ['src-main/cli/a.ts', "import { ref } from 'vue';"],
      'package echarts': ['src-renderer/stores/s.ts', "import { init } from 'echarts/core';\nexport const s = init;"],
      'no Node here': ['src-main/core/stack/a.ts', "import { readFileSync } from 'node:fs';"],
      'no cycles': ['src-main/base/c.ts', "import { d } from './d';\nexport const c = d;"],
      'nothing imports test': ['src-main/cli/b.ts', "import { clock } from '../../test/support/clock';"],
      'every file has a room': ['src-main/attic/a.ts', "import { c } from '../base/c';"],
      'every import leads somewhere': ['src-main/base/lost.ts', "import { nothing } from './nowhere';"],
    };
    const others: Record<string, string> = {
      'src-main/base/d.ts': "import { c } from './c';\nexport const d = c;",
      'src-main/contract/errors.ts': 'export interface Problem { code: string }',
      'src-main/core/store/index.ts': 'export class Store {}',
      'src-main/core/store/inner.ts': 'export const inner = 1;',
      'src-main/core/reconcile/index.ts': 'export const plan = 1;',
      'src-main/engine/docker/b.ts': 'export const b = 1;',
      'test/support/clock.ts': 'export const clock = 1;',
    };
    const folder = mkdtempSync(join(tmpdir(), 'pilothouse-doors-'));
    try {
      for (const [file, text] of [...Object.values(planted), ...Object.entries(others)]) {
        mkdirSync(dirname(join(folder, file)), { recursive: true });
        writeFileSync(join(folder, file), `${text}\n`);
      }
      const { violations } = await broken(folder);
      const caught = (rule: string, file: string): boolean =>
        violations.some((line) => line.startsWith(`${rule}: ${file} `));
      const missed = Object.entries(planted).filter(([rule, [file]]) => !caught(rule, file));
      expect(missed.map(([rule]) => rule)).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
