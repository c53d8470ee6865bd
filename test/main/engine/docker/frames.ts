/** Bytes as the engine sends them. */

/** One frame of multiplexed output; kind 1 is stdout, 2 stderr. */
export function frame(kind: number, payload: string | Buffer): Buffer {
  const body = Buffer.from(payload);
  const header = Buffer.alloc(8);
  header[0] = kind;
  header.writeUInt32BE(body.length, 4);
  return Buffer.concat([header, body]);
}

/** The bytes cut into pieces of the given lengths, the rest in one; an empty piece is left out. */
export function inChunks(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    chunks.push(bytes.subarray(at, at + length));
    at += length;
  }
  chunks.push(bytes.subarray(at));
  return chunks.filter((chunk) => chunk.length > 0);
}
