import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { EngineError } from '../../../../src-main/core/engine';
import { Demuxer, Feed, LineSplitter } from '../../../../src-main/engine/docker/streams';
import { frame, inChunks } from './frames';

describe('frames', () => {
  const demux = (chunks: Buffer[]): [string, string][] => {
    const seen: [string, string][] = [];
    const demuxer = new Demuxer((stream, data, start, end) => seen.push([stream, data.toString('latin1', start, end)]));
    for (const chunk of chunks) demuxer.push(chunk);
    return seen;
  };

  it('come out whole however the bytes are cut', () => {
    const payload = fc.string({ maxLength: 40, unit: 'binary-ascii' });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(1, 2), payload)), fc.array(fc.nat(60)), (frames, cuts) => {
        const bytes = Buffer.concat(frames.map(([kind, text]) => frame(kind, text)));
        const expected = frames.map(([kind, text]) => [kind === 2 ? 'stderr' : 'stdout', text]);
        expect(demux(inChunks(bytes, cuts))).toEqual(expected);
      }),
    );
  });

  it('that span many chunks are joined once: at each chunk, a long frame would cost its length squared', () => {
    const bytes = frame(1, 'x'.repeat(1_000_000));
    const chunks = inChunks(
      bytes,
      Array.from({ length: 1_000 }, () => 1_000),
    );
    const concat = vi.spyOn(Buffer, 'concat');
    expect(demux(chunks)[0]?.[1]).toHaveLength(1_000_000);
    expect(concat.mock.calls.length).toBeLessThan(3);
    concat.mockRestore();
  });

  it.each([
    ['an unknown stream', Buffer.from([9, 0, 0, 0, 0, 0, 0, 1, 65])],
    ['a length beyond all bounds', Buffer.from([1, 0, 0, 0, 255, 255, 255, 255])],
  ])('with %s are an error', (_, bytes) => {
    expect(() => demux([bytes])).toThrow(EngineError);
  });

  it("may be the engine's own complaint", () => {
    expect(() => demux([frame(3, 'the driver is broken')])).toThrow('the driver is broken');
  });
});

describe('lines', () => {
  it('come out whole however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-zé€😀]{1,20}$/u)), fc.array(fc.nat(30)), (lines, cuts) => {
        const seen: string[] = [];
        const splitter = new LineSplitter((line) => seen.push(line));
        for (const chunk of inChunks(Buffer.from(lines.join('\n')), cuts)) splitter.push(chunk);
        splitter.flush();
        expect(seen).toEqual(lines);
      }),
    );
  });

  it('without an end are an error, not memory', () => {
    const splitter = new LineSplitter(() => undefined, 1_000);
    expect(() => {
      for (let at = 0; at < 100; at += 1) splitter.push(Buffer.alloc(100, 65));
    }).toThrow(EngineError);
  });
});

describe('a stream handle', () => {
  it('ends once: with nothing, with its error, or by being disposed', async () => {
    expect(await new Feed(() => Promise.resolve()).ended).toEqual({});
    const failed = new Feed(() => Promise.reject(new EngineError('no-space', 'full')));
    expect((await failed.ended).error?.code).toBe('no-space');
    let signal: AbortSignal | undefined;
    const endless = new Feed((feed) => {
      signal = feed.signal;
      return new Promise(() => undefined);
    });
    endless.dispose();
    endless.dispose();
    expect(await endless.ended).toEqual({});
    expect(signal?.aborted).toBe(true);
  });
});
