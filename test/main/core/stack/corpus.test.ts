/** Every project of the corpus parses, and comes back the same through its own rendering. */
import { describe, expect, it } from 'vitest';
import { hashContainer, parseProject } from '../../../../src-main/core/stack';
import { corpus } from './corpus';
import { folder, parseCase, readerOf } from './corpus/parse';

describe('the corpus', () => {
  it('is large enough and has no name twice', () => {
    expect(corpus.length).toBeGreaterThanOrEqual(60);
    expect(new Set(corpus.map((each) => each.name)).size).toBe(corpus.length);
  });

  it.each(corpus.map((each) => [each.name, each] as const))('%s', (_name, each) => {
    const parsed = parseCase(each);
    expect(parsed.problems).toEqual([]);
    expect(parsed.spec).toBeDefined();
    const again = parseProject(
      {
        files: [{ name: 'resolved.yaml', text: parsed.resolvedYaml }],
        environment: each.environment ?? {},
        directory: folder,
      },
      { readFile: (path) => readerOf(each.beside)(path) },
    );
    expect(again.problems).toEqual([]);
    expect(withoutOrigin(again.spec)).toEqual(withoutOrigin(parsed.spec));
    expect(again.resolvedYaml).toBe(parsed.resolvedYaml);
    for (const [key, service] of Object.entries(parsed.spec!.services)) {
      expect(hashContainer(again.spec!.services[key]!, again.spec!)).toBe(hashContainer(service, parsed.spec!));
    }
  });
});

/** A config's content is written into the rendering, so afterwards it no longer comes from a file or variable. */
function withoutOrigin(spec: ReturnType<typeof parseCase>['spec']): unknown {
  if (spec === undefined) return undefined;
  const configs = Object.fromEntries(
    Object.entries(spec.configs).map(([key, { from: _from, kind: _kind, ...rest }]) => [key, rest]),
  );
  return { ...spec, configs };
}
