import { describe, expect, it } from 'vitest';
import { createFormat } from '../../../src-renderer/parts/format';

const en = createFormat('en');
const zh = createFormat('zh-CN');
const mib = 1024 ** 2;
const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

describe('bytes', () => {
  it.each([
    [0, '0 B'],
    [512, '512 B'],
    [1024, '1 KiB'],
    [1023.6 * 1024, '1 MiB'],
    [9 * mib, '9 MiB'],
    [9.5 * mib, '9.5 MiB'],
    [402 * mib, '402 MiB'],
    [4301 * mib, '4.2 GiB'],
    [21.6 * 1024 * mib, '21.6 GiB'],
    [64 * 1024 * mib, '64 GiB'],
    [181 * 1024 * mib, '181 GiB'],
    [Number.NaN, '–'],
  ])('%d is %s', (value, words) => expect(en.bytes(value)).toBe(words));
});

describe('other numbers', () => {
  it.each([
    [en.cores(0.41), '0.41'],
    [en.cores(12.5), '12.5'],
    [en.cores(128), '128'],
    [en.percent(0.93), '93%'],
    [en.percent(0.041), '4.1%'],
    [en.percent(0), '0%'],
    [en.percent(0.0001), '<0.1%'],
    [en.rate(0.44), '0.4'],
    [en.rate(412), '412'],
    [en.rate(2140), '2,140'],
    [en.rate(12_400), '12.4 k'],
    [en.count(1204), '1,204'],
    [zh.count(1204), '1,204'],
    [en.byteRate(1.5 * mib), '1.5 MiB/s'],
    [en.count(Number.POSITIVE_INFINITY), '–'],
  ])('%s is %s', (is, should) => expect(is).toBe(should));
});

describe('spans of time', () => {
  it.each([
    [en.duration(320), '320 ms'],
    [en.duration(2000), '2 s'],
    [en.duration(2 * minute + 48 * second), '2 min 48 s'],
    [zh.duration(2 * minute + 48 * second), '2 分 48 秒'],
    [en.duration(59_700), '1 min'],
    [en.duration(hour + 5 * minute + 3 * second), '1 h 5 min'],
    [en.duration(3 * day), '3 d'],
    [en.age(45 * second), '45 s'],
    [en.age(10 * minute), '10 m'],
    [zh.age(10 * minute), '10 分'],
    [en.age(11 * hour), '11 h'],
    [en.age(6 * day + hour), '6 d'],
    [en.age(-5), '0 s'],
    [en.countdown(48 * second), '0:48'],
    [en.countdown(151 * second), '2:31'],
    [en.countdown(hour + 2 * minute + 5 * second), '1:02:05'],
    [en.countdown(-1), '0:00'],
  ])('%s is %s', (is, should) => expect(is).toBe(should));
});

describe('instants', () => {
  const at = new Date(2026, 10, 19, 14, 24, 18, 102).getTime();
  it.each([
    [en.clock(at), '14:24:18'],
    [en.clockMs(at), '14:24:18.102'],
    [en.minute(at), '14:24'],
    [en.dateTime(at), '2026-11-19 14:24:18'],
    [en.moment(at, at + hour), '14:24'],
    [en.moment(at, at + 4 * day), 'Nov 19 14:24'],
    [zh.moment(at, at + 4 * day), '11 月 19 日 14:24'],
    [en.clock(Number.NaN), '–'],
  ])('%s is %s', (is, should) => expect(is).toBe(should));
});
