/** What lies in the volumes of the memory engine: trees that go in and out as tars, as with the real archive API. */
import { basename } from 'node:path/posix';
import { Readable } from 'node:stream';
import { extract, pack, type Header } from 'tar-stream';
import { EngineError, type ByteStream } from '../../core/engine';

interface Node {
  header: Omit<Partial<Header>, 'name'>;
  content: Uint8Array;
}

/** A tree; keys are paths without a slash at either end, the root is ''. Parents come before children. */
export type Tree = Map<string, Node>;

/** An empty volume: its root, as the engine makes it. */
export function emptyTree(now: number): Tree {
  return new Map([
    ['', { header: { type: 'directory', mode: 0o755, uid: 0, gid: 0, mtime: new Date(now) }, content: none }],
  ]);
}

const none = new Uint8Array(0);
/** The memory engine lives in memory: so many bytes in all of one volume. */
const largestTree = 64 * 1024 * 1024;

/** The tar of what lies at `at` in a tree; names begin with `name`. */
export function packTree(tree: Tree, at: string, name: string): ByteStream {
  const archive = pack();
  const inside = at === '' ? '' : `${at}/`;
  const fill = (): void => {
    for (const [path, node] of tree) {
      if (path !== at && !path.startsWith(inside)) continue;
      const rest = path === at ? '' : path.slice(inside.length);
      const full = rest === '' ? name : `${name}/${rest}`;
      const header = { ...node.header, name: node.header.type === 'directory' ? `${full}/` : full };
      archive.entry(header, Buffer.from(node.content));
    }
    archive.finalize();
  };
  if (!tree.has(at)) throw new EngineError('not-found', `Could not find the file ${at || '/'} in the container`);
  fill();
  return archive as AsyncIterable<Uint8Array>;
}

/** Unpacks a tar: entries whose name begins with `name` go into the tree, others are refused. */
export async function unpackTree(tree: Tree, tar: ByteStream, name: string): Promise<void> {
  const reading = extract();
  const source = Readable.from(tar, { objectMode: false });
  source.on('error', (error) => reading.destroy(error));
  source.pipe(reading);
  let size = 0;
  try {
    for await (const entry of reading) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry as AsyncIterable<Uint8Array>) {
        chunks.push(chunk);
        size += chunk.length;
        if (size > largestTree) throw new EngineError('no-space', 'write: no space left on device');
      }
      const { name: full, ...header } = entry.header;
      const path = full.replace(/^\.?\/+/, '').replace(/\/+$/, '');
      if (path !== name && !path.startsWith(`${name}/`)) {
        throw new EngineError('refused', `${full} is outside of what can be written`);
      }
      tree.set(path === name ? '' : path.slice(name.length + 1), { header, content: Buffer.concat(chunks) });
    }
  } finally {
    source.destroy();
  }
}

/** Where a path of a container lies in one of its mounts. */
export function within(target: string, path: string): { at: string; name: string } | undefined {
  const clean = path.replace(/\/+$/, '');
  if (clean === target) return { at: '', name: basename(target) };
  return clean.startsWith(`${target}/`) ? { at: clean.slice(target.length + 1), name: basename(clean) } : undefined;
}
