/** Where the state of one installation lies, and the address of its socket. One home has at most one running core. */
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { fail } from '../contract/errors';

/** A unix socket's path must fit the kernel's 108 bytes (104 on macOS), its final zero included. */
const longestSocketPath = 100;

/** The facts of the process that decide the home; handed in so that tests need not change the real ones. */
export interface Surroundings {
  environment: Readonly<Record<string, string | undefined>>;
  platform: string;
  userHome: string;
}

/** What this process sees. */
export function surroundings(): Surroundings {
  return { environment: process.env, platform: process.platform, userHome: homedir() };
}

/** `PILOTHOUSE_HOME`, or the platform's place for application data. Always absolute. */
export function homeFolder(around: Surroundings = surroundings()): string {
  const { environment, platform, userHome } = around;
  const chosen = environment['PILOTHOUSE_HOME'];
  if (chosen) return isAbsolute(chosen) ? chosen : resolve(chosen);
  if (platform === 'win32') return join(environment['APPDATA'] || join(userHome, 'AppData', 'Roaming'), 'Pilothouse');
  if (platform === 'darwin') return join(userHome, 'Library', 'Application Support', 'Pilothouse');
  const data = environment['XDG_DATA_HOME'];
  return join(data && isAbsolute(data) ? data : join(userHome, '.local', 'share'), 'pilothouse');
}

/** Makes a folder only we may enter, and refuses one that somebody else could have prepared: a link, or another user's. */
export function privateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const facts = lstatSync(folder);
  if (facts.isSymbolicLink() || !facts.isDirectory())
    throw fail('forbidden', `${folder} is not a plain folder.`, 'Point PILOTHOUSE_HOME at a folder of your own.');
  if (process.getuid && facts.uid !== process.getuid())
    throw fail('forbidden', `${folder} belongs to another user.`, 'Point PILOTHOUSE_HOME at a folder of your own.');
  if (process.platform !== 'win32' && (facts.mode & 0o077) !== 0) chmodSync(folder, 0o700);
}

/**
 * The address of the core's socket for this home: `<home>/socket` where the path is short enough, else a folder named after the
 * home's hash in the user's runtime folder; a named pipe on Windows.
 */
export function socketPath(home: string, around: Surroundings = surroundings()): string {
  const short = createHash('sha256').update(home).digest('hex').slice(0, 16);
  if (around.platform === 'win32') return `\\\\.\\pipe\\pilothouse-${short}`;
  const inside = join(home, 'socket');
  if (Buffer.byteLength(inside) <= longestSocketPath) return inside;
  const runtime = around.environment['XDG_RUNTIME_DIR'];
  if (runtime && isAbsolute(runtime) && runtime.length < 60) return join(runtime, `pilothouse-${short}`, 'socket');
  return join(tmpdir(), `pilothouse-${userInfo().uid}-${short}`, 'socket');
}
