/** Set-up of each file of docker tests: it finds the shared engine without containers, and what it leaves there is named and removed. */
import { afterAll } from 'vitest';
import { call } from '../machine/api.mjs';
import { testEngine } from './engine';

// Registered before the file's own hooks, so it runs after them.
afterAll(async () => {
  const { socket } = testEngine();
  const { text } = await call(socket, 'GET', '/containers/json?all=1');
  const left = JSON.parse(text) as { Id: string; Names: string[] }[];
  if (left.length === 0) return;
  process.stdout.write(`left behind on the engine: ${left.map(({ Names }) => Names.join()).join(' ')}\n`);
  for (const { Id } of left) await call(socket, 'DELETE', `/containers/${Id}?force=1&v=1`);
}, 60_000);
