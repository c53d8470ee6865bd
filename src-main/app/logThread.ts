/** Starts the log store's thread and speaks with it. */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { connectLogStore, type LogBudget, type LogStore, type StoreMessage } from '../core/logs';

/** How long the thread may take to end by itself after the store is closed, milliseconds. */
const goodbye = 3_000;

/** Opens the store in a new thread. `programs` is the folder of the built programs. */
export function openLogThread(programs: string, folder: string, budget: LogBudget): Promise<LogStore> {
  const worker = new Worker(join(programs, 'logWorker.js'), { workerData: { folder, budget }, name: 'logs' });
  const store = connectLogStore({
    post: (message) => worker.postMessage(message),
    onMessage: (listener) => void worker.on('message', (message: StoreMessage) => listener(message)),
    onClose: (listener) => {
      // An error ends the thread; whoever waits is told at its end, with the error.
      let reason: unknown;
      worker.on('error', (error) => (reason = error));
      worker.on('exit', (code) => listener(reason ?? new Error(`The thread of the log store ended with ${code}.`)));
    },
  });
  const close = store.close.bind(store);
  store.close = async () => {
    try {
      await close();
    } finally {
      const late = new Promise((resolve) => setTimeout(resolve, goodbye).unref());
      await Promise.race([worker.terminate(), late]);
    }
  };
  return Promise.resolve(store);
}
