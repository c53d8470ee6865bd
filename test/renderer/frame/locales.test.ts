import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { messages as english } from '../../../src-renderer/locales/en/index';
import { messages as chinese } from '../../../src-renderer/locales/zh-CN/index';

function flat(messages: object, path = ''): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(messages)) {
    const at = path ? `${path}.${key}` : key;
    if (typeof value === 'string') found.set(at, value);
    else if (typeof value === 'object' && value !== null)
      for (const [inner, text] of flat(value as object, at)) found.set(inner, text);
  }
  return found;
}
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}
const en = flat(english);
const zh = flat(chinese);

describe('both languages', () => {
  it('have the same keys', () => {
    expect(en.size).toBeGreaterThan(80);
    expect([...en.keys()].filter((key) => !zh.has(key))).toEqual([]);
    expect([...zh.keys()].filter((key) => !en.has(key))).toEqual([]);
  });
  it('fill the same gaps', () => {
    const gaps = (text: string | undefined): string[] =>
      [...new Set([...(text ?? '').matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? ''))].sort();
    expect([...en].filter(([key, text]) => gaps(text).join() !== gaps(zh.get(key)).join()).map(([key]) => key)).toEqual(
      [],
    );
  });
  it('leave no sentence empty', () => {
    expect([...en, ...zh].filter(([, text]) => text.trim() === '').map(([key]) => key)).toEqual([]);
  });
  it('put a space between Han and Latin, and use full-width marks in Chinese', () => {
    const glued = [...zh].filter(([, text]) =>
      /[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u4e00-\u9fff]/.test(text.replace(/\{\w+\}/g, '')),
    );
    expect(glued.map(([key, text]) => `${key}: ${text}`)).toEqual([]);
    const half = [...zh].filter(([, text]) => /[\u4e00-\u9fff]([,;?!]|:(\s|$))/.test(text));
    expect(half.map(([key, text]) => `${key}: ${text}`)).toEqual([]);
  });
});

it('has words for every key the window asks for', () => {
  const asked = filesBelow('src-renderer')
    .filter((file) => /\.(vue|ts)$/.test(file) && !file.includes('locales'))
    .flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/\bt\(\s*'([\w.-]+)'/g)].map((found) => ({ file, key: found[1] ?? '' })),
    );
  expect(asked.length).toBeGreaterThan(60);
  expect(asked.filter(({ key }) => !en.has(key)).map(({ file, key }) => `${file}: ${key}`)).toEqual([]);
});
