import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter, crc32, DamagedError } from '../../../../../src-main/core/logs/segment/bytes';
import { mayContain, WordSet } from '../../../../../src-main/core/logs/segment/filter';
import { fold, hashWord, requiredWords } from '../../../../../src-main/core/logs/segment/tokens';
import { crc32 as platformCrc } from 'node:zlib';
import { Bench, makeLine, never, seeded, sourceOf, type CrashingFiles } from '../support';

const start = Date.UTC(2026, 0, 5) * 1000;

async function texts(bench: Bench): Promise<string[]> {
  return (await bench.store.page({ scope: {}, query: '', limit: 100_000 }, never)).lines.map((line) => line.text);
}

async function names(files: CrashingFiles): Promise<string[]> {
  return (await files.list()).map((file) => file.name).toSorted();
}

describe('bytes', () => {
  it('come back as they were written', () => {
    const whole = fc.integer({ min: 0, max: 2 ** 52 });
    fc.assert(
      fc.property(fc.array(fc.tuple(whole, fc.integer({ min: -(2 ** 51), max: 2 ** 51 }))), (numbers) => {
        const writer = new ByteWriter(1);
        for (const [plain, signed] of numbers) {
          writer.varint(plain);
          writer.signed(signed);
        }
        const reader = new ByteReader(writer.view());
        for (const [plain, signed] of numbers)
          expect([reader.varint(), reader.signed()]).toEqual([plain, signed === 0 ? 0 : signed]);
        expect(reader.left).toBe(0);
        expect(() => reader.u8()).toThrow(DamagedError);
      }),
    );
  });

  it('have the checksum everybody computes', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
    if (typeof platformCrc !== 'function') return;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(crc32(bytes)).toBe(platformCrc(bytes));
      }),
    );
  });
});

describe('the word filter', () => {
  it('knows every word of the text, and few others', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 50 }), (parts) => {
        const set = new WordSet();
        const folded = fold(parts.join(' '));
        set.addText(folded);
        const filter = set.finish();
        for (const word of requiredWords(folded, { left: true, right: true }))
          expect(mayContain(filter, hashWord(word))).toBe(true);
      }),
    );
    // Bytes of ASCII give the very same words.
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii', maxLength: 200 }), (text) => {
        const [folded, bytes] = [new WordSet(), new WordSet()];
        folded.addText(fold(text));
        bytes.addAscii(new TextEncoder().encode(text));
        expect(bytes.finish()).toEqual(folded.finish());
      }),
    );
    const set = new WordSet();
    for (let index = 0; index < 8000; index++) set.add(hashWord(`word${index}`));
    const filter = set.finish();
    let wrong = 0;
    for (let index = 0; index < 20_000; index++) if (mayContain(filter, hashWord(`other${index}`))) wrong += 1;
    expect(wrong).toBeLessThan(100);
    expect(filter.length).toBeLessThan(8000 * 2);
  });

  it('folds without moving anything', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(fold(text)).toHaveLength(text.length);
      }),
    );
    expect(fold('İSTANBUL ẞ')).toHaveLength('İSTANBUL ẞ'.length);
  });
});

/** Writes a segment's file as 0.1.0 did: filters in the frames, and, when it is full, behind the rows of the index. */
async function asOlder(files: CrashingFiles, segment: string, indexed: boolean): Promise<void> {
  const whole = async (name: string): Promise<Uint8Array> => {
    const size = (await files.list()).find((file) => file.name === name)?.size ?? 0;
    return files.read(name, 0, size);
  };
  const beside = await whole(segment.replace('.seg', '.flt'));
  const reader = new ByteReader(await whole(segment));
  const writer = new ByteWriter();
  const rows: unknown[] = [];
  while (reader.left > 0) {
    expect(reader.u32()).toBe(0x33424850);
    const [metaLength = 0, filterLength = 0, payloadLength = 0, , payloadCrc = 0, filterAt = 0] = [
      1, 2, 3, 4, 5, 6,
    ].map(() => reader.u32());
    reader.take(8);
    const offset = writer.length;
    const facts = new ByteWriter();
    const meta = reader.take(metaLength);
    facts.put(meta);
    facts.put(beside.subarray(filterAt, filterAt + filterLength));
    const head = new ByteWriter();
    for (const part of [0x32424850, metaLength, filterLength, payloadLength, crc32(facts.view()), payloadCrc])
      head.u32(part);
    head.u32(crc32(head.view()));
    writer.put(head.view());
    writer.put(facts.view());
    writer.put(reader.take(payloadLength));
    const place = { offset, metaLength, filterLength, payloadLength, payloadCrc };
    rows.push({ meta: JSON.parse(new TextDecoder().decode(meta)) as unknown, place, filterAt });
  }
  await files.write(segment, writer.view());
  await files.remove(segment.replace('.seg', '.flt'));
  if (!indexed) return;
  const json = new TextEncoder().encode(JSON.stringify(rows));
  const index = new ByteWriter();
  for (const part of [0x31494850, json.length, crc32(json), writer.length]) index.u32(part);
  index.put(json);
  index.put(beside);
  await files.write(segment.replace('.seg', '.idx'), index.view());
}

describe('the log store', () => {
  it('keeps its lines over closing, killing and power cuts, in order, once', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const random = seeded(seed);
      let bench = await Bench.open();
      let written: string[] = [];
      let acknowledged = 0;
      let synced = 0;
      for (let step = 0; step < 60; step++) {
        const count = Math.floor(random() * 30);
        for (let index = 0; index < count; index++) {
          const text = `${written.length} ${makeLine(random)}`;
          bench.put(sourceOf({ container: `c${step % 3}`, service: step % 5 === 0 ? 'api' : 'web' }), {
            time: start + written.length,
            text,
          });
          written.push(text);
        }
        await bench.intake.flush();
        acknowledged = written.length;
        // Read while blocks are on their way to disk: none is missed, none seen twice.
        if (random() < 0.5) expect(await texts(bench)).toEqual(written);
        if (random() < 0.3) {
          await bench.clock.advance(1100);
          synced = acknowledged;
        }
        const chance = random();
        if (chance < 0.08) {
          await bench.close();
          synced = acknowledged;
          bench = await Bench.open({ files: bench.files });
        } else if (chance < 0.16) {
          const files = bench.files.killed();
          bench.intake.dispose();
          bench = await Bench.open({ files });
          expect((await texts(bench)).length).toBe(acknowledged);
        } else if (chance < 0.24) {
          const files = bench.files.powerCut(random);
          bench.intake.dispose();
          bench = await Bench.open({ files });
          const left = await texts(bench);
          // What was not synced may be gone, but only from the end.
          expect(left.length).toBeGreaterThanOrEqual(synced);
          expect(left).toEqual(written.slice(0, left.length));
          written = left;
        }
      }
      expect(await texts(bench)).toEqual(written);
      await bench.close();
    }
  });

  it('survives a failure of every single write: nothing acknowledged is lost, nothing is doubled', async () => {
    for (let failing = 0; failing < 45; failing++) {
      const bench = await Bench.open();
      let calls = 0;
      bench.files.fault = (verb) => {
        if (calls++ !== failing) return undefined;
        if (verb === 'append') return 5;
        throw new Error('input/output error');
      };
      const written: string[] = [];
      for (let index = 0; index < 40; index++) {
        for (let line = 0; line < 8; line++) {
          const text = `line ${written.length} ${'x'.repeat(30)}`;
          written.push(text);
          bench.put(sourceOf({ service: line % 2 ? 'web' : 'api' }), { time: start + written.length, text });
        }
        const flushing = bench.intake.flush();
        await bench.clock.advance(1500);
        await flushing;
      }
      expect(await texts(bench)).toEqual(written);
      const again = await Bench.open({ files: bench.files.killed() });
      expect(await texts(again)).toEqual(written);
    }
  });

  it('cuts off damage at the end, skips it in the middle, and says so', async () => {
    const bench = await Bench.open();
    for (let index = 0; index < 600; index++) {
      bench.put(sourceOf(), { time: start + index, text: `line ${index} ${'y'.repeat(20)}` });
      if (index % 20 === 0) await bench.intake.flush();
    }
    await bench.close();
    const whole = await texts(await Bench.open({ files: bench.files.killed() }));
    expect(whole).toHaveLength(600);
    const segment = (await bench.files.list()).find((file) => file.name.endsWith('.seg'));
    expect(segment).toBeDefined();
    const random = seeded(5);
    for (let trial = 0; trial < 40; trial++) {
      const files = bench.files.killed();
      for (let count = 0; count < 1 + (trial % 3); count++)
        files.damage(segment?.name ?? '', Math.floor(random() * (segment?.size ?? 1)));
      const hurt = await Bench.open({ files });
      const left = await texts(hurt);
      expect(left.length).toBeGreaterThan(200);
      expect(left.every((text) => whole.includes(text))).toBe(true);
      if (left.length < 600) expect((await hurt.store.figures()).damaged).toBeGreaterThan(0);
    }
  });

  it('removes the oldest beyond the budget and keeps the newest', async () => {
    const random = seeded(9);
    const noise = (): string => Array.from({ length: 30 }, () => Math.floor(random() * 2 ** 32).toString(36)).join('');
    const budget = 3 * 1024 * 1024;
    const bench = await Bench.open({
      bytes: budget,
      sizes: { block: 100_000, log: 400_000, carry: 1000, carryTotal: 5000 },
    });
    for (let index = 0; index < 30_000; index++) {
      bench.put(sourceOf(), { time: start + index * 1000, text: `n${index} ${noise()}` });
      if (index % 200 === 0) await bench.intake.flush();
    }
    await bench.close();
    const size = (await bench.files.list()).reduce((sum, file) => sum + file.size, 0);
    expect(size).toBeLessThan(budget + 1024 * 1024);
    const again = await Bench.open({ files: bench.files, bytes: budget });
    const page = await again.store.page({ scope: {}, query: '', limit: 5 }, never);
    expect(page.lines.at(-1)?.text).toMatch(/^n29999 /);
    const oldest = await again.store.page({ scope: {}, query: '', limit: 1, after: '0'.repeat(23) }, never);
    expect(Number(/^n(\d+)/.exec(oldest.lines[0]?.text ?? '')?.[1])).toBeGreaterThan(1000);
    // An index that is gone or damaged is made again from the blocks.
    const indexes = (await names(again.files)).filter((name) => name.endsWith('.idx'));
    expect(indexes.length).toBeGreaterThan(1);
    const total = async (files: CrashingFiles): Promise<number> => {
      const other = await Bench.open({ files, bytes: budget });
      const histogram = await other.store.histogram({ scope: {}, query: '', from: 0, to: start, buckets: 2 }, never);
      expect((await other.store.page({ scope: {}, query: 'n29000', limit: 2 }, never)).lines).toHaveLength(1);
      return histogram.total;
    };
    const expected = await total(again.files.killed());
    const lost = again.files.killed();
    await lost.remove(indexes[0] ?? '');
    expect(await total(lost)).toBe(expected);
    const hurt = again.files.killed();
    hurt.damage(indexes[1] ?? '', 40);
    expect(await total(hurt)).toBe(expected);
    await again.close();
  });

  it('finds every word also when the file of filters is lost, cut or damaged', async () => {
    const bench = await Bench.open();
    for (let index = 0; index < 400; index++) {
      bench.put(sourceOf(), { time: start + index, text: `word${index} ${'z'.repeat(20)}` });
      if (index % 20 === 0) await bench.intake.flush();
    }
    await bench.close();
    const name = (await names(bench.files)).find((own) => own.endsWith('.flt')) ?? '';
    const size = (await bench.files.list()).find((file) => file.name === name)?.size ?? 0;
    expect(size).toBeGreaterThan(0);
    const harms: ((files: CrashingFiles) => unknown)[] = [
      (files) => files.remove(name),
      (files) => files.truncate(name, Math.floor(size / 2)),
      (files) => files.append(name, new Uint8Array(33)),
      (files) => Array.from({ length: 20 }, (_, at) => files.damage(name, Math.floor((at * size) / 20))),
    ];
    for (const harm of harms) {
      const files = bench.files.killed();
      await harm(files);
      const again = await Bench.open({ files });
      const found = async (word: string): Promise<number> =>
        (await again.store.page({ scope: {}, query: word, limit: 10 }, never)).lines.length;
      for (let index = 0; index < 400; index += 37) expect(await found(`word${index}`)).toBe(1);
      // What comes after goes to the right place.
      for (let index = 0; index < 200; index++)
        again.put(sourceOf(), { time: start + 1000 + index, text: `later${index} ${'z'.repeat(20)}` });
      await again.close();
      const third = await Bench.open({ files });
      for (const word of ['word11', 'later7', 'later150'])
        expect((await third.store.page({ scope: {}, query: word, limit: 10 }, never)).lines).toHaveLength(1);
    }
  });

  it('reads what 0.1.0 wrote, with filters inside the frames and again in the index, and goes on in a file of its own', async () => {
    const bench = await Bench.open();
    for (let index = 0; index < 600; index++) {
      bench.put(sourceOf(), { time: start + index, text: `word${index} ${'q'.repeat(20)}` });
      if (index % 20 === 0) await bench.intake.flush();
    }
    await bench.close();
    const segment = (await names(bench.files)).find((own) => own.endsWith('.seg')) ?? '';
    for (const indexed of [false, true]) {
      const files = bench.files.killed();
      await asOlder(files, segment, indexed);
      const older = await Bench.open({ files });
      expect(await texts(older)).toHaveLength(600);
      expect((await older.store.page({ scope: {}, query: 'word311', limit: 5 }, never)).lines).toHaveLength(1);
      for (let index = 0; index < 200; index++)
        older.put(sourceOf(), { time: start + 1000 + index, text: `later${index} ${'q'.repeat(20)}` });
      await older.close();
      expect((await names(files)).filter((own) => own.endsWith('.seg'))).toHaveLength(2);
      const again = await Bench.open({ files });
      expect(await texts(again)).toHaveLength(800);
      for (const word of ['word5', 'later100'])
        expect((await again.store.page({ scope: {}, query: word, limit: 5 }, never)).lines).toHaveLength(1);
    }
  });

  it('forgets what is too old, but not because a clock jumped for a moment', async () => {
    const day = 86_400_000;
    const bench = await Bench.open({ age: 10 * day });
    bench.put(sourceOf(), { time: bench.clock.now() * 1000, text: 'old '.repeat(1000) });
    await bench.intake.flush();
    bench.put(sourceOf(), { time: bench.clock.now() * 1000, text: 'kept' });
    await bench.intake.flush();
    await bench.clock.advance(2 * day);
    expect((await texts(bench)).length).toBe(2);
    for (let hour = 0; hour < 9 * 24; hour++) {
      await bench.clock.advance(day / 24);
    }
    expect(await texts(bench)).toEqual(['kept']);
    await bench.close();
  });
});
