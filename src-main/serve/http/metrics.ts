/** `GET /metrics` for a Prometheus on this machine: a route that any server of ours can mount. */
import { Hono } from 'hono';

export const metricsPath = '/metrics';

/** @param read the page as it is now, and its type */
export function metricsRoute(read: () => { text: string; type: string }): Hono {
  const route = new Hono();
  route.get(metricsPath, (context) => {
    const { text, type } = read();
    return context.body(text, 200, { 'content-type': type, 'cache-control': 'no-store' });
  });
  return route;
}
