/** Sentences about alerts and notices. */
export const alertWords = {
  'event.alertFiring': '{alert}: {summary}',
  'event.alertResolved': '{alert} is over: {summary}',
  'event.ruleChanged': 'Alert rule {rule} changed',
  'event.ruleRemoved': 'Alert rule {rule} removed',
  'event.routingChanged': 'The routing of alerts was changed',
  'event.silenceMade': 'Alerts silenced: {comment}',
  'notice.delivered': 'Delivered',
  'notice.noChannel': 'The channel is gone or off',
  'notice.failed': 'It could not be made: {reason}',
  'notice.status': '{host} answered with {status}',
  'notice.refusedByService': '{host} did not take it, code {code}',
  'notice.unreachable': '{host} cannot be reached: {reason}',
  'notice.badAddress': '{address} is not an address that notices can be sent to',
  'notice.localAddress':
    '{host} leads to this machine or a private network. Allow local addresses for this channel if that is meant',
  'notice.forbiddenAddress': '{host} leads to an address that notices are never sent to',
  'notice.timeout': '{host} did not answer in time',
  'notice.mailRefused': '{host} did not take the mail: {reason}',
  'notice.noNetwork': 'This app does not send notices over the network',
} as const;
