/** Reading an answer that is not a stream: whole, bounded and understood, or not at all. */
import type { IncomingMessage } from 'node:http';
import { EngineError } from '../../core/engine';

/** Longest answer that is read: a list of some 20,000 containers. */
const LONGEST_ANSWER = 64 * 1024 * 1024;

/** Reads a body to its end; a cut one is an error, never a shorter answer. */
export function readAll(response: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size <= LONGEST_ANSWER) return;
      reject(new EngineError('refused', `The answer is longer than ${LONGEST_ANSWER} bytes`));
      response.destroy();
    });
    response.on('end', () => resolve(Buffer.concat(chunks, size)));
    response.on('error', reject);
    response.on('close', () => reject(new EngineError('away', 'The answer was cut')));
  });
}

/** The body as JSON. */
export function parseAnswer(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new EngineError('refused', "The engine's answer is not valid JSON", { cause: error });
  }
}
