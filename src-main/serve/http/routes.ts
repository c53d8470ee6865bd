/** All endpoints behind one door: who asks is known before anything is looked at, and what is not listed does not exist. */
import { Hono } from 'hono';
import { Access } from './access';
import { apollo } from './apollo';
import { Pace } from './doors';
import { nacosConfig } from './nacos';
import { nacosNaming } from './naming';
import { addressOf, meet, readBody, type Env } from './request';
import { rest } from './rest';
import type { Waits } from './waits';
import type { HttpWorld } from '../../app/http';

/** Bytes of a body: a config of full length, however it is encoded, is smaller when it is text. */
const largestBody = 1024 * 1024;

/** Open without a token: it says nothing but the address that was asked. Apollo's clients bring no signature here. */
const openPaths = new Set(['/services/config']);
/** These check what they are given themselves. */
const loginPaths = new Set(['/nacos/v1/auth/login', '/nacos/v1/auth/users/login']);

/** Builds the router. */
export function routes(world: HttpWorld, waits: Waits): Hono<Env> {
  const access = new Access(world);
  const pace = new Pace(4000, 500);
  const wrong = new Pace(50, 1);
  const app = new Hono<Env>();

  app.use(async (ask, next) => {
    const address = addressOf(ask);
    const now = world.clock.monotonic();
    if (!pace.take(address, now)) return ask.text('too many requests', 429);
    const body = await readBody(ask, largestBody);
    if (body === undefined) return ask.text('too large', 413, { connection: 'close' });
    const known = meet(ask, access, body);
    const path = ask.req.path;
    if (openPaths.has(path)) return next();
    if (loginPaths.has(path)) {
      if (!wrong.take(address, now)) return ask.text('too many requests', 429);
      return next();
    }
    if (!known) return wrong.take(address, now) ? ask.text('unauthorized', 401) : ask.text('too many requests', 429);
    const pass = ask.get('pass');
    // Whoever shows nothing learns nothing, not even which paths there are.
    if (pass.name === 'anybody' && !world.settings().open) return ask.text('unauthorized', 401);
    return next();
  });

  app.route('/', apollo(world, waits));
  app.route('/nacos/v1', nacosConfig(world, waits, access));
  app.route('/nacos/v1/ns', nacosNaming(world));
  app.route('/v1/config', rest(world, waits));
  for (const mount of world.mounts) {
    app.get(mount.path, (ask) => {
      if (!ask.get('pass').may('*', 'read')) return ask.text('forbidden', 403);
      return mount.handle(ask.req.raw);
    });
  }
  app.notFound((ask) => ask.text('not found', 404));
  app.onError((thrown, ask) => {
    world.log('error', 'An endpoint failed', { path: ask.req.path, thrown });
    return ask.text('internal error', 500);
  });
  return app;
}
