/** The log store on real files, wherever it runs: in this thread, or in one of its own. */
import type { Clock } from '../base/clock';
import { openLogStore, type LogBudget, type LogStore } from '../core/logs';
import type { TextCodec } from '../core/disk';
import { logCodec as codec, openFiles } from '../storage';

const text: TextCodec = {
  encode: (value) => Buffer.from(value, 'utf8'),
  decode: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'),
  holds: (bytes, value) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(value),
};

/** Opens the store in a folder; its files are closed with it. */
export async function openLogFolder(folder: string, budget: LogBudget, clock: Clock): Promise<LogStore> {
  const files = await openFiles(folder);
  const store = await openLogStore({ files, codec, text, clock, budget });
  const close = store.close.bind(store);
  store.close = async () => {
    await close();
    await files.close();
  };
  return store;
}
