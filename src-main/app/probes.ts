/** The network end of probes: connections and GET requests from this machine, with Node's own clients. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { Engine } from '../core/engine';
import type { Dial, Dialer, ProbeResult } from '../core/probes';

/** Dials for one engine. Containers of the memory engine have no real address: the engine itself is asked whether they serve. */
export function dialerFor(engine: Engine, machineOf?: (container: string) => string | undefined): Dialer {
  if (engine.endpoint === 'memory:') {
    return {
      near: () => Promise.resolve(true),
      dial: async ({ container, timeout }) => {
        try {
          const run = await engine.exec(container, ['probe'], { timeout });
          return { ok: run.exitCode === 0, output: run.output.trim() };
        } catch (thrown) {
          return failed(thrown);
        }
      },
    };
  }
  return {
    ...(machineOf ? { machineOf } : {}),
    // The bridge of a rootless engine lies in a network namespace of its own.
    near: async () => engine.capabilities.localCgroups && !(await engine.facts()).rootless,
    dial: (request) => (request.http ? get(request, request.http) : knock(request)).catch(failed),
  };
}

function failed(thrown: unknown): ProbeResult {
  return { ok: false, output: thrown instanceof Error ? thrown.message : String(thrown) };
}

function knock({ host, port, timeout }: Dial): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (ok: boolean, output: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ ok, output });
    };
    const timer = setTimeout(() => end(false, `no connection within ${timeout} ms`), timeout);
    socket.on('connect', () => end(true, 'connected'));
    socket.on('error', (error) => end(false, error.message));
  });
}

/** Any status from 200 to 399 is a success, as in Kubernetes; redirects are not followed, certificates not verified. */
function get({ host, port, timeout }: Dial, http: NonNullable<Dial['http']>): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const end = (ok: boolean, output: string): void => {
      clearTimeout(timer);
      request.destroy();
      resolve({ ok, output });
    };
    const timer = setTimeout(() => end(false, `no answer within ${timeout} ms`), timeout);
    const options = {
      host,
      port,
      path: http.path.startsWith('/') ? http.path : `/${http.path}`,
      headers: { 'user-agent': 'pilothouse-probe', ...http.headers },
      agent: false,
    };
    const request =
      http.scheme === 'https' ? httpsRequest({ ...options, rejectUnauthorized: false }) : httpRequest(options);
    request.on('response', (response) => {
      const status = response.statusCode ?? 0;
      end(status >= 200 && status < 400, `status ${status}`);
    });
    request.on('error', (error) => end(false, error.message));
    request.end();
  });
}
