/** A human sentence as data: the core says what, the window and the command line say it in the reader's language. */

import { words } from './words';

/** A sentence's code (a key of `words`) and the values that go into its gaps. Values are untrusted text. */
export interface Sentence {
  code: WordCode;
  args?: Record<string, string | number>;
}

/** Every code that has words. */
export type WordCode = keyof typeof words;

/** Makes a sentence. */
export function sentence(code: WordCode, args?: Record<string, string | number>): Sentence {
  return args ? { code, args } : { code };
}

/** Fills `{name}` gaps of a template; a gap without a value stays visible so that the mistake is seen. */
export function fill(template: string, args: Record<string, string | number> = {}): string {
  return template.replace(/\{(\w+)\}/g, (gap, name: string) => (Object.hasOwn(args, name) ? String(args[name]) : gap));
}

/** The sentence in English. */
export function say(value: Sentence): string {
  return fill(words[value.code] ?? value.code, value.args);
}
