/** The options by which a command finds a Compose project, the same as `docker compose` has them. */
import { readProject, type ReadProject } from '../project';
import type { Context, Options } from './command';

export const projectOptions: Options = {
  file: { type: 'string', short: 'f', multiple: true },
  'project-name': { type: 'string', short: 'p' },
  'project-directory': { type: 'string' },
  profile: { type: 'string', multiple: true },
  'env-file': { type: 'string', multiple: true },
};

export const projectUsage = '[-f FILE]… [-p NAME] [--profile NAME]… [--env-file FILE]…';

/** Reads the project that the options and the folder name. */
export function projectOf(context: Context): ReadProject {
  const name = context.text('project-name');
  const projectDirectory = context.text('project-directory');
  return readProject({
    folder: context.world.folder,
    files: context.list('file'),
    envFiles: context.list('env-file'),
    profiles: context.list('profile'),
    environment: context.world.environment,
    standardInput: context.world.standardInput,
    ...(name ? { name } : {}),
    ...(projectDirectory ? { projectDirectory } : {}),
  });
}
