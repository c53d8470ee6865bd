import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogEntry } from '../../../../src-main/core/engine';
import { EntryReader, StampReader } from '../../../../src-main/engine/docker/logs';
import { frame, inChunks } from './frames';

const STAMP = '2026-11-23T12:48:29.493653418Z';
const NANOS = '1795438109493653418';
const piece = 'x'.repeat(16 * 1024);

function read(bytes: Buffer, { terminal = false, cuts = [] as readonly number[] } = {}): LogEntry[] {
  const reader = new EntryReader(terminal);
  const entries = inChunks(bytes, cuts).flatMap((chunk) => {
    reader.push(chunk);
    return reader.take();
  });
  reader.flush();
  return [...entries, ...reader.take()];
}

describe('stamps', () => {
  it.each([
    [STAMP, NANOS],
    ['2026-11-23T12:48:29Z', '1795438109000000000'],
    ['2026-11-23T12:48:29.5Z', '1795438109500000000'],
    // Podman writes local time.
    ['2026-11-23T14:48:29.493653418+02:00', NANOS],
    ['2026-11-23T07:18:29.493653418-05:30', NANOS],
    ['1970-01-01T00:00:00.000000001Z', '0000000001'],
  ])('%s', (stamp, nanos) => {
    expect(new StampReader().read(stamp)).toBe(nanos);
  });

  it('that cannot be read are the last one again', () => {
    const stamps = new StampReader();
    expect(stamps.read('nonsense')).toBe('0'.repeat(19));
    stamps.read(STAMP);
    expect(stamps.read('nonsense')).toBe(NANOS);
    expect(stamps.read('')).toBe(NANOS);
  });

  it('are right for any time, in any order', () => {
    const milliseconds = fc.integer({ min: Date.UTC(2002, 0), max: Date.UTC(2286, 0) });
    const stamps = new StampReader();
    fc.assert(
      fc.property(milliseconds, fc.integer({ min: 0, max: 999_999 }), (time, below) => {
        const stamp = new Date(time).toISOString().replace('Z', `${String(below).padStart(6, '0')}Z`);
        expect(stamps.read(stamp)).toBe(String(BigInt(time) * 1_000_000n + BigInt(below)));
      }),
    );
  });
});

describe('entries of framed output', () => {
  it('go on without a line end, however short, where lines are cut anywhere', () => {
    const bytes = Buffer.concat([frame(1, `${STAMP} 10`), frame(1, `${STAMP} 41\n`)]);
    const texts = (reader: EntryReader): unknown => {
      reader.push(bytes);
      return reader.take().map(({ text, partial }) => [text, partial]);
    };
    expect(texts(new EntryReader(false, 1))).toEqual([
      ['10', true],
      ['41', false],
    ]);
    expect(texts(new EntryReader(false))).toEqual([
      ['10', false],
      ['41', false],
    ]);
  });

  it('carry stream, stamp and text', () => {
    const bytes = Buffer.concat([
      frame(1, `${STAMP} out\n`),
      frame(2, `${STAMP} err with spaces \n`),
      frame(1, `${STAMP} \n`),
    ]);
    expect(read(bytes)).toEqual([
      { stream: 'stdout', stamp: NANOS, text: 'out', partial: false },
      { stream: 'stderr', stamp: NANOS, text: 'err with spaces ', partial: false },
      { stream: 'stdout', stamp: NANOS, text: '', partial: false },
    ]);
  });

  it('are the same however the bytes are cut', () => {
    const bytes = Buffer.concat([
      frame(1, `${STAMP} größe\n`),
      frame(2, `${STAMP} ${piece}`),
      frame(2, `${STAMP} end\n`),
    ]);
    const whole = read(bytes);
    fc.assert(
      fc.property(fc.array(fc.nat(9_000)), (cuts) => {
        expect(read(bytes, { cuts })).toEqual(whole);
      }),
    );
  });

  it('of a line over 16 KiB go on in the next one', () => {
    const bytes = Buffer.concat([
      frame(1, `${STAMP} ${piece}`),
      frame(1, `${STAMP} ${piece}`),
      frame(1, `${STAMP} end\n`),
    ]);
    expect(read(bytes).map(({ text, partial }) => [text.length, partial])).toEqual([
      [16_384, true],
      [16_384, true],
      [3, false],
    ]);
  });

  it('that end without a line end are whole: the process wrote no more', () => {
    expect(read(frame(1, `${STAMP} prompt> `))).toEqual([
      { stream: 'stdout', stamp: NANOS, text: 'prompt> ', partial: false },
    ]);
  });

  it('keep characters that the cut at 16 KiB tore apart', () => {
    const line = `${'x'.repeat(16_382)}€ and 😀`;
    const bytes = Buffer.from(line);
    const first = Buffer.concat([Buffer.from(`${STAMP} `), bytes.subarray(0, 16_384)]);
    const second = Buffer.concat([Buffer.from(`${STAMP} `), bytes.subarray(16_384), Buffer.from('\n')]);
    const entries = read(Buffer.concat([frame(1, first), frame(2, `${STAMP} other\n`), frame(1, second)]));
    expect(entries.map(({ stream, partial }) => [stream, partial])).toEqual([
      ['stdout', true],
      ['stderr', false],
      ['stdout', false],
    ]);
    expect((entries[0]?.text ?? '') + (entries[2]?.text ?? '')).toBe(line);
  });

  it('turn bytes that are no UTF-8 into U+FFFD', () => {
    const bytes = Buffer.concat([Buffer.from(`${STAMP} a`), Buffer.from([0xff, 0xfe]), Buffer.from('b\n')]);
    expect(read(frame(1, bytes))[0]?.text).toBe('a\ufffd\ufffdb');
  });

  it('without a stamp take that of the line before', () => {
    const entries = read(Buffer.concat([frame(1, `${STAMP} a\n`), frame(1, 'unstamped\n')]));
    expect(entries[1]).toEqual({ stream: 'stdout', stamp: NANOS, text: 'unstamped', partial: false });
  });
});

describe('entries of a terminal', () => {
  it('are lines, without their carriage return', () => {
    const bytes = Buffer.from(`${STAMP} one\r\n${STAMP} two\n${STAMP} $ `);
    expect(read(bytes, { terminal: true, cuts: [3, 40, 5] }).map(({ text }) => text)).toEqual(['one', 'two', '$ ']);
  });

  it('over 16 KiB are told apart by the stamp inside', () => {
    const bytes = Buffer.from(`${STAMP} ${piece}${STAMP} ${piece}${STAMP} end\r\n${STAMP} next\r\n`);
    expect(
      read(bytes, { terminal: true, cuts: [10_000, 16_000] }).map(({ text, partial }) => [text.length, partial]),
    ).toEqual([
      [16_384, true],
      [16_384, true],
      [3, false],
      [4, false],
    ]);
  });

  it('that never end are handed out in parts', () => {
    const reader = new EntryReader(true);
    reader.push(Buffer.from(`${STAMP} `));
    for (let at = 0; at < 40; at += 1) reader.push(Buffer.alloc(64 * 1024, 97));
    const entries = reader.take();
    expect(entries.length).toBeGreaterThan(5);
    expect(entries.every(({ partial }) => partial)).toBe(true);
  });
});
