/**
 * Traffic: the gateway. Published ports that several replicas share lead to one HAProxy per engine, which knows the ready replicas and
 * lets each finish before it is stopped. `desired` says what is wanted (pure), `seats` who sits where (pure), `config` writes it down
 * (pure), `gateway` acts, `runtime` is the line to HAProxy; README.md beside this file tells how they meet.
 */
export { gatewayConfig } from './config';
export { createTraffic, type Demanded, type Traffic, type TrafficOptions } from './traffic';
