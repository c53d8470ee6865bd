/**
 * Alerts become notices, by Alertmanager's rules: alerts of one group are told together, first after a wait, then at most once an
 * interval and only when something changed, again after the repeat interval. A route with times of its own has groups of its own. Pure:
 * time comes in, nothing is sent.
 */
import type { Route, Routing } from '../../contract/api/alerts';
import { matcherOf, sortedText, type Labels } from './labels';

/** An alert that may be told. Suppressed ones are not handed in. */
export interface Tellable {
  id: string;
  state: 'firing' | 'resolved';
  /** With `alertname`. */
  labels: Labels;
  /** Who is told of it, and whether of its end, too. */
  channels: readonly (Telling & { sendResolved: boolean })[];
}

/** One channel that hears of an alert. */
export interface Telling {
  id: string;
  /** The route that leads there, when it has times of its own. */
  route?: Route;
}

type Times = Pick<Routing, 'groupWait' | 'groupInterval' | 'repeatInterval'>;

/** A notice that is due. */
export interface Due {
  /** Channel and group labels. */
  group: string;
  channel: string;
  labels: Record<string, string>;
  firing: string[];
  resolved: string[];
}

/** What a group's last notice said. `at` on the clock that `flush` is given. */
export interface Told {
  firing: readonly string[];
  resolved: readonly string[];
  at: number;
}

interface Group {
  channel: string;
  labels: Record<string, string>;
  nextFlush: number;
}

const none: Told = { firing: [], resolved: [], at: -Infinity };

export class GroupBook {
  private readonly groups = new Map<string, Group>();
  /** By group; outlives it, so that the end of a silence is no news. */
  private readonly told = new Map<string, Told>();

  constructor(private routing: Times & Pick<Routing, 'groupBy' | 'routes'>) {}

  setRouting(routing: Times & Pick<Routing, 'groupBy' | 'routes'>): void {
    this.routing = routing;
  }

  /** The times of a group: its route's where that names them, else the routing's. A route is known by its matchers, as in its key. */
  private timesOf(key: string): Times {
    const route = this.routing.routes.find((one) => hasTimes(one) && key.endsWith(nameOf(one)));
    const { groupWait, groupInterval, repeatInterval } = this.routing;
    return {
      groupWait: route?.groupWait ?? groupWait,
      groupInterval: route?.groupInterval ?? groupInterval,
      repeatInterval: route?.repeatInterval ?? repeatInterval,
    };
  }

  /** Takes up a group's history after a restart. */
  restore(group: string, given: { channel: string; labels: Record<string, string>; told: Told; now: number }): void {
    const { channel, labels, told, now } = given;
    this.told.set(group, told);
    // As if the interval had gone on: a change is told at the next turn, not at once for all groups together.
    this.groups.set(group, { channel, labels, nextFlush: Math.max(now, told.at + this.timesOf(group).groupInterval) });
  }

  /** When something may be due next; undefined when there are no groups. */
  get nextFlush(): number | undefined {
    const times = [...this.groups.values()].map(({ nextFlush }) => nextFlush);
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  /** Takes note of all alerts there are, and returns what is to be told now. */
  flush(alerts: readonly Tellable[], now: number): Due[] {
    const members = this.sort(alerts, now);
    const due: Due[] = [];
    for (const [key, group] of this.groups) {
      if (group.nextFlush > now) continue;
      const own = members.get(key) ?? [];
      const times = this.timesOf(key);
      const notice = this.noticeOf(this.told.get(key), own, { now, repeatInterval: times.repeatInterval });
      if (notice) {
        due.push({ group: key, channel: group.channel, labels: group.labels, ...notice });
        this.told.set(key, { ...notice, at: now });
      }
      group.nextFlush = now + times.groupInterval;
      if (own.every(({ state }) => state === 'resolved')) this.groups.delete(key);
    }
    for (const [key, { at }] of this.told)
      if (!this.groups.has(key) && now - at > this.timesOf(key).repeatInterval) this.told.delete(key);
    return due;
  }

  /** The alerts of each group. New groups begin to wait; ends that nobody is told of are forgotten at once. */
  private sort(alerts: readonly Tellable[], now: number): Map<string, Tellable[]> {
    const members = new Map<string, Tellable[]>();
    for (const alert of alerts) {
      for (const { id: channel, sendResolved, route } of alert.channels) {
        const labels = groupOf(alert.labels, this.routing);
        const key = `${channel} ${sortedText(labels)}${route ? nameOf(route) : ''}`;
        if (alert.state === 'resolved' && (!sendResolved || !this.groups.has(key))) {
          this.forget(key, alert.id);
          continue;
        }
        if (!this.groups.has(key))
          this.groups.set(key, { channel, labels, nextFlush: now + this.timesOf(key).groupWait });
        const own = members.get(key);
        if (own) own.push(alert);
        else members.set(key, [alert]);
      }
    }
    return members;
  }

  /** Should it fire again, that is news. */
  private forget(key: string, id: string): void {
    const told = this.told.get(key);
    if (told?.firing.includes(id)) this.told.set(key, { ...told, firing: told.firing.filter((other) => other !== id) });
  }

  /** What to tell, or undefined when the last notice said it all (Alertmanager, `DedupStage.needsUpdate`). */
  private noticeOf(
    told = none,
    own: readonly Tellable[],
    { now, repeatInterval }: { now: number; repeatInterval: number },
  ): { firing: string[]; resolved: string[] } | undefined {
    const ids = (state: Tellable['state']): string[] =>
      own.filter((alert) => alert.state === state).map(({ id }) => id);
    const known = new Set(told.firing);
    const firing = ids('firing');
    // Only the end of what was told is told.
    const resolved = ids('resolved').filter((id) => known.has(id));
    const news = firing.some((id) => !known.has(id)) || resolved.length > 0;
    const again = firing.length > 0 && now - told.at >= repeatInterval;
    return news || again ? { firing, resolved } : undefined;
  }
}

/** The labels that an alert shares with all others of its group. */
export function groupOf(labels: Labels, { groupBy }: Pick<Routing, 'groupBy'>): Record<string, string> {
  if (groupBy.includes('...')) return { ...labels };
  return Object.fromEntries(groupBy.filter((name) => name in labels).map((name) => [name, labels[name] as string]));
}

/** Which channels hear of an alert: its rule's, else those of the first route that matches, else the routing's. */
export function channelsFor(labels: Labels, own: readonly string[], routing: Routing): string[] {
  return tellingsFor(labels, own, routing).map(({ id }) => id);
}

/** The same with the routes whose times count. A channel that several routes lead to is told by the first of them. */
export function tellingsFor(labels: Labels, own: readonly string[], routing: Routing): Telling[] {
  const routes = own.length > 0 ? [] : routesOf(labels, routing);
  if (routes.length === 0) return (own.length > 0 ? own : routing.channels).map((id) => ({ id }));
  const tellings = new Map<string, Telling>();
  for (const at of routes) {
    const route = routing.routes[at];
    for (const id of route?.channels ?? [])
      if (!tellings.has(id)) tellings.set(id, { id, ...(route && hasTimes(route) ? { route } : {}) });
  }
  return [...tellings.values()];
}

function hasTimes({ groupWait, groupInterval, repeatInterval }: Route): boolean {
  return (groupWait ?? groupInterval ?? repeatInterval) !== undefined;
}

/** As it stands at the end of its groups' keys; other times do not make it another route. */
function nameOf({ matchers }: Route): string {
  return ` by ${JSON.stringify(matchers.map(({ label, operator, value }) => label + operator + value))}`;
}

/** Places of the routes that an alert takes: the first that matches, and while they say `continue` those after it. */
export function routesOf(labels: Labels, { routes }: Pick<Routing, 'routes'>): number[] {
  const taken: number[] = [];
  for (const [at, route] of routes.entries()) {
    if (!matcherOf(route.matchers)(labels)) continue;
    taken.push(at);
    if (!route.continue) break;
  }
  return taken;
}
