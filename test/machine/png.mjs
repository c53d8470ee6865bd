/**
 * Makes screenshots small: a PNG of true colours becomes one of at most 256, which for pictures of a window nobody can tell apart.
 * Only what the window's own screenshots use is read: 8 bits a channel, RGB or RGBA, not interlaced.
 */
import * as zlib from 'node:zlib';

const { deflateSync, inflateSync } = zlib;

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/**
 * @param {Buffer} png
 * @returns {{ width: number, height: number, pixels: Uint8Array }} RGB, three bytes a pixel; transparency is dropped
 */
export function readPng(png) {
  if (!png.subarray(0, 8).equals(signature)) throw new Error('This is no PNG.');
  let width = 0;
  let height = 0;
  let channels = 0;
  const parts = [];
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    const data = png.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') {
      width = data.readUInt32BE(0);
      height = data.readUInt32BE(4);
      channels = data[9] === 6 ? 4 : 3;
      if (data[8] !== 8 || (data[9] !== 2 && data[9] !== 6) || data[12] !== 0)
        throw new Error('This kind of PNG is not read.');
    } else if (type === 'IDAT') parts.push(data);
    at += length + 12;
  }
  const raw = inflateSync(Buffer.concat(parts));
  const stride = width * channels;
  const lines = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) unfilter(raw, lines, { y, stride, channels });
  const pixels = new Uint8Array(width * height * 3);
  for (let index = 0; index < width * height; index++) {
    pixels[index * 3] = lines[index * channels] ?? 0;
    pixels[index * 3 + 1] = lines[index * channels + 1] ?? 0;
    pixels[index * 3 + 2] = lines[index * channels + 2] ?? 0;
  }
  return { width, height, pixels };
}

/**
 * Undoes one line's filter (PNG specification, section 9).
 * @param {Buffer} raw
 * @param {Buffer} lines
 * @param {{ y: number, stride: number, channels: number }} place
 */
function unfilter(raw, lines, { y, stride, channels }) {
  const filter = raw[y * (stride + 1)] ?? 0;
  const from = y * (stride + 1) + 1;
  const to = y * stride;
  for (let x = 0; x < stride; x++) {
    const left = x >= channels ? (lines[to + x - channels] ?? 0) : 0;
    const up = y > 0 ? (lines[to + x - stride] ?? 0) : 0;
    const corner = y > 0 && x >= channels ? (lines[to + x - stride - channels] ?? 0) : 0;
    let guess = 0;
    if (filter === 1) guess = left;
    else if (filter === 2) guess = up;
    else if (filter === 3) guess = (left + up) >> 1;
    else if (filter === 4) {
      const estimate = left + up - corner;
      const byLeft = Math.abs(estimate - left);
      const byUp = Math.abs(estimate - up);
      const byCorner = Math.abs(estimate - corner);
      guess = byLeft <= byUp && byLeft <= byCorner ? left : byUp <= byCorner ? up : corner;
    }
    lines[to + x] = ((raw[from + x] ?? 0) + guess) & 255;
  }
}

/**
 * The 256 colours that serve best: the most frequent ones, skipping those that a chosen one all but equals.
 * @param {Uint8Array} pixels
 * @returns {{ palette: number[], indexOf: (colour: number) => number }}
 */
function choosePalette(pixels) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (let at = 0; at < pixels.length; at += 3) {
    const colour = ((pixels[at] ?? 0) << 16) | ((pixels[at + 1] ?? 0) << 8) | (pixels[at + 2] ?? 0);
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const byUse = [...counts].sort((one, two) => two[1] - one[1]).map(([colour]) => colour);
  /** @type {number[]} */
  let palette = byUse;
  // Colours that differ by next to nothing share a place, more boldly until they fit.
  for (let near = 12; palette.length > 256; near *= 2) {
    palette = [];
    for (const colour of byUse) {
      if (palette.length > 256) break;
      if (!palette.some((chosen) => distance(chosen, colour) < near)) palette.push(colour);
    }
  }
  /** @type {Map<number, number>} */
  const known = new Map();
  return {
    palette,
    indexOf: (colour) => {
      let best = known.get(colour);
      if (best !== undefined) return best;
      best = 0;
      let least = Infinity;
      palette.forEach((chosen, index) => {
        const away = distance(chosen, colour);
        if (away < least) [least, best] = [away, index];
      });
      known.set(colour, best);
      return best;
    },
  };
}

/** @param {number} one @param {number} two @returns {number} */
function distance(one, two) {
  const red = (one >> 16) - (two >> 16);
  const green = ((one >> 8) & 255) - ((two >> 8) & 255);
  const blue = (one & 255) - (two & 255);
  return 3 * red * red + 4 * green * green + 2 * blue * blue;
}

/**
 * @param {Buffer} png
 * @returns {Buffer} the same picture in at most 256 colours
 */
export function shrinkPng(png) {
  const { width, height, pixels } = readPng(png);
  const { palette, indexOf } = choosePalette(pixels);
  const lines = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      lines[y * (width + 1) + 1 + x] = indexOf(
        ((pixels[at] ?? 0) << 16) | ((pixels[at + 1] ?? 0) << 8) | (pixels[at + 2] ?? 0),
      );
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const colours = Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]));
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('PLTE', colours),
    chunk('IDAT', deflateSync(lines, { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** @param {string} type @param {Buffer} data @returns {Buffer} */
function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(data.length, 0);
  body.copy(whole, 4);
  whole.writeUInt32BE(checksum(body), body.length + 4);
  return whole;
}

/** zlib has its own since Node 20.15. @type {(data: Buffer) => number} */
const checksum = 'crc32' in zlib ? (data) => /** @type {any} */ (zlib).crc32(data) : slowCrc32;

/** @param {Buffer} data @returns {number} CRC-32 as PNG wants it */
function slowCrc32(data) {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
