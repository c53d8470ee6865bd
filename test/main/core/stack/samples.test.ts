/** The samples that ship are good: they parse, ask for nothing risky, and need only one tiny image. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseProject } from '../../../../src-main/core/stack';

const root = join(import.meta.dirname, '../../../../resources/samples');

describe('the samples', () => {
  it.each(readdirSync(root))('%s', (name) => {
    const text = readFileSync(join(root, name, 'compose.yaml'), 'utf8');
    const { spec, problems, warnings } = parseProject({ files: [{ name: 'compose.yaml', text }] });
    expect(problems).toEqual([]);
    expect(warnings).toEqual([]);
    expect(spec!.name).toBe(name);
    expect([...new Set(Object.values(spec!.services).map(({ image }) => image))]).toEqual(['busybox:1.37']);
  });

  it('of the demo show the product', () => {
    const text = readFileSync(join(root, 'demo/compose.yaml'), 'utf8');
    const { web, api, migrate, cache } = parseProject({ files: [{ name: 'compose.yaml', text }] }).spec!.services;
    expect(web).toMatchObject({
      deploy: { replicas: 3 },
      dependsOn: [{ service: 'api', condition: 'service_healthy' }],
    });
    expect(web!.ports).toEqual([
      { target: 8080, protocol: 'tcp', published: { from: 18080, to: 18080 }, mode: 'ingress' },
    ]);
    expect(api!.dependsOn).toMatchObject([{ service: 'migrate', condition: 'service_completed_successfully' }]);
    expect(migrate!.restart).toEqual({ condition: 'no' });
    expect(cache!.deploy.limits.memory).toBe(48 * 1024 * 1024);
  });
});
