/**
 * What the rules that come along are called and say, in every language: for the window's lists, and for desktop notices, which are
 * written where no window is.
 */

/** The languages there are. */
export type Language = 'en' | 'zh-CN';

export interface RuleText {
  name: string;
  /** With the gap `{subject}`. */
  summary: string;
}

const english = {
  ServiceDown: { name: 'Service down', summary: '{subject} has no ready replica' },
  ReplicasMissing: { name: 'Replicas missing', summary: '{subject} has fewer ready replicas than wanted' },
  CrashLoop: { name: 'Restart loop', summary: '{subject} restarts again and again' },
  RestartStorm: { name: 'Restart storm', summary: 'Many restarts in {subject}' },
  Unhealthy: { name: 'Unhealthy', summary: 'The health check of {subject} fails' },
  RolloutFailed: { name: 'Rollout failed', summary: 'The rollout of {subject} failed' },
  OutOfMemory: { name: 'Out of memory', summary: '{subject} was killed: out of memory' },
  MemoryNearLimit: { name: 'Memory near limit', summary: '{subject} uses nearly all of its memory limit' },
  CpuThrottled: { name: 'CPU limit too tight', summary: '{subject} is held back by its CPU limit' },
  DiskFilling: { name: 'Disk is filling', summary: 'The disk under {subject} will be full within a day' },
  DiskFull: { name: 'Disk nearly full', summary: 'The disk under {subject} is nearly full' },
  CertificateExpiring: { name: 'Certificate expires', summary: 'The certificate {subject} expires soon' },
  GatewayErrors: { name: 'Failed requests', summary: 'Many requests to {subject} fail' },
  SlowRequests: { name: 'Slow requests', summary: '{subject} answers slowly' },
  NoLogs: { name: 'No logs', summary: '{subject} logs nothing any more' },
  FatalErrors: { name: 'Fatal errors', summary: '{subject} logs fatal errors' },
  EngineAway: { name: 'Engine away', summary: 'The container engine does not answer' },
};

const chinese: Record<keyof typeof english, RuleText> = {
  ServiceDown: { name: '服务不可用', summary: '{subject} 没有就绪的副本' },
  ReplicasMissing: { name: '副本不足', summary: '{subject} 的就绪副本少于期望' },
  CrashLoop: { name: '反复重启', summary: '{subject} 反复重启' },
  RestartStorm: { name: '重启风暴', summary: '{subject} 中大量重启' },
  Unhealthy: { name: '健康检查失败', summary: '{subject} 的健康检查失败' },
  RolloutFailed: { name: '发布失败', summary: '{subject} 的发布失败' },
  OutOfMemory: { name: '内存耗尽', summary: '{subject} 因内存耗尽被终止' },
  MemoryNearLimit: { name: '内存接近上限', summary: '{subject} 几乎用尽内存上限' },
  CpuThrottled: { name: 'CPU 上限过低', summary: '{subject} 受 CPU 上限限制' },
  DiskFilling: { name: '磁盘即将写满', summary: '{subject} 所在磁盘将在一天内写满' },
  DiskFull: { name: '磁盘几乎已满', summary: '{subject} 所在磁盘几乎已满' },
  CertificateExpiring: { name: '证书即将过期', summary: '证书 {subject} 即将过期' },
  GatewayErrors: { name: '请求失败', summary: '对 {subject} 的大量请求失败' },
  SlowRequests: { name: '请求缓慢', summary: '{subject} 响应缓慢' },
  NoLogs: { name: '没有日志', summary: '{subject} 不再输出日志' },
  FatalErrors: { name: '致命错误', summary: '{subject} 输出致命错误日志' },
  EngineAway: { name: '引擎离线', summary: '容器引擎没有响应' },
};

export const ruleTexts: Record<Language, Record<keyof typeof english, RuleText>> = { en: english, 'zh-CN': chinese };

/** The texts of a rule, if it is one that comes along. */
export function ruleText(language: Language, rule: string): RuleText | undefined {
  return Object.hasOwn(english, rule) ? ruleTexts[language][rule as keyof typeof english] : undefined;
}

/** What an alert is about: its replica, service or stack, else the place or the thing it names. */
export function subjectOfAlert(labels: Readonly<Record<string, string>>): string {
  return labels['replica'] ?? labels['service'] ?? labels['stack'] ?? labels['place'] ?? labels['name'] ?? '';
}
