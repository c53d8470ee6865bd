/** Scaling by itself, as Kubernetes' HPA v2 does it; schedules, and rehearsals over what was recorded. See README.md. */
import type { CallHandlers } from '../../contract/api';
import type { autoscaleCalls } from '../../contract/api/autoscale';
import { Autoscaler, type AutoscalerOptions } from './autoscaler';
import { autoscaleHandlers } from './handlers';

export interface Autoscale {
  calls: CallHandlers<typeof autoscaleCalls>;
  start(): void;
  stop(): void;
}

/** Makes the room. Nothing is decided before `start`. */
export function createAutoscale(options: AutoscalerOptions): Autoscale {
  const autoscaler = new Autoscaler(options);
  return {
    calls: autoscaleHandlers({ ...options, autoscaler }),
    start: () => autoscaler.start(),
    stop: () => autoscaler.dispose(),
  };
}
