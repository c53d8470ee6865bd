/** 自动伸缩的句子；键与 src-main/contract/autoscaleWords.ts 相同。 */
import type { autoscaleWords as english } from '../../../src-main/contract/autoscaleWords';

export const autoscaleWords: Record<keyof typeof english, string> = {
  'event.serviceAutoscaled': '{service} 自动伸缩 {from} → {to}：{metric} 为 {value}，目标 {target}',
  'event.serviceBounded': '{service} 自动伸缩 {from} → {to}：允许范围 {min} 到 {max}',
  'event.serviceScheduled': '{service} 按计划 {cron} 伸缩 {from} → {to}',
  'event.autoscaleChanged': '{service} 的伸缩规则已修改',
  'autoscale.metric': '{metric} 为 {value}，目标 {target}',
  'autoscale.bounds': '允许范围 {min} 到 {max}',
  'autoscale.schedule': '计划 {cron}',
  'autoscale.steady': '所有指标都在容差之内',
  'autoscale.atMax': '应为 {wanted}，但最多 {max} 个',
  'autoscale.atMin': '{wanted} 个即可，但最少 {min} 个',
  'autoscale.stabilizing': '目前应为 {wanted}；等待整个稳定窗口都如此',
  'autoscale.limited': '应为 {wanted}；规则暂不允许更快的变化',
  'autoscale.rollout': '滚动更新期间不缩容',
  'autoscale.missing': '没有 {metric} 的数据时不做任何改动',
  'autoscale.partly': '缺少 {metric} 的数据时不缩容',
  'autoscale.off': '未启用自动伸缩',
  'autoscale.resting': '已缩到零：手动扩容之前自动伸缩暂停',
  'autoscale.stopped': '服务已停止',
  'autoscale.settling': '等待数据恢复可用',
  'autoscale.noReservation': '{metric} 没有预留或上限，无法计算占比',
  'autoscale.noSamples': '{metric} 没有测量值',
  'autoscale.noShare': '{metric} 不是占比：请使用 AverageValue 或 Value',
  'autoscale.badQuery': '{metric} 无法查询：{reason}',
};
