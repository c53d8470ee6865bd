import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PilothouseError } from '../../../src-main/contract/errors';
import { projectReader, readProject } from '../../../src-main/project';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'project-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

const names = (read: ReturnType<typeof readProject>): string[] => read.source.files.map((file) => file.name);

describe('which files', () => {
  it.each([
    [['compose.yaml', 'compose.yml', 'docker-compose.yml'], ['compose.yaml']],
    [['compose.yml', 'docker-compose.yaml'], ['compose.yml']],
    [['docker-compose.yml', 'docker-compose.yaml'], ['docker-compose.yml']],
    [['docker-compose.yaml'], ['docker-compose.yaml']],
    [
      ['compose.yaml', 'compose.override.yaml'],
      ['compose.yaml', 'compose.override.yaml'],
    ],
    [
      ['docker-compose.yml', 'docker-compose.override.yml'],
      ['docker-compose.yml', 'docker-compose.override.yml'],
    ],
  ])('of %j are %j', (present, chosen) => {
    put(Object.fromEntries(present.map((name) => [name, `# ${name}`])));
    expect(names(readProject({ folder, environment: {} }))).toEqual(chosen);
  });

  it('are looked for in the folders above, and the project is where they are', () => {
    put({ 'compose.yaml': 'x', 'a/b/c.txt': '' });
    const read = readProject({ folder: join(folder, 'a', 'b'), environment: {} });
    expect(read.source.directory).toBe(folder);
    expect(names(read)).toEqual(['compose.yaml']);
  });

  it('are those of -f, in order, and the project is where the first is', () => {
    put({ 'deploy/base.yaml': '1', 'prod.yaml': '2', 'compose.yaml': '3' });
    const read = readProject({
      folder,
      files: ['deploy/base.yaml', 'prod.yaml'],
      environment: { COMPOSE_FILE: 'compose.yaml' },
    });
    expect(read.source.directory).toBe(join(folder, 'deploy'));
    expect(read.source.files).toEqual([
      { name: 'base.yaml', text: '1' },
      { name: join(folder, 'prod.yaml'), text: '2' },
    ]);
  });

  it('are those of COMPOSE_FILE, from the environment or from .env', () => {
    put({ 'a.yaml': '1', 'b.yaml': '2', '.env': 'COMPOSE_FILE="a.yaml;b.yaml" # both\nCOMPOSE_PATH_SEPARATOR=;\n' });
    expect(names(readProject({ folder, environment: {} }))).toEqual(['a.yaml', 'b.yaml']);
    expect(names(readProject({ folder, environment: { COMPOSE_FILE: 'b.yaml' } }))).toEqual(['b.yaml']);
  });

  it('may be a folder or standard input', () => {
    put({ 'x/compose.yml': '1' });
    expect(names(readProject({ folder, files: ['x'], environment: {} }))).toEqual(['compose.yml']);
    const read = readProject({ folder, files: ['-'], environment: {}, standardInput: () => 'services: {}' });
    expect(read.source).toMatchObject({ directory: folder, files: [{ name: 'standard input', text: 'services: {}' }] });
  });
});

describe('what is missing or wrong', () => {
  const problem = (work: () => unknown): { code: string; message: string } => {
    try {
      work();
    } catch (thrown) {
      if (thrown instanceof PilothouseError) return thrown.problem;
    }
    throw new Error('nothing was refused');
  };

  it('is said with its path', () => {
    expect(problem(() => readProject({ folder, environment: {} }))).toMatchObject({ code: 'not-found' });
    expect(problem(() => readProject({ folder, files: ['no.yaml'], environment: {} })).message).toContain(
      join(folder, 'no.yaml'),
    );
    put({ 'big.yaml': 'x'.repeat(1024 * 1024 + 1) });
    expect(problem(() => readProject({ folder, files: ['big.yaml'], environment: {} }))).toMatchObject({
      code: 'too-large',
    });
    mkdirSync(join(folder, 'empty'));
    expect(problem(() => readProject({ folder, files: ['empty'], environment: {} }))).toMatchObject({
      code: 'not-found',
    });
  });
});

describe('variables', () => {
  it('go along only when a file mentions them', () => {
    put({ 'compose.yaml': 'image: ${IMAGE:-x}\nenvironment:\n  - PASS_ON', '.env': 'A=${FROM_SHELL}' });
    const read = readProject({
      folder,
      environment: { IMAGE: 'busybox', PASS_ON: '1', FROM_SHELL: '2', GITHUB_TOKEN: 'secret', UNSET: undefined },
    });
    expect(read.source.environment).toEqual({ IMAGE: 'busybox', PASS_ON: '1', FROM_SHELL: '2' });
    expect(read.source.envFiles).toEqual([{ name: '.env', text: 'A=${FROM_SHELL}' }]);
  });

  it('choose name and profiles; the command line wins over the environment, and that over .env', () => {
    put({
      'compose.yaml': '',
      '.env': 'COMPOSE_PROJECT_NAME=fromenv\nCOMPOSE_PROFILES=a,b',
      'other.env': "COMPOSE_PROJECT_NAME='other'",
    });
    expect(readProject({ folder, environment: {} })).toMatchObject({
      name: 'fromenv',
      source: { profiles: ['a', 'b'] },
    });
    expect(readProject({ folder, environment: { COMPOSE_PROJECT_NAME: 'shell' } }).name).toBe('shell');
    expect(readProject({ folder, environment: { COMPOSE_PROJECT_NAME: 'shell' }, name: 'given' }).name).toBe('given');
    expect(readProject({ folder, environment: {}, profiles: ['c'] }).source.profiles).toEqual(['c']);
    expect(readProject({ folder, environment: {}, envFiles: ['other.env'] }).name).toBe('other');
  });
});

describe('what a file refers to', () => {
  it('is read inside the project only, links followed', () => {
    put({ 'p/app.env': 'A=1', 'p/sub/x.txt': 'x', 'secret.txt': 'secret', 'p-evil/y.txt': 'y' });
    symlinkSync(join(folder, 'secret.txt'), join(folder, 'p', 'out.txt'));
    symlinkSync('sub/x.txt', join(folder, 'p', 'in.txt'));
    writeFileSync(join(folder, 'p', 'big.txt'), 'x'.repeat(1024 * 1024 + 1));
    const read = projectReader(join(folder, 'p'));
    expect(read('app.env')).toBe('A=1');
    expect(read('./sub/x.txt')).toBe('x');
    expect(read('in.txt')).toBe('x');
    expect(read(join(folder, 'p', 'app.env'))).toBe('A=1');
    for (const path of [
      '../secret.txt',
      'out.txt',
      '/etc/passwd',
      'missing',
      '.',
      'sub',
      'big.txt',
      `../${basename(folder)}/x`,
      '../p-evil/y.txt',
      'a\0b',
    ])
      expect(read(path)).toBeUndefined();
  });
});
