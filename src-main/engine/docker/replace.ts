/** A file replaced in a running container, in one exec: written beside the old one, renamed over it, and told of. */
import type { Signal } from '../../base/lifecycle';
import { EngineError } from '../../core/engine';
import { path, type Client } from './client';
import { putFile, type FileToPut } from './exec';
import { openSession } from './session';

/**
 * $1 the file, $2 its size, $3 its mode, $4 its owner, $5 a signal or nothing. The size is read exactly, so that no end of the input has
 * to come through; a connection that breaks leaves the old file as it was. The shell gives the signal, since a signal that comes through
 * the engine's API makes the engine forget its restart policy for the container's next end.
 */
const script = `d="\${1%/*}"; [ -d "$d/" ] || mkdir -p "$d" || exit 1
[ ! -d "$1" ] || { echo "a folder is in its place"; exit 1; }
t="$1.pilothouse-$$"; trap 'rm -f "$t"' EXIT
(umask 077; head -c "$2" > "$t") && [ "$(wc -c < "$t")" -eq "$2" ] && chown "$4" "$t" && chmod "$3" "$t" && mv -f "$t" "$1" || exit 1
trap - EXIT; echo replaced
[ -z "$5" ] || { kill -s "$5" 1 && echo told; }`;

/** The whole exec may take so long: a container that is starved of CPU is slow, not broken. Milliseconds. */
const LONGEST = 30_000;

/** See `Engine.replaceFile`. Without a shell inside, or in a container that does not run, the archive API takes its place. */
export async function replaceFile(
  client: Client,
  id: string,
  options: { file: FileToPut; tell?: string | undefined; deadline: number; signal?: Signal | undefined },
): Promise<{ atomic: boolean }> {
  const { file, tell, deadline, signal } = options;
  const said = await inside(client, id, options);
  const atomic = said.includes('replaced\n');
  if (!atomic) await putFile(client, id, { file, deadline, ...(signal ? { signal } : {}) });
  if (tell !== undefined && !said.includes('told\n')) await kill(client, id, { tell, deadline, signal });
  return { atomic };
}

/** What the script said; nothing when it could not be run. */
async function inside(
  client: Client,
  id: string,
  options: { file: FileToPut; tell?: string | undefined; deadline: number; signal?: Signal | undefined },
): Promise<string> {
  const { file, tell = '', deadline, signal } = options;
  const owner = `${file.uid}:${file.gid}`;
  const mode = (file.mode & 0o777).toString(8);
  const argv = [
    'sh',
    '-c',
    script,
    'sh',
    file.path,
    String(file.content.length),
    mode,
    owner,
    tell.replace(/^SIG/, ''),
  ];
  let said = '';
  try {
    const session = await openSession(client, id, {
      argv,
      user: '0:0',
      deadline,
      onOutput: (text) => (said += text),
    });
    let timer: NodeJS.Timeout | undefined;
    let cancel = (): void => undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const stop = (reason: string): void => reject(new EngineError('timeout', reason));
      timer = setTimeout(() => stop(`${file.path} was not replaced within ${LONGEST / 1000} s`), LONGEST);
      cancel = () => stop('cancelled');
      signal?.addEventListener('abort', cancel);
    });
    try {
      session.write(file.content);
      const { error } = await Promise.race([session.ended, late]);
      if (error) throw error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
      session.dispose();
    }
  } catch (error) {
    if (!(error instanceof EngineError) || ['away', 'timeout', 'not-found', 'paused'].includes(error.code)) throw error;
  }
  return said;
}

/** A container that does not run hears nothing, and reads the file when it starts. */
async function kill(
  client: Client,
  id: string,
  options: { tell: string; deadline: number; signal?: Signal | undefined },
): Promise<void> {
  try {
    await client.ask({
      method: 'POST',
      path: path`/containers/${id}/kill`,
      query: { signal: options.tell },
      deadline: options.deadline,
      signal: options.signal,
    });
  } catch (error) {
    if (!(error instanceof EngineError) || !/is not running/i.test(error.detail)) throw error;
  }
}
