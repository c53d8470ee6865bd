/**
 * The child of crash.slow.test.ts: commits numbered triples of rows for ever and says each number on stdout once it is durable. Its
 * arguments: the database, the first number, and how many to write. Ends with 0 when done, 3 when the disk said no.
 */
import { writeSync } from 'node:fs';
import { PilothouseError } from '../../../src-main/contract/errors';
import { openRows } from '../../../src-main/storage';

const [file = '', first = '0', count = '1000000'] = process.argv.slice(2);

try {
  const rows = openRows(file);
  writeSync(1, 'open\n');
  for (let number = Number(first); number < Number(first) + Number(count); number++) {
    const value = { number, text: 'x'.repeat((number * 37) % 3000) };
    rows.commit([
      { table: 'a', key: `${number}`, value },
      { table: 'b', key: `${number}`, value },
      { table: 'last', key: 'number', value: number },
      ...(number % 7 === 0 ? [{ table: 'b', key: `${number - 7}` }] : []),
    ]);
    writeSync(1, `${number}\n`);
  }
  rows.close();
} catch (thrown) {
  writeSync(2, `${thrown instanceof PilothouseError ? thrown.problem.code : String(thrown)}\n`);
  process.exitCode = 3;
}
