/** Compression by the platform. */
import * as zlib from 'node:zlib';
import { fail } from '../contract/errors';
import type { Codec } from '../core/disk';

const { brotliCompress, brotliDecompress, constants } = zlib;

/** No block of ours is larger when unpacked, in bytes; a file that says otherwise is hostile or damaged. */
const largest = 64 * 1024 * 1024;

/** How far packed logs usually grow, where nobody says. */
const growth = 6;

/** Output comes in pieces of this size, bytes. With the platform's 16 KiB, two thirds of the time went into waiting for the next. */
function piece(expected: number): number {
  return Math.min(Math.max(expected, 16 * 1024), 1024 * 1024);
}

/** Brotli at quality 1: 180 MB/s at a ratio near 4 on logs, and every runtime that Pilothouse supports reads it. */
export const codec: Codec = {
  compress(bytes) {
    const params = { [constants.BROTLI_PARAM_QUALITY]: 1, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
    return new Promise((resolve, reject) => {
      brotliCompress(bytes, { params, chunkSize: piece(bytes.length >>> 1) }, (error, packed) =>
        error ? reject(error) : resolve(packed),
      );
    });
  },
  decompress(bytes, expected = bytes.length * growth) {
    return new Promise((resolve, reject) => {
      const options = { maxOutputLength: largest, chunkSize: piece(expected) };
      brotliDecompress(bytes, options, (error, plain) => (error ? reject(error) : resolve(plain)));
    });
  },
};

type Pack = (bytes: Uint8Array, options: object, done: (error: Error | null, result: Buffer) => void) => void;

/** What newer runtimes (Node 22.15, and the Electron that is shipped) have beside Brotli. */
const { zstdCompress, zstdDecompress } = zlib as { zstdCompress?: Pack; zstdDecompress?: Pack };

/** ZSTD_c_compressionLevel and its quickest level: it packs logs better than level 3 does. */
const quickest = { 100: 1 };

/**
 * Whether bytes are a zstd frame. Each packed piece says itself what packed it: zstd begins with these four bytes, and Brotli of ours
 * never does, for its first bit says whether the window is larger than 64 KiB, and ours always is.
 */
function isZstd(bytes: Uint8Array): boolean {
  return bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd;
}

/**
 * For logs, which are packed and unpacked by the gigabyte: zstd where the runtime has it (over twice as fast to unpack as Brotli, half as
 * long again to pack, and smaller), else Brotli; reads both. A runtime without zstd cannot read what one with it has written and says so.
 */
export const logCodec: Codec = {
  compress(bytes) {
    if (!zstdCompress) return codec.compress(bytes);
    const options = { params: quickest, pledgedSrcSize: bytes.length, chunkSize: piece(bytes.length >>> 1) };
    return new Promise((resolve, reject) => {
      zstdCompress(bytes, options, (error, packed) => (error ? reject(error) : resolve(packed)));
    });
  },
  decompress(bytes, expected = bytes.length * growth) {
    if (!isZstd(bytes)) return codec.decompress(bytes, expected);
    if (!zstdDecompress) return Promise.reject(fail('internal', unreadable, newer));
    return new Promise((resolve, reject) => {
      const options = { maxOutputLength: largest, chunkSize: piece(expected) };
      zstdDecompress(bytes, options, (error, plain) => (error ? reject(error) : resolve(plain)));
    });
  },
};

const unreadable = 'These logs were packed with zstd, which this runtime does not have.';
const newer = 'Node.js 22.15 or newer reads them, and so does the app.';
