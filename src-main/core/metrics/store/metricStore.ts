/** All series: the last hour in memory, tiers on disk, and one way to read both. */
import type { Log } from '../../../base/log';
import type { Codec, FileDisk } from '../../disk';
import { seriesKey } from '../names';
import type { Labels, MetricsReader, SeriesSlice } from '../seam';
import { PartCache } from './cache';
import { Grid } from './grid';
import type { Row } from './period';
import { Series } from './series';
import { Tier } from './tier';
import { liveSlots, periodBuckets, tierSpecs } from './tiers';

/** Series alive at once; each costs some 30 KB. */
const mostSeries = 20_000;
/** Seconds that a late tick may have missed and still fill with the next value. */
const mostBridged = 2;
/** Cells of one answer, over all its series: what asks for more is a mistake. */
const mostCells = 20_000_000;
const pruneEvery = 600;
const second = 1000;

export interface MetricStoreOptions {
  files: FileDisk;
  codec: Codec;
  log: Log;
  /** Milliseconds that the user wants anything kept. */
  retention: () => number;
}

export class MetricStore implements MetricsReader {
  private readonly alive = new Map<string, Series>();
  private readonly tiers: Tier[];
  /** The second being written, and the bucket being made in each tier; undefined before the first tick. */
  private slot: number | undefined;
  private current: number[] = [];
  /** First second that the rings know. */
  private liveFrom = 0;
  private bridge = 0;
  private prunedAt = -Infinity;
  private taken = 0;
  /** Values of the second before. */
  pointsPerSecond = 0;
  refused = 0;

  constructor(private readonly options: MetricStoreOptions) {
    const { files, codec, log } = options;
    const cache = new PartCache();
    this.tiers = tierSpecs.map(({ step }) => new Tier(step, { files, codec, log, cache }));
  }

  get bytes(): number {
    return this.tiers.reduce((sum, tier) => sum + tier.bytes, 0);
  }

  get size(): number {
    return this.alive.size;
  }

  /** Reads the folder. Rejects when it cannot be listed or read. */
  async open(now: number): Promise<void> {
    const listed = await this.options.files.list();
    for (const tier of this.tiers) await tier.open(listed, now);
  }

  /** Begins the second of `now`; what is `put` from here on belongs to it. */
  tick(now: number): void {
    const slot = Math.round(now / second);
    const before = this.slot;
    this.pointsPerSecond = this.taken;
    this.taken = 0;
    if (before === undefined || slot < before - 1) {
      // The first one, or the clock was set back: what the rings know is under a time that is not now.
      for (const series of this.alive.values()) {
        series.forget(0, liveSlots);
        series.lastSlot = -1;
      }
      this.liveFrom = slot;
      this.bridge = 0;
    } else if (slot <= before) {
      return;
    } else {
      this.bridge = slot - before - 1 <= mostBridged ? slot - before - 1 : 0;
      for (const series of this.alive.values()) series.forget(before + 1, slot);
    }
    this.slot = slot;
    this.closeBuckets(slot);
    if (slot - this.prunedAt >= pruneEvery || slot < this.prunedAt) this.prune(slot);
  }

  /** The series of these labels, made when it is new; undefined when there are too many. */
  find(metric: string, labels: Labels): Series | undefined {
    const key = seriesKey(metric, labels);
    const known = this.alive.get(key);
    if (known) return known;
    if (this.alive.size >= mostSeries) {
      this.refused += 1;
      return undefined;
    }
    const series = new Series(key, metric, labels);
    this.alive.set(key, series);
    return series;
  }

  put(series: Series, value: number): void {
    if (this.slot === undefined || !Number.isFinite(value)) return;
    series.put(this.slot, value, this.bridge);
    this.taken += 1;
  }

  /** Mean of the last `window` milliseconds; undefined when less than half of the seconds have a value. */
  average(series: Series, window: number): number | undefined {
    const { slot } = this;
    const wanted = Math.min(liveSlots, Math.max(1, Math.round(window / second)));
    if (slot === undefined) return undefined;
    let [count, sum] = [0, 0];
    for (let at = Math.max(this.liveFrom, slot - wanted + 1); at <= slot; at++) {
      const value = series.at(at);
      if (Number.isNaN(value)) continue;
      count += 1;
      sum += value;
    }
    return count * 2 >= wanted ? sum / count : undefined;
  }

  async read(request: Parameters<MetricsReader['read']>[0]): Promise<SeriesSlice[]> {
    const { metric, where = () => true, from, to } = request;
    const step = Math.max(second, Math.round(request.step / second) * second);
    const first = Math.floor(from / step) * step;
    const grid = new Grid(first, step, Math.max(0, Math.ceil((to - first) / step)));
    if (grid.count === 0 || grid.count > mostCells) return [];
    for (const part of this.sources(grid)) {
      if (part.tier === undefined) this.readLive(grid, { metric, where, ...part });
      else await this.readTier(grid, { metric, where, from: part.from, to: part.to, number: part.tier });
    }
    return grid.slices();
  }

  series(): { metric: string; labels: Labels }[] {
    return [...this.alive.values()].map(({ metric, labels }) => ({ metric, labels }));
  }

  async metrics(): Promise<string[]> {
    const names = new Set([...this.alive.values()].map(({ metric }) => metric));
    for (const tier of this.tiers) for (const name of await tier.metrics()) names.add(name);
    return [...names].sort();
  }

  /** Writes buckets in the making as they are, and waits for the disk. */
  async close(): Promise<void> {
    for (const number of this.tiers.keys()) this.closeBucket(number);
    for (const tier of this.tiers) await tier.flush();
  }

  finest(at: number): number {
    const { slot } = this;
    if (slot === undefined || at > (slot - liveSlots) * second) return second;
    return this.sourcesSince().find(({ since }) => since <= at)?.step ?? second;
  }

  /** Where values come from, finest first, and since when each knows all there is. */
  private sourcesSince(): { tier?: number; step: number; since: number }[] {
    const { slot } = this;
    const live = slot === undefined ? Infinity : Math.max(this.liveFrom, slot - liveSlots + 1) * second;
    const now = slot === undefined ? Infinity : slot * second;
    return [
      { step: second, since: live },
      ...tierSpecs.map(({ step, keep }, tier) => ({ tier, step, since: slot === undefined ? -Infinity : now - keep })),
    ];
  }

  /** Which source answers for which stretch: the coarsest that is fine enough, of those that still have it. */
  private sources(grid: Grid): { from: number; to: number; tier?: number }[] {
    const known = this.sourcesSince();
    const cuts = [grid.first, ...known.map(({ since }) => since).filter((at) => at > grid.first && at < grid.end)];
    cuts.sort((one, other) => one - other);
    const parts: { from: number; to: number; tier?: number }[] = [];
    for (const [index, from] of cuts.entries()) {
      const there = known.filter(({ since }) => since <= from);
      const enough = there.filter(({ step }) => step <= grid.step).at(-1) ?? there[0];
      const [to, before] = [cuts[index + 1] ?? grid.end, parts.at(-1)];
      if (before && before.tier === enough?.tier) before.to = to;
      else parts.push(enough?.tier === undefined ? { from, to } : { from, to, tier: enough.tier });
    }
    return parts;
  }

  private readLive(
    grid: Grid,
    request: { metric: string; where: (labels: Labels) => boolean; from: number; to: number },
  ): void {
    const { metric, where, from, to } = request;
    const last = Math.min(this.slot ?? -1, Math.ceil(to / second) - 1);
    for (const series of this.alive.values()) {
      if (series.metric !== metric || !where(series.labels)) continue;
      const cells = grid.row(series);
      for (let slot = Math.ceil(from / second); slot <= last; slot++) {
        const value = series.at(slot);
        if (Number.isNaN(value)) continue;
        grid.add(
          cells,
          { at: slot * second, width: second, from, to },
          { average: value, minimum: value, maximum: value },
        );
      }
    }
  }

  private async readTier(
    grid: Grid,
    request: { metric: string; where: (labels: Labels) => boolean; from: number; to: number; number: number },
  ): Promise<void> {
    const { metric, where, from, to, number } = request;
    const tier = this.tiers[number] as Tier;
    const width = tier.step;
    await tier.read({ metric, from: from - width, to }, (start, { name, average, minimum, maximum }) => {
      if (!where(name.labels)) return;
      const cells = grid.row(name);
      // What is no wider than a cell counts where it begins; what is wider may begin before the stretch and reach into it.
      const index = Math.max(
        0,
        width <= grid.step ? Math.ceil((from - start) / width) : Math.floor((from - start) / width),
      );
      const end = Math.min(periodBuckets, Math.ceil((to - start) / width));
      for (let at = index; at < end; at++) {
        const value = average[at] as number;
        if (Number.isNaN(value)) continue;
        const found = { average: value, minimum: minimum[at] as number, maximum: maximum[at] as number };
        grid.add(cells, { at: start + at * width, width, from, to }, found);
      }
    });
    const bucket = this.current[number];
    if (bucket === undefined || bucket * width >= to || (bucket + 1) * width <= from) return;
    for (const series of this.alive.values()) {
      const making = series.buckets[number];
      if (series.metric !== metric || !making || making.count === 0 || !where(series.labels)) continue;
      const { sum, count, minimum, maximum } = making;
      grid.add(grid.row(series), { at: bucket * width, width, from, to }, { average: sum / count, minimum, maximum });
    }
  }

  private closeBuckets(slot: number): void {
    for (const [number, { step }] of tierSpecs.entries()) {
      const bucket = Math.floor((slot * second) / step);
      if (this.current[number] === bucket) continue;
      this.closeBucket(number);
      this.current[number] = bucket;
    }
  }

  private closeBucket(number: number): void {
    const bucket = this.current[number];
    if (bucket === undefined) return;
    const rows: Row[] = [];
    for (const series of this.alive.values()) {
      const making = series.buckets[number];
      if (!making || making.count === 0) continue;
      const { sum, count, minimum, maximum } = making;
      rows.push({ name: series, average: sum / count, minimum, maximum });
      making.clear();
    }
    if (rows.length > 0) this.tiers[number]?.append(bucket, rows);
  }

  private prune(slot: number): void {
    this.prunedAt = slot;
    for (const series of this.alive.values()) {
      if (series.lastSlot < slot - liveSlots && series.buckets.every(({ count }) => count === 0)) {
        this.alive.delete(series.key);
        series.dropped = true;
      }
    }
    const retention = this.options.retention();
    for (const [number, { keep }] of tierSpecs.entries())
      this.tiers[number]?.prune(slot * second - Math.min(keep, retention));
  }
}
