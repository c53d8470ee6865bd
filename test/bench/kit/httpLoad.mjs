/**
 * A load over kept connections, for machines without wrk: `node httpLoad.mjs URL CONNECTIONS SECONDS` prints `{rps, p99, failed}` as JSON.
 * One request at a time on each connection, the next as soon as the last is answered; milliseconds.
 */
import { Agent, get } from 'node:http';

const [url = '', connections = '64', seconds = '3'] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) });
const end = performance.now() + Number(seconds) * 1000;
/** @type {number[]} */
const times = [];
let failed = 0;

/** @returns {Promise<void>} */
function one() {
  return new Promise((resolve) => {
    const began = performance.now();
    get(url, { agent }, (answer) => {
      answer.resume();
      answer.on('end', () => {
        if (answer.statusCode === 200) times.push(performance.now() - began);
        else failed += 1;
        resolve();
      });
    }).on('error', () => {
      failed += 1;
      resolve();
    });
  });
}

const clients = Array.from({ length: Number(connections) }, async () => {
  while (performance.now() < end) await one();
});
await Promise.all(clients);
times.sort((left, right) => left - right);
const p99 = times[Math.floor(times.length * 0.99)] ?? Number.NaN;
process.stdout.write(JSON.stringify({ rps: times.length / Number(seconds), p99, failed }));
process.exit(0);
