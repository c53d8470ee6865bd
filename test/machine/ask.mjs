/** Asks a running app over its local socket, without any of its code: the protocol is one JSON object a line. */
import { createConnection } from 'node:net';

/**
 * @param {string} socket path
 * @param {string} name of the call
 * @param {unknown} input
 * @returns {Promise<any>} the call's answer
 * @throws Error with the problem's message
 */
export function ask(socket, name, input) {
  return new Promise((resolve, reject) => {
    const connection = createConnection(socket);
    let text = '';
    connection.setTimeout(30_000, () => connection.destroy(new Error(`${name} was not answered in time`)));
    connection.on('error', reject);
    connection.on('close', () => reject(new Error(`${name} was not answered`)));
    connection.on('data', (chunk) => {
      text += chunk.toString('utf8');
      const end = text.indexOf('\n');
      if (end < 0) return;
      const message = JSON.parse(text.slice(0, end));
      if (message.t === 'ok') resolve(message.value);
      else reject(new Error(message.problem?.message ?? `${name} failed`));
      connection.destroy();
    });
    connection.write(`${JSON.stringify({ t: 'call', id: 1, name, input })}\n`);
  });
}
