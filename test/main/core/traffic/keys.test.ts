/** How keys reach HAProxy when the vault is locked, and what becomes of those that nobody wants any more. */
import { describe, expect, it } from 'vitest';
import { Keys } from '../../../../src-main/core/traffic/keys';
import type { Runtime } from '../../../../src-main/core/traffic/runtime';
import { FakeClock } from '../../../support/clock';

const folder = '/run/pilothouse/certificates';
const [old, fresh] = ['A'.repeat(40), 'B'.repeat(40)];

/** The line to a HAProxy that has these files, by fingerprint. It takes what it is given and tells it by the first letter. */
function line(has: Record<string, string>): { runtime: Runtime; said: string[] } {
  const loaded = new Map(Object.entries(has).map(([name, sha1]) => [`${folder}/${name}.pem`, sha1]));
  const said: string[] = [];
  const command = (text: string, payload = ''): Promise<string> => {
    const [, , , path = ''] = text.split(' ');
    if (text === 'show ssl cert') return Promise.resolve(`# filename\n${[...loaded.keys()].join('\n')}\n`);
    if (text.startsWith('show ssl cert ')) {
      const sha1 = loaded.get(path);
      return Promise.resolve(sha1 === undefined ? "Can't display" : `Serial: 1\nSHA1 FingerPrint: ${sha1}\n`);
    }
    said.push(text.trim());
    if (text.startsWith('set ssl cert')) loaded.set(path, (payload.trim()[0] ?? '?').repeat(40));
    if (text.startsWith('set ssl cert')) return Promise.resolve('Transaction created for certificate');
    return Promise.resolve(text.startsWith('commit') ? 'Committing.\nSuccess!' : 'done');
  };
  return { runtime: { command } as unknown as Runtime, said };
}
const wanted = (name: string, sha1: string, version = 1): { name: string; sha1: string; version: number } => ({
  ...{ name, sha1, version },
});
const never = (): Promise<void> => Promise.reject(new Error('no reload was expected'));

describe('keys', () => {
  it('are not asked for while HAProxy has what is wanted, so that a locked vault stops nothing', async () => {
    let asked = 0;
    const open = (): string => {
      asked += 1;
      throw new Error('The vault is locked.');
    };
    const keys = new Keys({ open, placeholder: () => Promise.resolve('P') }, new FakeClock());
    const { runtime, said } = line({ a: old });
    await keys.learn(runtime);
    expect(await keys.follow(runtime, [wanted('a', old)], never)).toEqual([]);
    expect(asked).toBe(0);
    // A new one cannot be had: the old one stays, and the reason is told.
    expect(await keys.follow(runtime, [wanted('a', fresh, 2)], never)).toEqual([]);
    expect(keys.failed.get('a')).toBe('The vault is locked.');
    await keys.prepare(runtime, [wanted('a', fresh, 2), wanted('b', fresh)]);
    // Only what HAProxy does not have at all gets a worthless one.
    expect(said).toEqual([`@file ${folder}/b.pem`]);
  });

  it('are delivered once, anew for another version, and dropped when nobody wants them', async () => {
    const keys = new Keys({ open: () => 'B', placeholder: () => Promise.resolve('P') }, new FakeClock());
    const { runtime, said } = line({ a: old, gone: old });
    await keys.learn(runtime);
    const change = [`@file ${folder}/a.pem`, `set ssl cert ${folder}/a.pem <<`, `commit ssl cert ${folder}/a.pem`];
    expect(await keys.follow(runtime, [wanted('a', fresh, 2)], never)).toEqual(['a']);
    expect(await keys.follow(runtime, [wanted('a', fresh, 2)], never)).toEqual([]);
    expect(said.splice(0)).toEqual(change);
    // The same certificate with another chain is another version.
    expect(await keys.follow(runtime, [wanted('a', fresh, 3)], never)).toEqual(['a']);
    expect(said.splice(0)).toEqual(change);
    await keys.prepare(runtime, [wanted('a', fresh, 3)]);
    expect(said).toEqual([`@drop ${folder}/gone.pem`]);
  });
});
