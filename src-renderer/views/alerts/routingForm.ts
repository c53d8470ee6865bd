/** The routing of alerts as it is written in a form: matchers in one line, spans and times as text. */
import type { LabelMatcher, MuteTime, Routing, Severity } from '../../../src-main/contract/api/alerts';
import { parseSpan, writeSpan } from './alertTexts';

export interface RouteField {
  /** Tells rows apart while they move. */
  key: number;
  matchers: string;
  channels: string[];
  goesOn: boolean;
  /** Its own times; empty ones are the routing's. */
  wait: string;
  interval: string;
  repeat: string;
}

export interface MuteField {
  key: number;
  name: string;
  days: number[];
  from: string;
  to: string;
  except: Severity | 'none';
}

export interface RoutingForm {
  routes: RouteField[];
  channels: string[];
  groupBy: string;
  wait: string;
  interval: string;
  repeat: string;
  muteTimes: MuteField[];
}

/** What is wrong, by field; spans by name, rows by key. */
export interface RoutingFaults {
  routes: Set<number>;
  /** Times of routes: `<key> <name>`. */
  routeSpans: Set<string>;
  spans: Set<SpanName>;
  names: Set<number>;
  times: Set<number>;
}

export type SpanName = 'wait' | 'interval' | 'repeat';

const day = 86_400_000;
/** Least and longest, milliseconds, as the contract has them. */
export const spanBounds: Record<SpanName, readonly [number, number]> = {
  wait: [0, day],
  interval: [1000, day],
  repeat: [60_000, 30 * day],
};

let lastKey = 0;
export function nextKey(): number {
  return (lastKey += 1);
}

const onePart = /\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^,"]*))\s*(?:,|$)/y;

/** `severity=critical, service=~"shop/(a,b)"`; undefined when something of it is no matcher. An empty text matches everything. */
export function parseMatchers(text: string): LabelMatcher[] | undefined {
  const found: LabelMatcher[] = [];
  const rest = text.trim();
  onePart.lastIndex = 0;
  while (onePart.lastIndex < rest.length) {
    const part = onePart.exec(rest);
    if (!part) return undefined;
    const [, label = '', operator = '=', quoted, bare = ''] = part;
    const value = quoted === undefined ? bare.trim() : quoted.replace(/\\(.)/g, '$1');
    found.push({ label, operator: operator as LabelMatcher['operator'], value });
  }
  return found;
}

export function writeMatchers(matchers: readonly LabelMatcher[]): string {
  return matchers
    .map(({ label, operator, value }) => {
      const plain = /^[^\s,"\\~](?:[^,"\\]*[^\s,"\\])?$/.test(value) || value === '';
      return `${label}${operator}${plain ? value : `"${value.replace(/["\\]/g, '\\$&')}"`}`;
    })
    .join(', ');
}

/** Minutes after midnight; undefined when it is no time of a day. */
export function parseTime(text: string): number | undefined {
  const found = /^\s*(\d{1,2})[:：](\d{2})\s*$/.exec(text);
  if (!found) return undefined;
  const [hours, minutes] = [Number(found[1]), Number(found[2])];
  const all = hours * 60 + minutes;
  return minutes < 60 && all <= 1440 ? all : undefined;
}

export function writeTime(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}

export function formOf(routing: Routing): RoutingForm {
  return {
    routes: routing.routes.map((route) => ({
      key: nextKey(),
      matchers: writeMatchers(route.matchers),
      channels: [...route.channels],
      goesOn: route.continue,
      wait: spanText(route.groupWait),
      interval: spanText(route.groupInterval),
      repeat: spanText(route.repeatInterval),
    })),
    channels: [...routing.channels],
    groupBy: routing.groupBy.join(', '),
    wait: writeSpan(routing.groupWait),
    interval: writeSpan(routing.groupInterval),
    repeat: writeSpan(routing.repeatInterval),
    muteTimes: routing.muteTimes.map(({ name, days, from, to, except }) => ({
      ...{ key: nextKey(), name, days: [...days], from: writeTime(from), to: writeTime(to) },
      except: except ?? 'none',
    })),
  };
}

function spanText(span: number | undefined): string {
  return span === undefined ? '' : writeSpan(span);
}

export const spanNames = ['wait', 'interval', 'repeat'] as const;

export function faultsOf(form: RoutingForm): RoutingFaults {
  const outside = (name: SpanName, text = form[name]): boolean => {
    const span = parseSpan(text);
    const [least, longest] = spanBounds[name];
    return span === undefined || span < least || span > longest;
  };
  const keys = <Row extends { key: number }>(rows: readonly Row[], isWrong: (row: Row) => boolean): Set<number> =>
    new Set(rows.filter(isWrong).map(({ key }) => key));
  return {
    routes: keys(form.routes, ({ matchers }) => parseMatchers(matchers) === undefined),
    routeSpans: new Set(
      form.routes.flatMap((route) =>
        spanNames
          .filter((name) => route[name].trim() !== '' && outside(name, route[name]))
          .map((name) => `${route.key} ${name}`),
      ),
    ),
    spans: new Set(spanNames.filter((name) => outside(name))),
    names: keys(form.muteTimes, ({ name }) => name.trim() === ''),
    times: keys(form.muteTimes, ({ from, to }) => parseTime(from) === undefined || parseTime(to) === undefined),
  };
}

/** The routing that the form says, or undefined while something in it is wrong. */
export function routingOf(form: RoutingForm): Routing | undefined {
  const faults = faultsOf(form);
  if (Object.values(faults).some((set: Set<unknown>) => set.size > 0)) return undefined;
  return {
    routes: form.routes.map(({ matchers, channels, goesOn, wait, interval, repeat }) => ({
      ...{ matchers: parseMatchers(matchers) ?? [], channels: [...channels], continue: goesOn },
      ...(wait.trim() === '' ? {} : { groupWait: parseSpan(wait) ?? 0 }),
      ...(interval.trim() === '' ? {} : { groupInterval: parseSpan(interval) ?? 0 }),
      ...(repeat.trim() === '' ? {} : { repeatInterval: parseSpan(repeat) ?? 0 }),
    })),
    channels: [...form.channels],
    groupBy: form.groupBy.split(/[\s,，]+/).filter((name) => name !== ''),
    groupWait: parseSpan(form.wait) ?? 0,
    groupInterval: parseSpan(form.interval) ?? 0,
    repeatInterval: parseSpan(form.repeat) ?? 0,
    muteTimes: form.muteTimes.map(({ name, days, from, to, except }): MuteTime => {
      return {
        name: name.trim(),
        days: [...days].sort(),
        from: parseTime(from) ?? 0,
        to: parseTime(to) ?? 0,
        ...(except === 'none' ? {} : { except }),
      };
    }),
  };
}
