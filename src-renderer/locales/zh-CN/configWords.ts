/** The sentences of the config center in Chinese; the same keys as src-main/contract/configWords.ts. */
import type { configWords as english } from '../../../src-main/contract/configWords';

export const configWords: Record<keyof typeof english, string> = {
  'config.wrongText': '{item} 不符合其格式或模式',
  'config.conflict': '{item} 已被他人发布：版本 {release}，由 {by} 于 {seconds} 秒前发布；你看到的是版本 {expected}',
  'config.conflictNone': '{item} 没有已发布的版本；你看到的是版本 {expected}',
  'config.noGray': '{item} 没有灰度版本',
  'config.guardWatching': '正在观察已获得该版本的使用者',
  'config.guardByHand': '已手动结束',
  'config.guardBroken': '{replica} 不再正常',
  'config.guardRestarted': '{replica} 已重启',
  'config.guardErrors': '日志中每分钟 {now} 个错误，之前为 {before} 个',
  'config.guardSlow': '响应时间第 95 百分位为 {now} 毫秒，之前为 {before} 毫秒',
  'config.guardStalled': '观察期间无人获取该版本：请自行全量发布或撤回',
  'config.guardWidened': '获得该版本的 {count} 个使用者均保持正常，现已全量发布',
  'event.configPublished': '{item} 版本 {release} 已由 {by} 发布',
  'event.configGray': '{item} 版本 {release} 已由 {by} 灰度发布',
  'event.configWithdrawn': '{item} 灰度版本 {release} 已由 {by} 撤回',
  'event.configRegrayed': '{item} 灰度版本 {release} 的使用者已由 {by} 变更',
  'event.configRemoved': '{item} 已由 {by} 移除',
  'event.configStalled': '{item} 版本 {release} 在观察期间无人获取',
  'event.configGuardWithdrew': '{item} 版本 {release} 已被守护撤回：{reason}',
  'http.off': '已关闭',
  'http.running': '运行中',
  'http.failed': '未运行：{reason}',
};
