/** Newline-delimited JSON: one message a line, with a cap, so that a peer cannot make us hold an endless line. */
import { StringDecoder } from 'node:string_decoder';

/** Longest line either side accepts, bytes: a whole Compose project with its files fits many times. */
export const longestLine = 8 * 1024 * 1024;

/** Cuts a byte stream into parsed JSON lines. Feed it chunks; `onBroken` is called once when the stream can no longer be trusted. */
export class LineReader {
  private readonly decoder = new StringDecoder('utf8');
  private parts: string[] = [];
  private held = 0;
  private broken = false;

  constructor(
    private readonly onValue: (value: unknown) => void,
    private readonly onBroken: (reason: string) => void,
    private readonly limit: number = longestLine,
  ) {}

  push(chunk: Buffer): void {
    if (this.broken) return;
    const text = this.decoder.write(chunk);
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      this.parts.push(text.slice(start, end));
      const line = this.parts.join('');
      this.parts = [];
      this.held = 0;
      start = end + 1;
      if (line.length > this.limit) return this.breakOff('a line is too long');
      if (line.trim() !== '' && !this.take(line)) return;
    }
    if (start < text.length) {
      this.parts.push(text.slice(start));
      this.held += text.length - start;
      if (this.held > this.limit) this.breakOff('a line is too long');
    }
  }

  private take(line: string): boolean {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      this.breakOff('a line is not JSON');
      return false;
    }
    this.onValue(value);
    return !this.broken;
  }

  private breakOff(reason: string): void {
    this.broken = true;
    this.parts = [];
    this.onBroken(reason);
  }
}
