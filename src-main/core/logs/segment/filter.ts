/**
 * A Bloom filter per block over its words: "certainly not here" for a few probes, so that a rare word reads the few blocks it is in.
 * Fourteen bits and seven probes a word: about one wrong "maybe" in 700 (Bloom 1970; Kirsch and Mitzenmacher 2006 for two hashes).
 */
import { hashAsciiWords, hashWords } from './tokens';

const bitsPerWord = 14;
const probes = 7;

/** Distinct word hashes of one block; reused from block to block. */
export class WordSet {
  private slots = new Uint32Array(1 << 14);
  private count = 0;
  private hasZero = false;

  /** Adds every word of a folded text. */
  addText(folded: string): void {
    hashWords(folded, (hash) => this.add(hash));
  }

  /** The same for ASCII text as bytes, not folded yet: half as long again as fast. */
  addAscii(bytes: Uint8Array): void {
    hashAsciiWords(bytes, (hash) => this.add(hash));
  }

  add(hash: number): void {
    if (hash === 0) {
      this.hasZero = true;
      return;
    }
    const mask = this.slots.length - 1;
    let slot = mix(hash) & mask;
    for (;;) {
      const own = this.slots[slot];
      if (own === hash) return;
      if (own === 0) break;
      slot = (slot + 1) & mask;
    }
    this.slots[slot] = hash;
    this.count += 1;
    if (this.count * 2 > this.slots.length) this.grow();
  }

  /** The filter of everything added; empties the set. */
  finish(): Uint8Array {
    const size = this.count + (this.hasZero ? 1 : 0);
    const filter = new Uint8Array(Math.max(8, Math.ceil((size * bitsPerWord) / 8)));
    for (const hash of this.slots) if (hash !== 0) setBits(filter, hash);
    if (this.hasZero) setBits(filter, 0);
    if (this.slots.length > 1 << 16) this.slots = new Uint32Array(1 << 14);
    else this.slots.fill(0);
    this.count = 0;
    this.hasZero = false;
    return filter;
  }

  private grow(): void {
    const old = this.slots;
    this.slots = new Uint32Array(old.length * 2);
    this.count = 0;
    for (const hash of old) if (hash !== 0) this.add(hash);
  }
}

/** Whether the block may contain the word. False is certain. */
export function mayContain(filter: Uint8Array, hash: number): boolean {
  const bits = filter.length * 8;
  let probe = mix(hash);
  const step = second(hash);
  for (let count = 0; count < probes; count++) {
    const bit = probe % bits;
    if (!((filter[bit >>> 3] as number) & (1 << (bit & 7)))) return false;
    probe = (probe + step) >>> 0;
  }
  return true;
}

function setBits(filter: Uint8Array, hash: number): void {
  const bits = filter.length * 8;
  let probe = mix(hash);
  const step = second(hash);
  for (let count = 0; count < probes; count++) {
    const bit = probe % bits;
    filter[bit >>> 3] = (filter[bit >>> 3] as number) | (1 << (bit & 7));
    probe = (probe + step) >>> 0;
  }
}

/** murmur3's finalizer. */
function mix(hash: number): number {
  let value = hash;
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

function second(hash: number): number {
  return (mix(hash ^ 0x9e3779b9) | 1) >>> 0;
}
