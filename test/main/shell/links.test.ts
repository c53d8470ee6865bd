import { describe, expect, it } from 'vitest';
import { deepLinkRoute } from '../../../src-main/shell/deepLinks';
import { externalLink } from '../../../src-main/shell/links';

describe('links that may be opened after asking', () => {
  it.each([
    ['https://example.com/', 'https://example.com/', 'example.com'],
    ['http://example.com:8080/a?b=c#d', 'http://example.com:8080/a?b=c#d', 'example.com:8080'],
    ['HTTPS://EXAMPLE.com/A', 'https://example.com/A', 'example.com'],
    ['http://localhost:8080', 'http://localhost:8080/', 'localhost:8080'],
    ['http://[::1]:80/', 'http://[::1]/', '[::1]'],
    ['https://пример.рф/', 'https://xn--e1afmkfd.xn--p1ai/', 'xn--e1afmkfd.xn--p1ai'],
    ['https://аpple.com/', 'https://xn--pple-43d.com/', 'xn--pple-43d.com'],
    ['http://2130706433/', 'http://127.0.0.1/', '127.0.0.1'],
    ['http://0x7f.1/', 'http://127.0.0.1/', '127.0.0.1'],
    ['https://example.com/%2e%2e', 'https://example.com/', 'example.com'],
  ])('%s', (text, href, host) => {
    expect(externalLink(text)).toEqual({ href, host });
  });
});

describe('links that are refused without asking', () => {
  it.each([
    'file:///usr/bin/xcalc',
    'file://server/share',
    'smb://server/share',
    'ms-msdt:/id PCWDiagnostic',
    'ms-officecmd:x',
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'java\nscript:alert(1)',
    'data:text/html,<script>1</script>',
    'blob:https://example.com/1',
    'vbscript:x',
    'about:blank',
    'chrome://settings',
    'devtools://devtools',
    'app://pilothouse/',
    'pilothouse://services',
    'ftp://example.com',
    'ssh://host',
    'mailto:a@b',
    'tel:1',
    'steam://run/1',
    'search-ms:query=x',
    'https://a@b',
    'https://user:pass@example.com',
    'https://example.com@evil.com/',
    ' https://example.com',
    'https://example.com ',
    'https://exa mple.com',
    '\thttps://example.com',
    'https://example.com\n',
    'HTTPS:\\\\x',
    'https:\\\\example.com',
    'https:/example.com',
    'https:example.com',
    'https://',
    'https:///path',
    'http://example.com\\@evil.com',
    'https://example.com/\u202egpj.exe',
    'https://exam\u200bple.com',
    'https://example.com/\u0000',
    'https://example.com:99999/',
    'https://[::1/',
    '//example.com',
    '/etc/passwd',
    'example.com',
    '',
    `https://example.com/${'a'.repeat(2100)}`,
    undefined,
    null,
    42,
    { href: 'https://example.com' },
    ['https://example.com'],
  ])('%s', (text) => {
    expect(externalLink(text)).toBeUndefined();
  });
});

describe('deep links', () => {
  it.each([
    ['pilothouse://services', '/services'],
    ['pilothouse://services/shop/web', '/services/shop/web'],
    ['pilothouse://services/shop/web.2/', '/services/shop/web.2'],
    ['pilothouse://logs', '/logs'],
    ['pilothouse://logs?q=%22job+done%22&from=1&to=2', '/logs?q=%22job+done%22&from=1&to=2'],
    ['pilothouse://metrics?service=shop%2Fweb', '/metrics?service=shop%2Fweb'],
  ])('%s leads to %s', (text, route) => {
    expect(deepLinkRoute(text)).toBe(route);
  });

  it.each([
    'pilothouse://',
    'pilothouse:///services',
    'pilothouse://services/../../etc',
    'pilothouse://services/./x',
    'pilothouse://services?apply=1',
    'pilothouse://logs?',
    'pilothouse://logs?q=a b',
    'pilothouse://logs?q=<script>',
    'pilothouse://logs?q=1#/settings',
    'pilothouse://logs/x?q=1',
    `pilothouse://logs?q=${'a'.repeat(4000)}`,
    'pilothouse://services#x',
    'pilothouse://Services',
    'pilothouse://services/%2e%2e',
    'pilothouse://services/a b',
    'pilothouse://user@services',
    'https://services',
    `pilothouse://${'a'.repeat(600)}`,
    'pilothouse://services\n',
  ])('%s leads nowhere', (text) => {
    expect(deepLinkRoute(text)).toBeUndefined();
  });
});
