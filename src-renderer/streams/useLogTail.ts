/**
 * A live tail of a selection. Batches arrive with credit, are held in a buffer and reach the screen once a frame, in a capped list:
 * while the reader is paused nothing moves on screen and what came meanwhile is counted, not kept beyond the cap.
 */
import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue';
import type { ArgumentOf } from '../../src-main/contract/api/define';
import type { OpenedStream } from '../../src-main/contract/client';
import type { Streams } from '../../src-main/contract/api';
import type { Problem } from '../../src-main/contract/errors';
import type { LogLine } from '../../src-main/contract/nouns';
import { open } from '../bridge';

export type TailRequest = ArgumentOf<Streams['logs.tail']>;

/** A row of the list: a line, or a marker that so many lines were not shown. */
export type TailRow = LogLine | { skipped: number; id: string; at: number };

/** Lines that come between two draws beyond which nobody reads them: then it is drawn less often, milliseconds. */
const floodLines = 200;
const floodDelay = 100;

/** Rows kept for scrolling back while live; older ones are read from the store by paging. */
export const tailCap = 20_000;

export interface LogTail {
  /** `first` counts the rows that fell off the front: a row's number never changes. */
  rows: ShallowRef<{ first: number; list: TailRow[] }>;
  paused: Ref<boolean>;
  /** What arrived since the pause. */
  missed: Ref<{ lines: number; errors: number }>;
  rate: Ref<number>;
  loading: Ref<boolean>;
  problem: Ref<Problem | undefined>;
  /** Shows what arrived meanwhile and follows again. */
  follow(): void;
  clear(): void;
}

/** Reopens the tail whenever `request()` changes; undefined closes it. */
export function useLogTail(request: () => TailRequest | undefined): LogTail {
  const rows = shallowRef<LogTail['rows']['value']>({ first: 0, list: [] });
  const paused = ref(false);
  const missed = ref({ lines: 0, errors: 0 });
  const rate = ref(0);
  const loading = ref(true);
  const problem = ref<Problem>();
  let buffer: TailRow[] = [];
  let stream: OpenedStream | undefined;
  let owed = 0;
  let frame = 0;
  let timer = 0;
  let flooded = 0;
  let retry = 0;

  function flush(): void {
    frame = 0;
    flooded = buffer.length > floodLines ? performance.now() : 0;
    if (!paused.value && buffer.length > 0) {
      const { first, list } = rows.value;
      const over = Math.max(0, list.length + buffer.length - tailCap);
      const joined = list.slice(over).concat(buffer.slice(Math.max(0, over - list.length)));
      buffer = [];
      rows.value = { first: first + over, list: joined };
    }
    // Credit goes back only after a draw: the core counts what it could not send meanwhile.
    if (owed > 0) stream?.grant(owed);
    owed = 0;
  }

  function drawSoon(): void {
    if (frame !== 0 || timer !== 0) return;
    // A hidden window gets no frames; credit must still flow or the tail would stand still.
    const delay = document.hidden ? 250 : flooded + floodDelay - performance.now();
    if (delay <= 0) frame = requestAnimationFrame(flush);
    else
      timer = window.setTimeout(() => {
        timer = 0;
        if (document.hidden) flush();
        else frame = requestAnimationFrame(flush);
      }, delay);
  }

  function start(): void {
    stream?.dispose();
    stream = undefined;
    const input = request();
    if (!input) return;
    loading.value = true;
    const mine = open('logs.tail', input, {
      manual: true,
      // One batch of at most a thousand lines a draw: more than that nobody reads, and what is left out is counted.
      credit: 1,
      item(batch) {
        if (stream !== mine) return;
        loading.value = false;
        problem.value = undefined;
        rate.value = batch.rate;
        if (batch.skipped > 0) {
          const first = batch.lines[0];
          buffer.push({
            skipped: batch.skipped,
            id: `skip-${first?.id ?? Math.random()}`,
            at: first?.at ?? Date.now(),
          });
        }
        buffer.push(...batch.lines);
        if (paused.value) {
          const errors = batch.lines.filter((line) => line.level === 'error' || line.level === 'fatal').length;
          missed.value = {
            lines: missed.value.lines + batch.lines.length + batch.skipped,
            errors: missed.value.errors + errors,
          };
          if (buffer.length > tailCap) buffer = buffer.slice(-tailCap);
        }
        owed += 1;
        drawSoon();
      },
      end(cut) {
        if (stream !== mine) return;
        loading.value = false;
        problem.value = cut;
        if (cut && cut.code !== 'bad-input') retry = window.setTimeout(start, 1000);
      },
    });
    stream = mine;
  }

  watch(
    () => JSON.stringify(request() ?? null),
    () => {
      rows.value = { first: 0, list: [] };
      buffer = [];
      // Another selection is followed from its newest line: what was being read is gone.
      paused.value = false;
      missed.value = { lines: 0, errors: 0 };
      problem.value = undefined;
      window.clearTimeout(retry);
      start();
    },
    { immediate: true },
  );

  onScopeDispose(() => {
    stream?.dispose();
    stream = undefined;
    window.clearTimeout(retry);
    window.clearTimeout(timer);
    cancelAnimationFrame(frame);
  });

  return {
    rows,
    paused,
    missed,
    rate,
    loading,
    problem,
    follow() {
      paused.value = false;
      missed.value = { lines: 0, errors: 0 };
      flush();
    },
    clear() {
      rows.value = { first: 0, list: [] };
      buffer = [];
    },
  };
}
