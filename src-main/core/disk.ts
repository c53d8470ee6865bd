/** The port to durable storage: small rows in transactions, and append-only files. `storage/` implements it; tests bring their own. */

/** One row: a table's name, a key unique in it, and a JSON-able value. */
export interface DiskRow {
  table: string;
  key: string;
  value: unknown;
}

/** A change of one row; `value` undefined removes it. */
export interface DiskChange {
  table: string;
  key: string;
  value?: unknown;
}

/** Rows that survive a crash. */
export interface RowDisk {
  /** Every row, in no order. Throws when the file cannot be read; never returns a silently empty database. */
  load(): DiskRow[];
  /** Applies all changes or none; returns when they are durable (fsync). Throws `no-space` or `internal`, leaving the old state. */
  commit(changes: readonly DiskChange[]): void;
  close(): void;
}

/** A flat folder of files whose names match `[a-z0-9._-]+`. Offsets and sizes in bytes. */
export interface FileDisk {
  list(): Promise<{ name: string; size: number }[]>;
  /** Appends and returns the new size. */
  append(name: string, bytes: Uint8Array): Promise<number>;
  /** Makes what was appended durable. */
  sync(name: string): Promise<void>;
  read(name: string, offset: number, length: number): Promise<Uint8Array>;
  /** Replaces the file atomically (temporary file, fsync, rename). */
  write(name: string, bytes: Uint8Array): Promise<void>;
  truncate(name: string, size: number): Promise<void>;
  remove(name: string): Promise<void>;
}

/** Lossless compression that the platform brings. */
export interface Codec {
  compress(bytes: Uint8Array): Promise<Uint8Array>;
  /** `expected` is about how many bytes come out, where that is known: it only saves time. */
  decompress(bytes: Uint8Array, expected?: number): Promise<Uint8Array>;
}

/** UTF-8 by the platform's fast path. What is not UTF-8 decodes to U+FFFD; lone surrogates encode as U+FFFD. */
export interface TextCodec {
  encode(text: string): Uint8Array;
  decode(bytes: Uint8Array): string;
  /** Whether the text stands in the bytes: cheaper than to decode them. Absent where the platform has no fast way. */
  holds?(bytes: Uint8Array, text: string): boolean;
}
