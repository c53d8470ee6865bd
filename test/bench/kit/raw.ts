/** The Docker Engine API with nothing around it: what a program that knows exactly what to do needs at least. */
import { Agent, request } from 'node:http';

/** What every contestant runs: quiet, and gone at once when it is asked to stop. */
export const quietCommand = ['sh', '-c', "trap 'exit 0' TERM INT; sleep 1000000 & wait"];
export const quietImage = 'busybox:latest';

export interface RawContainer {
  Id: string;
  Names: string[];
  State: string;
  Created: number;
  Labels: Record<string, string>;
  HostConfig: { NetworkMode: string };
}

interface RawDetail {
  Id: string;
  State: { Pid: number; Running: boolean; StartedAt: string };
}

/** A client of one engine's socket. */
export class RawApi {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 64 });

  constructor(readonly socketPath: string) {}

  /** Creates a quiet container on the default bridge. */
  async create(
    name: string,
    labels: Record<string, string>,
    more: { env?: string[]; restart?: string } = {},
  ): Promise<string> {
    const body = {
      Image: quietImage,
      Cmd: quietCommand,
      Labels: labels,
      ...(more.env ? { Env: more.env } : {}),
      HostConfig: { NetworkMode: 'bridge', ...(more.restart ? { RestartPolicy: { Name: more.restart } } : {}) },
    };
    return (await this.ask<{ Id: string }>('POST', `/containers/create?name=${name}`, body)).Id;
  }

  async start(id: string): Promise<void> {
    await this.ask('POST', `/containers/${id}/start`);
  }

  /** Stops within ten seconds and removes, as every tool does by default. */
  async stopAndRemove(id: string): Promise<void> {
    await this.ask('POST', `/containers/${id}/stop?t=10`);
    await this.ask('DELETE', `/containers/${id}`);
  }

  async kill(id: string): Promise<void> {
    await this.ask('POST', `/containers/${id}/kill`);
  }

  async removeByForce(id: string): Promise<void> {
    await this.ask('DELETE', `/containers/${id}?force=1&v=1`);
  }

  /** Containers with a label (`key=value`), running ones unless `all`. */
  list(label: string, all = false): Promise<RawContainer[]> {
    const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
    return this.ask('GET', `/containers/json?all=${all ? 1 : 0}&filters=${filters}`);
  }

  /** Waits until so many containers with a label are left, running or not. */
  async settled(label: string, count: number): Promise<void> {
    const deadline = Date.now() + 180_000;
    while ((await this.list(label, true)).length !== count) {
      if (Date.now() > deadline) throw new Error(`more than ${count} containers are left after 180 s`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  inspect(id: string): Promise<RawDetail> {
    return this.ask('GET', `/containers/${id}/json`);
  }

  /** Unpacks a tar into a folder of a container. */
  async put(id: string, folder: string, tar: Buffer): Promise<void> {
    await this.ask('PUT', `/containers/${id}/archive?path=${encodeURIComponent(folder)}`, tar);
  }

  /** The tar of a file in a container, as text. */
  read(id: string, file: string): Promise<string> {
    return this.ask('GET', `/containers/${id}/archive?path=${encodeURIComponent(file)}`);
  }

  /** Takes everything with a label away. */
  async clear(label: string): Promise<void> {
    const left = await this.list(label, true);
    await atOnce(left, 8, (one) => this.removeByForce(one.Id).catch(() => undefined));
  }

  /** One call; an answer that is not a success is an error with the engine's words. */
  ask<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const isTar = Buffer.isBuffer(body);
      const text = body === undefined || isTar ? body : JSON.stringify(body);
      const headers: Record<string, string | number> = { Host: 'docker' };
      if (text !== undefined) {
        headers['Content-Type'] = isTar ? 'application/x-tar' : 'application/json';
        headers['Content-Length'] = Buffer.byteLength(text);
      }
      const options = { socketPath: this.socketPath, method, path: `/v1.41${path}`, headers, agent: this.agent };
      const outgoing = request(options, (response) => {
        response.setEncoding('utf8');
        let answer = '';
        response.on('data', (chunk: string) => (answer += chunk));
        response.on('error', reject);
        response.on('end', () => {
          const status = response.statusCode ?? 0;
          if (status >= 400) reject(new Error(`${method} ${path}: ${status} ${answer.trim().slice(0, 200)}`));
          else if (response.headers['content-type'] === 'application/x-tar') resolve(answer as Answer);
          else resolve((answer ? JSON.parse(answer) : undefined) as Answer);
        });
      });
      outgoing.on('error', reject);
      outgoing.end(text);
    });
  }

  dispose(): void {
    this.agent.destroy();
  }
}

/** Works through a list, `width` at a time. */
export async function atOnce<Item>(
  items: Iterable<Item>,
  width: number,
  work: (item: Item) => Promise<unknown>,
): Promise<void> {
  const left = [...items].values();
  const worker = async (): Promise<void> => {
    // The workers share the one iterator: whoever is free takes the next.
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
