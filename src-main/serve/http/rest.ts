/** Our own endpoints: plain REST, and server-sent events for news. README.md beside this file is their schema. */
import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { z } from 'zod';
import { configFormat, configItemId, longestConfig, type ConfigItemId } from '../../contract/api/config';
import { PilothouseError, type ProblemCode } from '../../contract/errors';
import type { Reader, Release } from '../../app/config';
import { addressOf, onGone, parameter, type Ask, type Env } from './request';
import type { Waits } from './waits';
import type { HttpWorld } from '../../app/http';

const written = z.strictObject({
  text: z.string().max(longestConfig),
  format: configFormat.optional(),
  /** The release that must be active now; 0: none. */
  expected: z.number().int().nonnegative().optional(),
});
const mostWatched = 200;
const ping = 20_000;
const statuses: Partial<Record<ProblemCode, 400 | 404 | 409 | 413 | 429>> = {
  'bad-input': 400,
  'not-found': 404,
  conflict: 409,
  'too-large': 413,
  'too-many': 429,
};

export function rest(world: HttpWorld, waits: Waits): Hono<Env> {
  const { config } = world;
  const app = new Hono<Env>();

  const readerOf = (ask: Ask): Reader => {
    const ip = addressOf(ask);
    const replica = config.replicaAt(ip);
    const label = parameter(ask, 'label');
    return { ip, ...(replica === undefined ? {} : { replica }), ...(label ? { label } : {}) };
  };
  const refuse = (ask: Ask, status: 400 | 403 | 404 | 409 | 413 | 415 | 429, message: string, more = {}): Response =>
    ask.json({ problem: { message, ...more } }, status);
  const shown = (item: ConfigItemId, release: Release): Record<string, unknown> => ({
    ...item,
    release: release.release,
    id: release.id,
    format: release.format,
    at: release.at,
    text: release.text,
  });
  const asked = (ask: Ask): ConfigItemId | undefined =>
    configItemId.safeParse({
      namespace: ask.req.param('namespace'),
      group: ask.req.param('group'),
      name: ask.req.param('name'),
    }).data;

  app.get('/watch', (ask) => {
    const names = (parameter(ask, 'items') ?? '').split(',').filter((one) => one !== '');
    const items = names.slice(0, mostWatched + 1).flatMap((one) => {
      const [namespace, group, name, ...more] = one.split('/');
      const item = more.length === 0 ? configItemId.safeParse({ namespace, group, name }).data : undefined;
      return item ? [item] : [];
    });
    if (items.length === 0 || items.length !== names.length)
      return refuse(ask, 400, `items wants 1 to ${mostWatched} names, namespace/group/name, with commas between them.`);
    if (items.some((item) => !ask.get('pass').may(item.namespace, 'read')))
      return refuse(ask, 403, 'The token does not open this.');
    const reader = readerOf(ask);
    const keys = items.map((item) => `${item.namespace}/${item.group}/${item.name}`);
    // Releases that the client has, after an interruption.
    const last = new Map<string, number>();
    return streamSSE(ask, async (stream) => {
      let wake = (): void => {};
      const gone = new AbortController();
      const following = waits.follow(keys, () => wake());
      const listening = config.listen(
        keys.filter((_, index) => items[index] && config.find(items[index])),
        reader,
        'http',
      );
      onGone(ask)(() => {
        gone.abort();
        wake();
      });
      try {
        while (!gone.signal.aborted) {
          const rest = new Promise<void>((resolve) => {
            wake = resolve;
          });
          for (const [index, item] of items.entries()) {
            const row = config.find(item);
            const release = row && config.release(row, reader);
            const key = keys[index] ?? '';
            const id = release?.id ?? 0;
            if (last.get(key) === id) continue;
            last.set(key, id);
            if (row && release) config.acknowledge(row.key, reader, 'http', release.release);
            const event = release ? 'release' : 'gone';
            await stream.writeSSE({
              event,
              id: String(id),
              data: JSON.stringify(release ? shown(item, release) : item),
            });
          }
          const timer = world.clock.timer(ping, () => wake());
          await rest;
          timer.dispose();
          if (!gone.signal.aborted) await stream.write(': \n\n');
        }
      } finally {
        following.dispose();
        listening.dispose();
      }
    });
  });

  app.get('/:namespace', (ask) => {
    const namespace = ask.req.param('namespace');
    if (!ask.get('pass').may(namespace, 'read')) return refuse(ask, 403, 'The token does not open this.');
    const items = config.items(namespace).map((row) => {
      const { group, name, format, release } = row;
      return { namespace, group, name, format, release };
    });
    return ask.json({ items });
  });

  app.get('/:namespace/:group/:name', (ask) => {
    const item = asked(ask);
    if (!item) return refuse(ask, 400, 'These are no names.');
    if (!ask.get('pass').may(item.namespace, 'read')) return refuse(ask, 403, 'The token does not open this.');
    const reader = readerOf(ask);
    const row = config.find(item);
    const release = row && config.release(row, reader);
    if (!row || !release) return refuse(ask, 404, 'Nothing is released under this name.');
    config.acknowledge(row.key, reader, 'http', release.release);
    const etag = `"${release.id}"`;
    const headers = { etag, 'cache-control': 'no-store' };
    if (ask.req.header('if-none-match') === etag) return ask.body(null, 304, headers);
    return ask.json(shown(item, release), 200, headers);
  });

  app.put('/:namespace/:group/:name', (ask) => {
    const item = asked(ask);
    if (!item) return refuse(ask, 400, 'These are no names.');
    const pass = ask.get('pass');
    if (!pass.may(item.namespace, 'write')) return refuse(ask, 403, 'The token may not write here.');
    if (ask.req.header('content-type')?.split(';')[0] !== 'application/json')
      return refuse(ask, 415, 'Send application/json.');
    const body = written.safeParse(jsonOf(ask.get('body')));
    if (!body.success) return refuse(ask, 400, body.error.issues[0]?.message ?? 'The body is wrong.');
    const { text, expected } = body.data;
    const format = body.data.format ?? config.find(item)?.format ?? 'text';
    try {
      const release = config.put(item, { text, format, ...(expected === undefined ? {} : { expected }) }, pass.name);
      return ask.json(shown(item, release), 200, { etag: `"${release.id}"` });
    } catch (thrown) {
      if (!(thrown instanceof PilothouseError)) throw thrown;
      const { code, message, where } = thrown.problem;
      return refuse(ask, statuses[code] === undefined ? 409 : statuses[code], message, {
        code,
        ...(where ? { where } : {}),
      });
    }
  });

  app.delete('/:namespace/:group/:name', (ask) => {
    const item = asked(ask);
    if (!item) return refuse(ask, 400, 'These are no names.');
    const pass = ask.get('pass');
    if (!pass.may(item.namespace, 'write')) return refuse(ask, 403, 'The token may not write here.');
    return config.remove(item, pass.name) ? ask.json({ removed: true }) : refuse(ask, 404, 'There is no such item.');
  });
  return app;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
