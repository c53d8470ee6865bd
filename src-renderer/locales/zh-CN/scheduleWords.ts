/** 副本放置的句子；键与 src-main/contract/scheduleWords.ts 相同。 */
import type { scheduleWords as english } from '../../../src-main/contract/scheduleWords';

export const scheduleWords: Record<keyof typeof english, string> = {
  'replica.noMemory': '需预留 {need} 内存，{node} 未被预留的只有 {free}',
  'replica.noCpus': '需预留 {need} 核，{node} 未被预留的只有 {free}',
  'replica.nodeAway': '{node} 没有响应',
  'replica.dataAway': '它的卷 {volume} 在没有响应的 {node} 上：宁可等待，也不从空卷开始',
  'replica.dataKept': '它的卷 {volume} 在不接收新副本的 {node} 上',
  'replica.folderKept': '它使用目录 {path}，该目录在目前不接收副本的 {node} 上',
  'replica.networkKept': '它使用网络 {network}，该网络在目前不接收副本的 {node} 上',
  'replica.keptWith': '它必须与目前无处可去的 {services} 在同一节点',
  'reason.drained': '所在节点正在排空',
  'reason.nodeLost': '{node} 失联过久',
  'event.nodeAway': '{node} 没有响应',
  'event.nodeBack': '{node} 恢复响应',
  'event.nodeJoined': '{node} 已加入，可接收副本',
  'event.nodeParted': '{node} 不再是节点',
  'event.nodeDrained': '{node} 正在排空：其上的副本移往别处',
  'drain.moves': '移往 {node}',
  'drain.ends': '在此结束：它在每个节点上运行一份',
  'replica.cordoned': '{node} 已封锁，不接收新副本',
  'event.nodeCordoned': '{node} 已封锁：不再接收新副本',
  'event.nodeUncordoned': '{node} 重新接收新副本',
};
