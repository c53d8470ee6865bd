import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import dark from '../../../src-renderer/charts/echarts-dark.json';
import light from '../../../src-renderer/charts/echarts-light.json';

/** Contrast as WCAG 2.1 defines it, over every pair of tokens that meet on screen. */
const css = readFileSync('src-renderer/styles/tokens.css', 'utf8');
const starts = { dark: ":root,\n[data-theme='dark'] {", light: "\n[data-theme='light'] {" };
type Theme = keyof typeof starts;

function block(theme: Theme): string {
  const start = css.indexOf(starts[theme]);
  return css.slice(start, css.indexOf('\n}', start));
}
function tokensOf(theme: Theme): Map<string, string> {
  return new Map(
    [...block(theme).matchAll(/--ph-([\w-]+):\s*(#[0-9a-f]{6})\b(?![0-9a-f])/g)].map((found) => [
      found[1] ?? '',
      found[2] ?? '',
    ]),
  );
}
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return red * 0.2126 + green * 0.7152 + blue * 0.0722;
}
function contrast(a: string, b: string): number {
  const [bright = 0, dim = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (bright + 0.05) / (dim + 0.05);
}

const surfaces = ['s0', 's1', 's2', 's3'];
const states = ['ok', 'progress', 'warning', 'critical', 'off'];
const pairs: [token: string, on: string[], floor: number][] = [
  ...['t1', 't2', 't3'].map((token): [string, string[], number] => [token, [...surfaces, 'select', 'hover'], 4.5]),
  ['accent', surfaces, 4.5],
  ['on-accent', ['accent', 'accent-hover'], 4.5],
  ['accent-on-soft', ['accent-soft', 'select'], 4.5],
  ['on-critical', ['critical'], 4.5],
  ...states.map((state): [string, string[], number] => [`${state}-on`, [`${state}-soft`, ...surfaces], 4.5]),
  ...states.map((state): [string, string[], number] => [state, [...surfaces, `${state}-soft`], 3]),
  ...['trace', 'debug', 'info', 'warn', 'error', 'fatal'].map((level): [string, string[], number] => [
    `log-${level}`,
    ['s0', 's1', 's2'],
    4.5,
  ]),
  ['ansi-black', ['s1'], 3],
  ...['red', 'green', 'yellow', 'blue', 'magenta', 'cyan'].map((name): [string, string[], number] => [
    `ansi-${name}`,
    ['s1'],
    4.5,
  ]),
  ...['key', 'str', 'num', 'com', 'punct'].map((name): [string, string[], number] => [
    `syn-${name}`,
    ['s1', 's2', 'diff-add', 'diff-del'],
    4.5,
  ]),
  ['line-3', ['s1', 's2'], 3],
  ...Array.from({ length: 10 }, (_, index): [string, string[], number] => [`cat-${index + 1}`, ['s1'], 3]),
];

describe.each(['dark', 'light'] as const)('the %s theme', (theme) => {
  const tokens = tokensOf(theme);
  it.each(pairs)('%s is readable on %j (at least %f)', (token, on, floor) => {
    const colour = tokens.get(token);
    expect(colour, `--ph-${token} is missing`).toBeDefined();
    for (const surface of on) {
      const ground = tokens.get(surface);
      expect(ground, `--ph-${surface} is missing`).toBeDefined();
      expect(contrast(colour ?? '', ground ?? ''), `${token} on ${surface}`).toBeGreaterThanOrEqual(floor);
    }
  });

  it('gives charts the same colours as everything else', () => {
    const own = new Set([...block(theme).matchAll(/#[0-9a-f]{6}\b/g)].map(([colour]) => colour));
    const used = JSON.stringify(theme === 'dark' ? dark : light).match(/#[0-9a-f]{6}/g) ?? [];
    expect(used.length).toBeGreaterThan(20);
    expect(used.filter((colour) => !own.has(colour))).toEqual([]);
    expect((theme === 'dark' ? dark : light).color).toEqual(
      Array.from({ length: 10 }, (_, index) => tokens.get(`cat-${index + 1}`)),
    );
  });
});

it('names both themes the same tokens', () => {
  expect([...tokensOf('light').keys()].sort()).toEqual([...tokensOf('dark').keys()].sort());
});

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}

it('keeps colours in tokens.css: no other style or component names one', () => {
  const offenders = filesBelow(resolve('src-renderer'))
    .filter((file) => /\.(vue|css)$/.test(file) && !file.endsWith('tokens.css'))
    .flatMap((file) => {
      const text = readFileSync(file, 'utf8');
      const styles = file.endsWith('.css')
        ? text
        : [...text.matchAll(/<style[^>]*>([\s\S]*?)<\/style>/g)].map((found) => found[1]).join('\n');
      return [...styles.matchAll(/#[0-9a-f]{3,8}\b(?!\s*\{)|\brgba?\(|\bhsla?\(/gi)].map(
        (found) => `${file}: ${found[0]}`,
      );
    });
  expect(offenders).toEqual([]);
});

it('never turns text into markup', () => {
  const offenders = filesBelow(resolve('src-renderer')).filter(
    (file) =>
      /\.(vue|ts)$/.test(file) &&
      /v-html|\binnerHTML\b|insertAdjacentHTML|\beval\(|new Function\(/.test(readFileSync(file, 'utf8')),
  );
  expect(offenders).toEqual([]);
});
