/** The log store in a thread of its own: indexing, search and compression never hold the loop that keeps services running. */
import { parentPort, workerData } from 'node:worker_threads';
import { serveLogStore, type LogBudget, type StoreMessage } from '../core/logs';
import { systemClock } from './clock';
import { openLogFolder } from './logStore';

const port = parentPort;
if (!port) throw new Error('This is the start of a worker thread, not of a program.');
const { folder, budget } = workerData as { folder: string; budget: LogBudget };

serveLogStore(
  {
    post: (message) => port.postMessage(message),
    onMessage: (listener) => void port.on('message', (message: StoreMessage) => listener(message)),
    onClose: (listener) => void port.on('close', listener),
  },
  openLogFolder(folder, budget, systemClock),
);
