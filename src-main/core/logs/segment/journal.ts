/** The write-ahead log's files: appending, syncing, changing to a new file, removing the old. */
import type { FileDisk, TextCodec } from '../../disk';
import type { AppendBatch } from '../ingest/intake';
import type { Lane, LogSource } from '../line';
import { ByteWriter } from './bytes';
import { encodeRecord, readRecords } from './wal';

const pattern = /^wal-(\d{8})\.log$/;

/** Definitions a record may need: each file explains itself, since older files are removed. */
export interface Definitions {
  lane(number: number): Lane | undefined;
  source(number: number): LogSource | undefined;
}

/** The current file and those before it that are still needed. Calls of `append` and `change` must not overlap. */
export class Journal {
  private number = 1;
  private size = 0;
  private old: { number: number; size: number }[] = [];
  private described = { lanes: new Set<number>(), sources: new Set<number>() };
  private dirty = false;
  private syncing: Promise<void> = Promise.resolve();
  /** The memory of one record after another. */
  private readonly record = new ByteWriter(0);

  constructor(
    private readonly tools: { files: FileDisk; text: TextCodec },
    private readonly definitions: Definitions,
  ) {}

  /** Bytes of the current file. */
  get currentBytes(): number {
    return this.size;
  }

  get bytes(): number {
    return this.size + this.old.reduce((sum, file) => sum + file.size, 0);
  }

  /** Replays every whole record, oldest first, and cuts torn tails off. Appending goes on in the last file. */
  async replay(each: (batch: AppendBatch) => void): Promise<void> {
    const { files, text } = this.tools;
    const found = (await files.list()).filter((file) => pattern.test(file.name));
    found.sort((left, right) => (left.name < right.name ? -1 : 1));
    for (const file of found) {
      const { good } = await readRecords(files, file, text, each);
      if (good < file.size) await files.truncate(file.name, good);
      this.old.push({ number: Number(pattern.exec(file.name)?.[1]), size: good });
    }
    const last = this.old.pop();
    this.start(last?.number ?? 1, last?.size ?? 0);
  }

  /** Appends a batch with every definition this file does not hold yet. When it fails nothing of it remains. */
  async append(batch: AppendBatch): Promise<void> {
    const lanes = new Set(batch.lanes.map((own) => own.lane));
    const sources = new Set(batch.lanes.flatMap((own) => [...new Set(own.sources)]));
    const newLanes = [...lanes].filter((number) => !this.described.lanes.has(number));
    const newSources = [...sources].filter((number) => !this.described.sources.has(number));
    const record = encodeRecord(
      {
        ...batch,
        newLanes: newLanes.flatMap((number) => this.definitions.lane(number) ?? []),
        newSources: newSources.flatMap((number) => {
          const source = this.definitions.source(number);
          return source ? [{ number, source }] : [];
        }),
      },
      this.tools.text,
      this.record,
    );
    try {
      this.size = await this.tools.files.append(this.name, record);
    } catch (thrown) {
      await this.mend();
      throw thrown;
    }
    for (const number of newLanes) this.described.lanes.add(number);
    for (const number of newSources) this.described.sources.add(number);
    this.dirty = true;
  }

  /** Makes everything appended before the call durable against a power cut. */
  sync(): Promise<void> {
    const done = this.syncing.then(async () => {
      if (!this.dirty) return;
      this.dirty = false;
      try {
        await this.tools.files.sync(this.name);
      } catch (thrown) {
        this.dirty = true;
        throw thrown;
      }
    });
    this.syncing = done.catch(() => undefined);
    return done;
  }

  /** Goes on in a new file; the one before stays until `removeOld`. */
  async change(): Promise<void> {
    await this.sync();
    this.old.push({ number: this.number, size: this.size });
    this.start(this.number + 1, 0);
  }

  async removeOld(): Promise<void> {
    for (const { number } of this.old.splice(0)) await this.tools.files.remove(fileName(number));
  }

  private get name(): string {
    return fileName(this.number);
  }

  private start(number: number, size: number): void {
    this.number = number;
    this.size = size;
    this.described = { lanes: new Set(), sources: new Set() };
    this.dirty = false;
  }

  /** Half a record may stand at the end: cut it, or when even that fails go on in a new file. */
  private async mend(): Promise<void> {
    try {
      const files = await this.tools.files.list();
      if (files.some((file) => file.name === this.name && file.size > this.size))
        await this.tools.files.truncate(this.name, this.size);
    } catch {
      this.old.push({ number: this.number, size: this.size });
      this.start(this.number + 1, 0);
    }
  }
}

function fileName(number: number): string {
  return `wal-${String(number).padStart(8, '0')}.log`;
}
