import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSealer, sealWith, type Keychain } from '../../../src-main/seal';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'seal-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
const key = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const file = (): string => join(folder, 'vault.key');

describe('the cipher', () => {
  it('opens what it sealed, in its context only, and never seals alike twice', () => {
    const { seal, open } = sealWith(key(7));
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), fc.string(), (text, context) => {
        const sealed = seal(text, context);
        expect(open(sealed, context)).toBe(text);
        expect(seal(text, context)).not.toBe(sealed);
        expect(() => open(sealed, `${context}.`)).toThrow(/cannot be opened/);
        if (text.length > 8) expect(Buffer.from(sealed).includes(Buffer.from(text))).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  it('notices every changed byte and every other key', () => {
    const { seal, open } = sealWith(key(7));
    const sealed = seal('the canary', 'secret db 1');
    const [mark = '', ...parts] = sealed.split('.');
    for (const [which, part] of parts.entries()) {
      const bytes = Buffer.from(part, 'base64');
      for (let at = 0; at < bytes.length; at += 1) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ 1;
        const others = parts.map((other, index) => (index === which ? changed.toString('base64') : other));
        expect(() => open([mark, ...others].join('.'), 'secret db 1')).toThrow(/cannot be opened/);
      }
    }
    expect(() => sealWith(key(8)).open(sealed, 'secret db 1')).toThrow(/cannot be opened/);
    for (const broken of ['', 'ph1', 'ph1..', 'ph2.a.b', `${sealed}.x`, sealed.slice(0, -9)])
      expect(() => open(broken, 'secret db 1')).toThrow(/cannot be opened/);
  });
});

describe('the master key', () => {
  it('lies in a file of its owner when there is nothing better, made at the first use', () => {
    const sealer = openSealer({ file: file() });
    expect(sealer.kind).toBe('file');
    expect(statSync(file(), { throwIfNoEntry: false })).toBeUndefined();
    const sealed = sealer.seal('x', 'c');
    if (process.platform !== 'win32') expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(openSealer({ file: file() }).open(sealed, 'c')).toBe('x');
  });

  it('is refused when others can read it or it is damaged, and never made anew', () => {
    const sealed = openSealer({ file: file() }).seal('x', 'c');
    if (process.platform !== 'win32') {
      chmodSync(file(), 0o644);
      expect(() => openSealer({ file: file() }).open(sealed, 'c')).toThrow(/Others can read/);
      chmodSync(file(), 0o600);
    }
    writeFileSync(file(), '{');
    const sealer = openSealer({ file: file() });
    expect(() => sealer.seal('y', 'c')).toThrow(/damaged/);
    expect(sealer.kind).toBe('locked');
    expect(readFileSync(file(), 'utf8')).toBe('{');
  });

  it('under a passphrase opens with it alone', () => {
    const passphraseFile = join(folder, 'passphrase');
    writeFileSync(passphraseFile, 'correct horse\n');
    const sealed = openSealer({ file: file(), passphraseFile }).seal('x', 'c');
    expect(openSealer({ file: file(), passphraseFile }).open(sealed, 'c')).toBe('x');
    const without = openSealer({ file: file() });
    expect(without.kind).toBe('locked');
    expect(() => without.open(sealed, 'c')).toThrow(/passphrase/);
    writeFileSync(passphraseFile, 'wrong horse\n');
    expect(() => openSealer({ file: file(), passphraseFile }).open(sealed, 'c')).toThrow(/cannot be opened/);
  });

  it("is kept by the system's keychain, and locked without it", () => {
    // Stands for the system's: what it gives out can be undone by it alone.
    const { seal, open } = sealWith(key(3));
    const keychain: Keychain = {
      encrypt: (text) => Buffer.from(seal(text, 'keychain')),
      decrypt: (sealed) => open(Buffer.from(sealed).toString(), 'keychain'),
    };
    const sealed = openSealer({ file: file(), keychain }).seal('x', 'c');
    expect(openSealer({ file: file(), keychain }).open(sealed, 'c')).toBe('x');
    expect(openSealer({ file: file() }).kind).toBe('locked');
    expect(() => openSealer({ file: file() }).open(sealed, 'c')).toThrow(/keychain/);
  });
});
