/** 机密与证书的句子；键与 src-main/contract/secretWords.ts 相同。 */
import type { secretWords as english } from '../../../src-main/contract/secretWords';

export const secretWords: Record<keyof typeof english, string> = {
  'vault.keychain': '由系统钥匙串中的密钥加密保存',
  'vault.passphrase': '由您的口令所保护的密钥加密保存',
  'vault.file': '由状态文件夹中的密钥文件加密保存：能读取该文件夹的人就能读取机密',
  'vault.locked': '已锁定：此处无法取得保险库的密钥，机密既不能读取也不能下发',
  'event.secretSet': '机密 {secret} 有了新版本 {version}',
  'event.secretRevealed': '机密 {secret} 的版本 {version} 被查看：{purpose}',
  'event.secretRemoved': '机密 {secret} 已删除',
  'event.secretRotated': '{service} 改用机密 {secret} 的版本 {version}',
  'replica.secretMissing': '无法下发机密 {secret}：{reason}',
};
