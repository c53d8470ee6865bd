/** 副本放置的句子；键与 src-main/contract/scheduleWords.ts 相同。 */
import type { scheduleWords as english } from '../../../src-main/contract/scheduleWords';

export const scheduleWords: Record<keyof typeof english, string> = {
  'replica.noMemory': '需预留 {need} 内存，{node} 未被预留的只有 {free}',
  'replica.noCpus': '需预留 {need} 核，{node} 未被预留的只有 {free}',
  'replica.cordoned': '{node} 已封锁，不接收新副本',
  'event.nodeCordoned': '{node} 已封锁：不再接收新副本',
  'event.nodeUncordoned': '{node} 重新接收新副本',
};
