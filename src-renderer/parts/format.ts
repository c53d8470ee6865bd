/** The languages of the window. */
export type Language = 'en' | 'zh-CN';

/** Writes numbers, sizes and times as the window shows them. All functions are pure; local time is the machine's. */
export interface Format {
  /** Whole numbers with separators: "2,140". */
  count(value: number): string;
  /** Sizes in binary units: "402 MiB", "4.2 GiB". Bytes. */
  bytes(value: number): string;
  /** Bytes per second: "1.2 MiB/s". */
  byteRate(value: number): string;
  /** CPU cores: "0.41", "12.5". */
  cores(value: number): string;
  /** A share from 0 to 1 as "93%", "4.1%". */
  percent(share: number): string;
  /** Events per second without unit: "0.4", "412", "12.4 k". */
  rate(value: number): string;
  /** A span in its two largest units: "2 min 48 s", "320 ms". Milliseconds. */
  duration(ms: number): string;
  /** A span in its largest unit: "10 m", "6 d". Milliseconds. */
  age(ms: number): string;
  /** What is left, running: "0:48", "1:02:05". Milliseconds. */
  countdown(ms: number): string;
  /** "14:24:18", local. Milliseconds since the epoch. */
  clock(at: number): string;
  /** "14:24", local. */
  minute(at: number): string;
  /** "14:24:18.102", local. */
  clockMs(at: number): string;
  /** "2026-11-23 14:24:18", local. */
  dateTime(at: number): string;
  /** "14:24" when it is the day of `now`, else "Nov 19 14:24" / "11 月 19 日 14:24". */
  moment(at: number, now: number): string;
}

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const englishMonths = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const unitWords = {
  en: { d: 'd', h: 'h', min: 'min', s: 's', ms: 'ms', ageDay: 'd', ageHour: 'h', ageMinute: 'm', ageSecond: 's' },
  'zh-CN': {
    d: '天',
    h: '小时',
    min: '分',
    s: '秒',
    ms: '毫秒',
    ageDay: '天',
    ageHour: '小时',
    ageMinute: '分',
    ageSecond: '秒',
  },
} as const;

function trimZero(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
function pad(value: number, length = 2): string {
  return String(value).padStart(length, '0');
}
function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
function known(write: (value: number) => string): (value: number) => string {
  return (value) => (Number.isFinite(value) ? write(value) : '–');
}

function bytes(value: number): string {
  let size = Math.abs(value);
  let unit = 0;
  // 1023.6 KiB would be written "1024 KiB", so the next unit starts a little early
  while (size >= 1023.5 && unit < byteUnits.length - 1) {
    size /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || size >= 100 || (unit < 3 && size >= 10) ? 0 : 1;
  return `${value < 0 ? '−' : ''}${trimZero(size.toFixed(digits))} ${byteUnits[unit]}`;
}
function cores(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}
function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 0.1) return '<0.1%';
  return `${trimZero(value.toFixed(Math.abs(value) < 10 ? 1 : 0))}%`;
}
function rate(value: number): string {
  if (value > 0 && value < 0.1) return '<0.1';
  if (value < 10) return trimZero(value.toFixed(1));
  if (value < 10_000) return grouped(value);
  return value < 1_000_000
    ? `${trimZero((value / 1000).toFixed(1))} k`
    : `${trimZero((value / 1_000_000).toFixed(1))} M`;
}
function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / second));
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${pad(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(seconds % 60)}`;
}
function clock(at: number): string {
  const date = new Date(at);
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}
function clockMinute(at: number): string {
  return clock(at).slice(0, 5);
}
function isoDay(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

/** The formats of one language. Values that are not finite are written "–". */
export function createFormat(language: Language): Format {
  const words = unitWords[language];
  function duration(ms: number): string {
    const span = Math.max(0, ms);
    if (span < second) return `${Math.round(span)} ${words.ms}`;
    if (span < 10 * second) return `${trimZero((span / second).toFixed(1))} ${words.s}`;
    const whole = Math.round(span / second) * second;
    const parts: [number, string][] = [
      [Math.floor(whole / day), words.d],
      [Math.floor((whole % day) / hour), words.h],
      [Math.floor((whole % hour) / minute), words.min],
      [Math.floor((whole % minute) / second), words.s],
    ];
    const first = parts.findIndex(([amount]) => amount > 0);
    return parts
      .slice(first, first + 2)
      .filter(([amount]) => amount > 0)
      .map(([amount, unit]) => `${amount} ${unit}`)
      .join(' ');
  }
  function age(ms: number): string {
    const span = Math.max(0, ms);
    if (span < minute) return `${Math.floor(span / second)} ${words.ageSecond}`;
    if (span < hour) return `${Math.floor(span / minute)} ${words.ageMinute}`;
    if (span < day) return `${Math.floor(span / hour)} ${words.ageHour}`;
    return `${Math.floor(span / day)} ${words.ageDay}`;
  }
  function moment(at: number, now: number): string {
    if (isoDay(at) === isoDay(now)) return clockMinute(at);
    const date = new Date(at);
    const dayText =
      language === 'en'
        ? `${englishMonths[date.getMonth()]} ${date.getDate()}`
        : `${date.getMonth() + 1} 月 ${date.getDate()} 日`;
    return `${dayText} ${clockMinute(at)}`;
  }
  return {
    count: known(grouped),
    bytes: known(bytes),
    byteRate: known((value) => `${bytes(value)}/s`),
    cores: known(cores),
    percent: known(percent),
    rate: known(rate),
    duration: known(duration),
    age: known(age),
    countdown: known(countdown),
    clock: known(clock),
    minute: known(clockMinute),
    clockMs: known((at) => `${clock(at)}.${pad(new Date(at).getMilliseconds(), 3)}`),
    dateTime: known((at) => `${isoDay(at)} ${clock(at)}`),
    moment: (at, now) => known((value) => moment(value, now))(at),
  };
}
