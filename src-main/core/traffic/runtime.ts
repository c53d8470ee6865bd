/** HAProxy's runtime API over one open session: a command is a line, its answer comes back under its number. */
import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/lifecycle';
import { EngineError, type Engine, type EngineSession } from '../engine';
import { paths } from './config';

/** How long an answer may take, milliseconds. */
const patience = 5000;
/** Stands for a line feed on the way to the relay. */
const separator = '\u001f';
/** An answer longer than this is none of HAProxy's, characters. */
const longest = 8_000_000;

interface Waiting {
  resolve: (answer: string) => void;
  reject: (error: EngineError) => void;
  timer: Disposable;
}

export class Runtime implements Disposable {
  private readonly waiting = new Map<number, Waiting>();
  private serial = 0;
  private text = '';
  private over = false;
  private ended: () => void = () => {};
  /** Resolves when the session is over, for whatever reason. */
  readonly closed = new Promise<void>((resolve) => {
    this.ended = resolve;
  });

  private constructor(private readonly clock: Clock) {}

  private session: EngineSession | undefined;
  /** Why it is over. */
  reason = '';

  /** Opens a session in the gateway's container. */
  static async open(engine: Engine, container: string, clock: Clock): Promise<Runtime> {
    const runtime = new Runtime(clock);
    const argv = ['haproxy', '-db', '-f', paths.relay];
    const session = await engine.session(container, argv, (text) => runtime.take(text), { user: 'root' });
    runtime.session = session;
    void session.ended.then(({ error }) => runtime.end(error?.message ?? 'the relay ended'));
    return runtime;
  }

  get isOpen(): boolean {
    return !this.over;
  }

  /**
   * Sends a command, or several joined by `;`. Rejects when HAProxy cannot be reached. The lines of `payload`, which may be secret,
   * follow the command and are told to nobody else.
   */
  command(line: string, payload = ''): Promise<string> {
    if (this.over) return Promise.reject(new EngineError('away', 'The gateway does not answer'));
    if (/[\r\n]/.test(line)) return Promise.reject(new EngineError('invalid', 'A command is one line'));
    const id = ++this.serial;
    return new Promise((resolve, reject) => {
      const timer = this.clock.timer(patience, () => {
        this.waiting.delete(id);
        reject(new EngineError('timeout', 'The gateway did not answer'));
        this.end(`no answer to ${line.slice(0, 200)}`);
      });
      this.waiting.set(id, { resolve, reject, timer });
      this.session?.write(`${id} ${line}${payload.replaceAll('\r', '').replaceAll('\n', separator)}\n`);
    });
  }

  dispose(): void {
    this.end('closed by us');
  }

  private end(reason: string): void {
    if (this.over) return;
    this.over = true;
    this.reason = reason;
    this.session?.dispose();
    for (const { reject, timer } of this.waiting.values()) {
      timer.dispose();
      reject(new EngineError('away', 'The gateway went away'));
    }
    this.waiting.clear();
    this.ended();
  }

  private take(text: string): void {
    this.text += text;
    if (this.text.length > longest) {
      this.dispose();
      return;
    }
    for (;;) {
      const end = this.text.indexOf('\n');
      if (end < 0) return;
      const head = /^(\d+) (-?\d+)$/.exec(this.text.slice(0, end));
      if (!head) {
        // Not ours: HAProxy's own notices go to the other stream, but better lost than stuck.
        this.text = this.text.slice(end + 1);
        continue;
      }
      // Lengths are bytes; HAProxy's answers are ASCII, and names are held to ASCII by the allow-list.
      const length = Math.max(0, Number(head[2]));
      if (this.text.length < end + 1 + length) return;
      const answer = this.text.slice(end + 1, end + 1 + length);
      this.text = this.text.slice(end + 1 + length);
      const waiting = this.waiting.get(Number(head[1]));
      if (!waiting) continue;
      this.waiting.delete(Number(head[1]));
      waiting.timer.dispose();
      if (Number(head[2]) < 0) waiting.reject(new EngineError('away', 'HAProxy does not answer'));
      else waiting.resolve(answer);
    }
  }
}
