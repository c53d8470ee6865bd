/** One POST to an address that was chosen before, with nothing followed and little read. */
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Address } from './addresses';

/** Bytes of an answer that are read at most; a service's answer has a hundred. */
const mostAnswer = 64 * 1024;
/** What belongs to the connection is ours to say. */
const reserved = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'upgrade', 'te', 'trailer']);

export interface Post {
  url: URL;
  addresses: readonly Address[];
  headers: Readonly<Record<string, string>>;
  body: string;
  /** Whether the answer's text matters. */
  wantsAnswer: boolean;
  signal: AbortSignal;
}

export interface Answer {
  status: number;
  /** Empty unless it was wanted. */
  text: string;
}

/** Resolves with the status of whatever came; redirects are not followed. Rejects when nothing came. */
export function post({ url, addresses, headers, body, wantsAnswer, signal }: Post): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const given = Object.entries(headers).filter(([name]) => !reserved.has(name.toLowerCase()));
    const content = Buffer.from(body, 'utf8');
    const request = (url.protocol === 'https:' ? secureRequest : plainRequest)(
      url,
      {
        method: 'POST',
        agent: false,
        signal,
        lookup: pinned(addresses),
        maxHeaderSize: 16 * 1024,
        headers: { ...Object.fromEntries(given), 'content-length': content.length },
      },
      (response) => {
        const status = response.statusCode ?? 0;
        if (!wantsAnswer) {
          resolve({ status, text: '' });
          response.destroy();
          return;
        }
        const parts: Buffer[] = [];
        let size = 0;
        const done = (): void => resolve({ status, text: Buffer.concat(parts).toString('utf8') });
        response.on('data', (part: Buffer) => {
          size += part.length;
          if (size > mostAnswer) {
            done();
            response.destroy();
          } else parts.push(part);
        });
        response.on('end', done);
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(content);
  });
}

/** Whatever the resolver would say by now: these addresses were looked at. */
function pinned(addresses: readonly Address[]): LookupFunction {
  return (_host, options, tell) => {
    const [first] = addresses;
    if (options.all) tell(null, [...addresses]);
    else if (first) tell(null, first.address, first.family);
    else tell(new Error('no address'), '', 4);
  };
}
