/** Alerts: rules over metrics, logs and events, and notices of what they find. See README.md. */
export { createAlerts, type Alerts, type AlertsOptions } from './alerts';
export type { Deliver, Delivery, DesktopOutgoing, HttpOutgoing, MailOutgoing, Outgoing } from './outgoing';
export { parseRuleFile } from './ruleFile';
export type { Sealer } from './secrets';
export type { LogCount } from './sources';
