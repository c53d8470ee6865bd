/** How requests reach the replicas of one service, as the core tells it, with the last minute of each replica for sparklines. */
import { onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue';
import type { TrafficView } from '../../src-main/contract/api/traffic';
import type { Problem } from '../../src-main/contract/errors';

import type { OpenedStream } from '../../src-main/contract/client';
import { open } from '../bridge';

/** Values kept per replica: a minute, once a second. */
const kept = 60;

export interface TrafficStream {
  traffic: ShallowRef<TrafficView | undefined>;
  problem: ShallowRef<Problem | undefined>;
  /** Requests a second by replica, oldest first. */
  history: ShallowRef<ReadonlyMap<string, readonly number[]>>;
  retry(): void;
}

export function useTraffic(service: () => string): TrafficStream {
  const traffic = shallowRef<TrafficView>();
  const problem = shallowRef<Problem>();
  const history = shallowRef<ReadonlyMap<string, readonly number[]>>(new Map());
  let stream: OpenedStream | undefined;
  let noted = 0;

  function begin(): void {
    stream?.dispose();
    problem.value = undefined;
    stream = open(
      'traffic.watch',
      { service: service() },
      {
        item(view) {
          traffic.value = view;
          const now = performance.now();
          // Acts bring further views between two looks at the counters.
          if (now - noted < 900) return;
          noted = now;
          history.value = new Map(
            view.replicas.map((one) => [
              one.replica,
              [...(history.value.get(one.replica) ?? []), one.requests].slice(-kept),
            ]),
          );
        },
        end(cause) {
          problem.value = cause;
        },
      },
    );
  }

  watch(
    service,
    () => {
      traffic.value = undefined;
      history.value = new Map();
      begin();
    },
    { immediate: true },
  );
  onScopeDispose(() => stream?.dispose());
  return { traffic, problem, history, retry: begin };
}
