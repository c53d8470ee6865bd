/** 证书的句子；键与 src-main/contract/certificateWords.ts 相同。 */
import type { certificateWords as english } from '../../../src-main/contract/certificateWords';

export const certificateWords: Record<keyof typeof english, string> = {
  'certificate.valid': '还有 {days} 天有效',
  'certificate.soon': '将在 {days} 天后过期',
  'certificate.expired': '已过期',
  'certificate.notYet': '尚未生效：本机时钟可能不准',
  'certificate.failing': '无法续期：{reason}',
  'authority.valid': '还有 {days} 天有效',
  'authority.soon': '将在 {days} 天后过期：请更换，并让信任它的程序改为信任新的',
  'authority.expired': '已过期：它签发的证书都不再受信任，请更换',
  'traffic.certificateMissing': '没有证书 {certificate}：在有证书之前该端口保持关闭',
  'traffic.certificateWaits': '正在等待证书 {certificate}',
  'traffic.certificateLocked': '无法下发证书 {certificate}：{reason}',
  'event.certificateIssued': '已为 {names} 签发证书 {certificate}',
  'event.certificateImported': '已导入 {issuer} 的证书 {certificate}',
  'event.certificateRenewed': '证书 {certificate} 已自动续期',
  'event.certificateFailed': '证书 {certificate} 无法续期：{reason}',
  'event.certificateRemoved': '证书 {certificate} 已删除',
  'event.certificateDelivered': '网关已改用新证书 {certificate}，没有连接被中断',
  'event.certificateNotTaken': '{replica} 未获得续期后的证书 {certificate}：{reason}',
  'replica.certificateMissing': '无法下发证书 {certificate}：{reason}',
  'event.authorityMade': '已创建本地证书颁发机构；在您允许之前没有程序信任它',
  'event.authorityReplaced': '本地证书颁发机构已更换；它签发过的证书会重新签发',
};
