/**
 * The real Docker Compose as the judge of our parser: what `docker compose config` makes of a project, read by us, must be the same
 * spec as the project itself read by us. Compose needs no engine for that. Where no Compose v2 can be had the reason is printed.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseProject } from '../../src-main/core/stack';
import type { StackSpec } from '../../src-main/contract/spec';
import { ensureCompose } from '../machine/compose.mjs';
import { capture } from '../machine/processes.mjs';
import { corpus } from '../main/core/stack/corpus';
import type { ComposeCase } from '../main/core/stack/corpus';
import { parseCase, readerOf } from '../main/core/stack/corpus/parse';
import { wrong } from '../main/core/stack/corpus/wrong';

const compose: string[] | undefined = ensureCompose();
const root = mkdtempSync(join(tmpdir(), 'pilothouse-oracle-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Writes a case to a folder of its own and asks Compose what it means. */
function ask(each: ComposeCase, verb = ['config']): { folder: string; code: number; stdout: string; stderr: string } {
  const folder = join(mkdtempSync(join(root, 'case-')), 'project');
  mkdirSync(folder);
  const files = { ...each.beside, ...each.files, ...(each.env === undefined ? {} : { '.env': each.env }) };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const [program = '', ...first] = compose ?? [];
  const argv = [
    ...first,
    '--project-directory',
    folder,
    ...Object.keys(each.files).flatMap((name) => ['-f', join(folder, name)]),
    ...(each.profiles ?? []).flatMap((profile) => ['--profile', profile]),
    ...verb,
  ];
  // Nothing of this machine's environment may leak into the answer.
  const env = { PATH: process.env['PATH'], HOME: '/nowhere', ...each.environment };
  return { folder, ...capture(program, argv, { cwd: folder, env, timeoutMs: 60_000 }) };
}

describe.runIf(compose === undefined)('Docker Compose', () => {
  it('is not on this machine and could not be unpacked: our parser was not compared with it', () => {
    console.warn('Skipped: no Docker Compose v2 here, so the parser was not compared with it.');
    expect(compose).toBeUndefined();
  });
});

describe.runIf(compose !== undefined)('Docker Compose agrees', () => {
  const asked = corpus.filter((each) => each.notForOracle === undefined);

  it.each(asked.map((each) => [each.name, each] as const))('on %s', (_name, each) => {
    const answer = ask(each);
    expect(answer.stderr.replace(/time=.*level=warning.*\n/g, '')).toBe('');
    expect(answer.code).toBe(0);
    const ours = parseCase(each, answer.folder);
    const theirs = parseProject(
      {
        files: [{ name: 'config.yaml', text: answer.stdout }],
        environment: each.environment ?? {},
        profiles: ['*'],
        directory: answer.folder,
      },
      { readFile: (path) => readerOf(each.beside)(path) },
    );
    expect(ours.problems).toEqual([]);
    expect(theirs.problems).toEqual([]);
    expect(comparable(ours.spec)).toEqual(comparable(theirs.spec));
  });

  it('on what images that are built are called', () => {
    const each = corpus.find(({ name }) => name === 'only a build');
    if (!each) throw new Error('the corpus has no such case');
    const answer = ask(each, ['config', '--images']);
    expect(answer.code).toBe(0);
    const { spec } = parseCase(each, answer.folder);
    const ours = Object.values(spec?.services ?? {}).map(({ image }) => image);
    expect(answer.stdout.trim().split('\n').sort()).toEqual(ours.sort());
  });

  const refused = wrong.filter((each) => each.composeAccepts === undefined);

  it.each(refused.map((each) => [each.name, each] as const))('that this is wrong: %s', (_name, each) => {
    expect(ask(each).code).not.toBe(0);
  });
});

/** Without what Compose's own output does not keep. */
function comparable(spec: StackSpec | undefined): unknown {
  if (spec === undefined) return undefined;
  const services = Object.entries(spec.services).map(([name, service]) => {
    const byName = <Item extends { network?: string; service?: string }>(left: Item, right: Item): number =>
      (left.network ?? left.service ?? '') < (right.network ?? right.service ?? '') ? -1 : 1;
    return [
      name,
      {
        ...service,
        networks: [...service.networks].sort(byName),
        dependsOn: [...service.dependsOn].sort(byName),
        extraHosts: [...service.extraHosts].sort(),
        // Compose 2.26 leaves out `create_host_path: false`, and sorts mounts.
        mounts: service.mounts
          .map(({ createHostPath: _create, ...mount }) => mount)
          .sort((left, right) => (left.target < right.target ? -1 : 1)),
      },
    ];
  });
  return {
    ...spec,
    services: Object.fromEntries(services.sort(([left], [right]) => (String(left) < String(right) ? -1 : 1))),
  };
}
