/** The HTTP endpoints: config clients, and what other rooms mount. See README.md. */
export { serveHttp, type HttpServer } from './server';
export type { HttpEndpoint, HttpMount, HttpWorld } from '../../app/http';
