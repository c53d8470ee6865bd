/** Notes for whoever looks into a problem later. The core is handed a `Log` and never finds one. */

export type LogSeverity = 'debug' | 'info' | 'warn' | 'error';

/** Writes one note. Facts are small plain values; never environment values, file contents or anything secret. */
export type Log = (severity: LogSeverity, text: string, facts?: Record<string, unknown>) => void;

/** A log that keeps nothing. */
export const silent: Log = () => {};
