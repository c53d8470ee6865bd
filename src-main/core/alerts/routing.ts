/** What a routing would make of an alert; for whoever writes one. */
import { severity, type Routing, type RoutingTrial } from '../../contract/api/alerts';
import { channelsFor, groupOf, routesOf } from './groups';
import type { Labels } from './labels';
import { isAtLeast, isMuted } from './suppress';

/** Throws `bad-input` for a pattern that is none. */
export function tryRouting(labels: Labels, routing: Routing, now: number): RoutingTrial {
  const given = severity.safeParse(labels['severity']);
  const mutedBy = routing.muteTimes.filter((time) => {
    const spared = time.except !== undefined && given.success && isAtLeast(given.data, time.except);
    return isMuted(time, now) && !spared;
  });
  return {
    routes: routesOf(labels, routing),
    channels: channelsFor(labels, [], routing),
    group: groupOf(labels, routing),
    mutedBy: mutedBy.map(({ name }) => name),
  };
}
