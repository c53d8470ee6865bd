export { PortWatch } from './portWatch';
export { Prober, type Dial, type Dialer, type ProbeTarget } from './prober';
export type { Probes, ProbeResult, ProbeVerdict } from './state';
