export { systemClock, systemRandom } from '../app/clock';
export { clientOf, openWire, reachable, type Wire } from './connect';
export { homeFolder, privateFolder, socketPath, surroundings, type Surroundings } from './home';
export { openLog, redact, type LogFile } from './log';
export { serveSocket, type SocketServer } from './server';
