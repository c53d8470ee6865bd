import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answer, bundleFile, bundlePath, contentPolicy } from '../../../src-main/shell/bundle';

describe('the path of an address', () => {
  it.each([
    ['app://pilothouse/', 'index.html'],
    ['app://pilothouse', 'index.html'],
    ['app://pilothouse/index.html', 'index.html'],
    ['app://pilothouse/index.html?x=1#/services', 'index.html'],
    ['app://pilothouse/assets/index-Bq3.js', 'assets/index-Bq3.js'],
    ['app://pilothouse/assets/a%20b.css', 'assets/a b.css'],
    ['app://pilothouse/assets/', 'assets'],
  ])('%s is %s', (address, path) => {
    expect(bundlePath(address)).toBe(path);
  });

  it.each([
    'app://pilothouse/..%2f..%2fetc/passwd',
    'app://pilothouse/..%2F..%2Fetc/passwd',
    'app://pilothouse/../../etc/passwd',
    'app://pilothouse/a/../../etc/passwd',
    'app://pilothouse/%2e%2e/%2e%2e/etc/passwd',
    'app://pilothouse/%2E%2E/etc/passwd',
    'app://pilothouse/.%2e/etc/passwd',
    'app://pilothouse/%5c..%5cetc',
    'app://pilothouse/a%5Cb',
    'app://pilothouse/..\\..\\etc\\passwd',
    'app://pilothouse/index.html%00.png',
    'app://pilothouse/%00',
    'app://pilothouse/%0a',
    'app://pilothouse/%252e%252e%252fetc/passwd/%2e',
    'app://pilothouse/.env',
    'app://pilothouse/.git/config',
    'app://pilothouse/assets/.hidden',
    'app://pilothouse/C:/Windows/win.ini',
    'app://pilothouse//etc//passwd',
    'app://pilothouse/%',
    'app://pilothouse/%zz',
    'app://evil/index.html',
    'app://pilothouse.evil/index.html',
    'app://pilothouse@evil/index.html',
    'app://user@pilothouse/index.html',
    'app://pilothouse:8080/index.html',
    'file:///etc/passwd',
    'http://pilothouse/index.html',
    'https://pilothouse/',
    'data:text/html,<p>',
    'pilothouse://services',
    'about:blank',
    '',
    'nonsense',
  ])('%s is refused', (address) => {
    expect(bundlePath(address)).toBeUndefined();
  });
});

describe('the file of an address', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'bundle-'));
    mkdirSync(join(folder, 'web', 'assets'), { recursive: true });
    mkdirSync(join(folder, 'web-evil'));
    writeFileSync(join(folder, 'web', 'index.html'), '<!doctype html>');
    writeFileSync(join(folder, 'web', 'assets', 'a.js'), 'export {};');
    writeFileSync(join(folder, 'web-evil', 'secret.txt'), 'secret');
    symlinkSync('/etc/passwd', join(folder, 'web', 'out.txt'));
    symlinkSync(join(folder, 'web-evil'), join(folder, 'web', 'beside'));
    symlinkSync('index.html', join(folder, 'web', 'inside.html'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is found inside the folder, also by a link that stays inside', async () => {
    expect(await bundleFile(join(folder, 'web'), 'app://pilothouse/assets/a.js')).toContain('a.js');
    expect(await bundleFile(join(folder, 'web'), 'app://pilothouse/inside.html')).toContain('index.html');
  });

  it.each(['out.txt', 'beside/secret.txt', 'missing.js'])('is not %s', async (path) => {
    expect(await bundleFile(join(folder, 'web'), `app://pilothouse/${path}`)).toBeUndefined();
  });

  it('is answered with its type and the policy', async () => {
    const response = await answer(join(folder, 'web'), { method: 'GET', url: 'app://pilothouse/assets/a.js' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/javascript');
    expect(response.headers.get('content-security-policy')).toBe(contentPolicy);
    expect(await response.text()).toBe('export {};');
  });

  it.each(['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'])('is not answered to %s', async (method) => {
    expect((await answer(join(folder, 'web'), { method, url: 'app://pilothouse/' })).status).toBe(405);
  });

  it('is 404 for a folder and for what is outside', async () => {
    for (const url of ['app://pilothouse/assets', 'app://pilothouse/out.txt', 'app://evil/'])
      expect((await answer(join(folder, 'web'), { method: 'GET', url })).status).toBe(404);
  });
});

it('allows neither inline script nor anything from elsewhere', () => {
  const scripts = contentPolicy.split('; ').find((part) => part.startsWith('script-src'));
  expect(scripts).toBe("script-src 'self'");
  expect(contentPolicy).toContain("default-src 'none'");
  expect(contentPolicy).not.toMatch(/unsafe-eval|https?:|\*/);
});
