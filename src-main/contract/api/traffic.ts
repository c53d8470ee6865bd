/** Traffic: how requests reach the replicas of a service, live. */
import { z } from 'zod';
import type { Sentence } from '../sentence';
import { act, read, state } from './define';

const service = z.string().min(1).max(127);
const replica = z.string().min(1).max(135);

/** One replica as the gateway sees it. Rates are per second over the last second. */
export interface TrafficReplica {
  /** `<stack>/<service>.<slot>`. */
  replica: string;
  slot: number;
  address?: string;
  /** `ready` gets requests; `draining` finishes what it has; `out` gets none; `down` fails the gateway's own checks. */
  state: 'ready' | 'draining' | 'out' | 'down';
  /** The user took it out by hand. */
  byHand: boolean;
  /** 0 to 256; 100 when nobody changed it. */
  weight: number;
  /** Share of the service's requests, 0 to 1. */
  share: number;
  /** Requests (HTTP) or connections (TCP) under way. */
  sessions: number;
  requests: number;
  errors: number;
  /** Milliseconds; absent while there is too little traffic. */
  p50?: number;
  p95?: number;
}

export interface TrafficView {
  /** `<stack>/<service>`. */
  service: string;
  /** `direct`: its one replica publishes the port itself. */
  behind: 'gateway' | 'direct' | 'none';
  words: Sentence;
  gateway: {
    state: 'absent' | 'starting' | 'running' | 'failed';
    words: Sentence;
    container?: { id: string; name: string };
    /** Reloads since the app started; changes of replicas need none. */
    reloads: number;
  };
  /** `certificate`: TLS ends there, with it. */
  ports: {
    published: number;
    target: number;
    mode: 'tcp' | 'http';
    url?: string;
    certificate?: string;
    problem?: Sentence;
  }[];
  routes: {
    url: string;
    target: number;
    /** Its encrypted address, and whether the plain one leads there. */
    secureUrl?: string;
    certificate?: string;
    redirects?: boolean;
    /** Why the address is not the one without a port. */
    note?: Sentence;
    problem?: Sentence;
  }[];
  mode: 'tcp' | 'http';
  algorithm: 'roundrobin' | 'leastconn' | 'source' | 'consistent-hash' | 'static-rr';
  sticky: boolean;
  /** Milliseconds a replica may take to finish before it is stopped. */
  drain: number;
  /** No replica is ready; the last ones are kept in the set. */
  kept: boolean;
  replicas: TrafficReplica[];
  requests: number;
  errors: number;
  sessions: number;
  p50?: number;
  p95?: number;
}

export const trafficCalls = {
  'traffic.get': read<TrafficView>()(z.strictObject({ service })),
  /** Takes a replica out of the set, or back in. It goes on running. */
  'traffic.drain': act<null>()(z.strictObject({ replica, drained: z.boolean().default(true) })),
  /** 0 to 256; 100 is usual. */
  'traffic.weight': act<null>()(z.strictObject({ replica, weight: z.number().int().min(0).max(256) })),
};

export const trafficStreams = {
  'traffic.watch': state<TrafficView>()(z.strictObject({ service })),
};
