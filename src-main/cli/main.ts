#!/usr/bin/env node
/** The command line as a program of its own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProcess } from './process';

function version(): string {
  const found: unknown = JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8'));
  return typeof found === 'object' && found !== null && 'version' in found ? String(found.version) : '';
}

void runProcess(process.argv.slice(2), { version: version(), programs: __dirname }).then((code) => process.exit(code));
