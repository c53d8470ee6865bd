import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLog, redact } from '../../../src-main/serve/log';

describe('what looks secret', () => {
  it.each([
    ['Authorization: Bearer abcdef123456', 'abcdef123456'],
    ['password=hunter2 next', 'hunter2'],
    ['{"token":"abc123"}', 'abc123'],
    ["api_key: 's3cr3t'", 's3cr3t'],
    ['https://user:pa55@example.com/x', 'pa55'],
    ['-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----', 'MIIE'],
    ['-----BEGIN PRIVATE KEY-----\nMIIE', 'MIIE'],
  ])('%s is taken out', (text, secret) => {
    expect(redact(text)).not.toContain(secret);
  });

  it('leaves the rest', () => {
    expect(redact('Engine connected at unix:///var/run/docker.sock')).toBe(
      'Engine connected at unix:///var/run/docker.sock',
    );
  });
});

describe('the log file', () => {
  let home = '';
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'log-'));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it('is one JSON object a line, private, without secrets', () => {
    const { log, path } = openLog(home);
    log('info', 'Hello', {
      endpoint: 'unix:///x',
      password: 'hunter2',
      nested: { apiKey: 'k' },
      thrown: new Error('token=abc'),
    });
    const text = readFileSync(path, 'utf8');
    const note = JSON.parse(text) as { severity: string; text: string; facts: Record<string, unknown> };
    expect(note).toMatchObject({ severity: 'info', text: 'Hello', facts: { endpoint: 'unix:///x', password: '••••' } });
    expect(text).not.toMatch(/hunter2|abc|"k"/);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('rotates and keeps four files', () => {
    const { log } = openLog(home);
    for (let index = 0; index < 3000; index++) log('info', 'x'.repeat(3900));
    const files = readdirSync(join(home, 'logs')).sort();
    expect(files).toEqual(['pilothouse.log', 'pilothouse.log.1', 'pilothouse.log.2', 'pilothouse.log.3']);
    for (const file of files) expect(statSync(join(home, 'logs', file)).size).toBeLessThan(2.1 * 1024 * 1024);
  });

  it('never throws when it cannot write', () => {
    writeFileSync(join(home, 'file'), '');
    const { log } = openLog(join(home, 'file'));
    expect(() => log('error', 'x')).not.toThrow();
  });
});
