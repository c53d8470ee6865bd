/** 告警与通知的句子；键与 src-main/contract/alertWords.ts 相同。 */
import type { alertWords as english } from '../../../src-main/contract/alertWords';

export const alertWords: Record<keyof typeof english, string> = {
  'event.alertFiring': '{alert}：{summary}',
  'event.alertResolved': '{alert} 已恢复：{summary}',
  'event.ruleChanged': '告警规则 {rule} 已修改',
  'event.ruleRemoved': '告警规则 {rule} 已删除',
  'event.routingChanged': '告警路由已更改',
  'event.silenceMade': '告警已静默：{comment}',
  'event.silenceEnded': '静默已结束：{comment}',
  'event.channelChanged': '渠道 {channel} 已更改',
  'event.channelRemoved': '渠道 {channel} 已删除',
  'notice.delivered': '已送达',
  'notice.noChannel': '渠道不存在或已关闭',
  'notice.failed': '无法生成通知：{reason}',
  'notice.status': '{host} 返回 {status}',
  'notice.refusedByService': '{host} 未接受，代码 {code}',
  'notice.unreachable': '无法连接 {host}：{reason}',
  'notice.badAddress': '{address} 不是可以发送通知的地址',
  'notice.localAddress': '{host} 指向本机或内网。如确有需要，请为此渠道允许本地地址',
  'notice.forbiddenAddress': '{host} 指向一个禁止发送通知的地址',
  'notice.timeout': '{host} 未及时响应',
  'notice.mailRefused': '{host} 未接受邮件：{reason}',
  'notice.noNetwork': '此应用不通过网络发送通知',
};
