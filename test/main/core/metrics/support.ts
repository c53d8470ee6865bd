/** Things the metrics tests share: a store on memory files, and a plain way to know what it should answer. */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Codec, FileDisk } from '../../../../src-main/core/disk';
import { silent, type Log } from '../../../../src-main/base/log';
import { MetricStore } from '../../../../src-main/core/metrics/store/metricStore';
import { memoryFiles } from '../../../support/disks';

export const codec: Codec = {
  compress: (bytes) => Promise.resolve(new Uint8Array(deflateRawSync(bytes, { level: 1 }))),
  decompress: (bytes) => Promise.resolve(new Uint8Array(inflateRawSync(bytes))),
};

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

/** A Monday at nine, as the fake clock has it. */
export const start = Date.UTC(2026, 0, 5, 9, 0, 0);

export function openStore(options: { files?: FileDisk; log?: Log; retention?: number } = {}): MetricStore {
  const { files = memoryFiles(), log = silent, retention = 30 * day } = options;
  return new MetricStore({ files, codec, log, retention: () => retention });
}

/** Writes `valueOf(second)` of one series each second of `[from, to)`; undefined is not written. */
export async function write(
  store: MetricStore,
  options: { metric?: string; labels?: Record<string, string>; from: number; to: number },
  valueOf: (at: number) => number | undefined,
): Promise<void> {
  const { metric = 'cpu', labels = { replica: 'shop/web.1' }, from, to } = options;
  for (let at = from; at < to; at += second) {
    store.tick(at);
    const value = valueOf(at);
    const series = store.find(metric, labels);
    if (series && value !== undefined) store.put(series, value);
    // The disk gets its turn now and then, as between two ticks.
    if (at % hour === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await new Promise((resolve) => setImmediate(resolve));
}
