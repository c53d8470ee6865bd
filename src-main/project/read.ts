/** Reads a Compose project from disk as `docker compose` finds it, and hands it on as texts; what it means is the core's business. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { fail } from '../contract/errors';
import type { StackSource } from '../contract/nouns';
import { composeSettings } from './dotenv';

/** The names Compose looks for, the preferred first, and the overrides that belong to them. */
export const composeNames = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];
const overrideNames = [
  'compose.override.yml',
  'compose.override.yaml',
  'docker-compose.override.yml',
  'docker-compose.override.yaml',
];

const longestFile = 1024 * 1024;

/** What the command line or a file dialog says; everything else follows Compose's rules. */
export interface ProjectRequest {
  /** Absolute folder the search starts in and relative paths start from. */
  folder: string;
  /** `-f`, in order; `-` reads `standardInput`. */
  files?: string[];
  envFiles?: string[];
  profiles?: string[];
  /** `-p`. */
  name?: string;
  projectDirectory?: string;
  environment: Readonly<Record<string, string | undefined>>;
  standardInput?: () => string;
}

export interface ReadProject {
  source: StackSource & { directory: string };
  /** From `-p` or COMPOSE_PROJECT_NAME; absent leaves it to the file's `name` or the folder's name. */
  name?: string;
}

/** Reads the project. Throws `not-found`, `bad-input` or `too-large` with the file's path in the message. */
export function readProject(request: ProjectRequest): ReadProject {
  const early = { ...readSettings(join(request.folder, '.env')), ...defined(request.environment) };
  const paths = composePaths(request, early);
  const first = paths.find((path) => path !== '-');
  const directory = request.projectDirectory
    ? resolve(request.folder, request.projectDirectory)
    : first
      ? dirname(first)
      : request.folder;
  const files = paths.map((path) => ({
    name: path === '-' ? 'standard input' : displayName(directory, path),
    text: path === '-' ? readInput(request) : readText(path),
  }));
  const envFiles = environmentPaths(request, directory).map((path) => ({
    name: displayName(directory, path),
    text: readText(path),
  }));
  const settings = {
    ...Object.assign({}, ...envFiles.map((file) => composeSettings(file.text))),
    ...defined(request.environment),
  } as Record<string, string>;
  const profiles = request.profiles?.length ? request.profiles : splitList(settings['COMPOSE_PROFILES'], ',');
  const name = request.name ?? settings['COMPOSE_PROJECT_NAME'];
  const source: ReadProject['source'] = {
    files,
    directory,
    environment: mentioned(request.environment, [...files, ...envFiles]),
  };
  if (envFiles.length > 0) source.envFiles = envFiles;
  if (profiles.length > 0) source.profiles = profiles;
  return name ? { source, name } : { source };
}

/** The Compose files in merge order, absolute. */
function composePaths(request: ProjectRequest, settings: Record<string, string>): string[] {
  const named = request.files?.length
    ? request.files
    : splitList(settings['COMPOSE_FILE'], settings['COMPOSE_PATH_SEPARATOR'] || delimiter);
  if (named.length > 0) return named.map((path) => (path === '-' ? '-' : wholePath(request.folder, path)));
  for (let folder = request.folder; ; folder = dirname(folder)) {
    const found = composeNames.find((name) => existsSync(join(folder, name)));
    if (found) {
      const override = overrideNames.find((name) => existsSync(join(folder, name)));
      return [join(folder, found), ...(override ? [join(folder, override)] : [])];
    }
    if (dirname(folder) === folder) break;
  }
  throw fail(
    'not-found',
    `There is no Compose file in ${request.folder} or above it.`,
    `Name one with -f, or go to a folder with a ${composeNames[0]}.`,
  );
}

/** A folder given as a file means the Compose file in it. */
function wholePath(folder: string, path: string): string {
  const whole = resolve(folder, path);
  if (!existsSync(whole) || !statSync(whole).isDirectory()) return whole;
  const inside = composeNames.map((name) => join(whole, name)).find((candidate) => existsSync(candidate));
  if (!inside) throw fail('not-found', `There is no Compose file in ${whole}.`);
  return inside;
}

function environmentPaths(request: ProjectRequest, directory: string): string[] {
  if (request.envFiles?.length) return request.envFiles.map((path) => resolve(request.folder, path));
  const usual = join(directory, '.env');
  return existsSync(usual) && statSync(usual).isFile() ? [usual] : [];
}

function readSettings(path: string): Record<string, string> {
  return existsSync(path) && statSync(path).isFile() ? composeSettings(readText(path)) : {};
}

function readInput(request: ProjectRequest): string {
  const text = request.standardInput?.() ?? '';
  if (text.length > longestFile) throw fail('too-large', 'Standard input is longer than 1 MiB.');
  return text;
}

/** A text file of at most 1 MiB. */
function readText(path: string): string {
  let size: number;
  try {
    const facts = statSync(path);
    if (!facts.isFile()) throw fail('bad-input', `${path} is not a file.`);
    size = facts.size;
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT')
      throw fail('not-found', `There is no file ${path}.`);
    throw thrown;
  }
  if (size > longestFile)
    throw fail('too-large', `${path} is longer than 1 MiB.`, 'A Compose file this long is not read.');
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    throw fail('forbidden', `${path} cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}.`);
  }
}

/** Relative to the project where it lies inside, else the whole path. */
function displayName(directory: string, path: string): string {
  const inside = relative(directory, path);
  return inside.startsWith('..') || isAbsolute(inside) ? path : inside.split(sep).join('/') || basename(path);
}

function splitList(text: string | undefined, separator: string): string[] {
  return (text ?? '')
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function defined(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/**
 * Only the variables whose names occur in the files: the source is kept with the stack, and the rest of a user's environment,
 * which holds their tokens, has no business there.
 */
function mentioned(
  environment: Readonly<Record<string, string | undefined>>,
  files: readonly { text: string }[],
): Record<string, string> {
  const words = new Set<string>();
  for (const file of files) for (const word of file.text.match(/[A-Za-z_][A-Za-z0-9_]*/g) ?? []) words.add(word);
  return Object.fromEntries(Object.entries(defined(environment)).filter(([name]) => words.has(name)));
}
