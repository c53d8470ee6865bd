/** Sentences about where replicas are placed. */
export const scheduleWords = {
  'replica.noMemory': 'Reserves {need} of memory, {node} has {free} that is not reserved',
  'replica.noCpus': 'Reserves {need} cores, {node} has {free} that are not reserved',
  'replica.cordoned': '{node} is cordoned and takes nothing new',
  'event.nodeCordoned': '{node} cordoned: it takes nothing new',
  'event.nodeUncordoned': '{node} takes new replicas again',
} as const;
