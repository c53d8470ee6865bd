/** How a notice speaks: English for all that leaves the house, and for its own desktop the reader's language. */
import { ruleText, subjectOfAlert } from '../../../contract/ruleTexts';
import type { AlertRow } from '../../store';

/** The rule of the notice that a channel is tried with; there is none by this name. */
export const testRule = 'test';

export interface Speaker {
  firing(count: number): string;
  resolved: string;
  /** Names of which the last `rest` are not listed. */
  names(shown: readonly string[], rest: number): string;
  rest(count: number): string;
  nameOf(alert: AlertRow): string;
  /** What an alert says of itself; undefined when it says nothing. */
  summaryOf(alert: AlertRow): string | undefined;
}

export const english: Speaker = {
  firing: (count) => `[FIRING:${count}]`,
  resolved: '[RESOLVED]',
  names: (shown, rest) => (rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ')),
  rest: (count) => `and ${count} more`,
  nameOf: ({ name }) => name,
  summaryOf: ({ annotations }) => annotations['summary'],
};

const chineseTest = { name: '测试通知', summary: '这是 Pilothouse 的测试通知，一切正常。' };

/** Rules that are as they came along speak Chinese; what somebody wrote stays as it was written. */
export function chineseSpeaker(unchanged: (rule: string) => boolean): Speaker {
  const textOf = ({ rule }: AlertRow): { name: string; summary: string } | undefined => {
    if (!unchanged(rule)) return undefined;
    return rule === testRule ? chineseTest : ruleText('zh-CN', rule);
  };
  return {
    firing: (count) => `[触发中 ${count}]`,
    resolved: '[已恢复]',
    names: (shown, rest) => (rest > 0 ? `${shown.join('、')} 等 ${shown.length + rest} 项` : shown.join('、')),
    rest: (count) => `另有 ${count} 条`,
    nameOf: (alert) => textOf(alert)?.name ?? alert.name,
    summaryOf: (alert) =>
      textOf(alert)?.summary.replace('{subject}', () => subjectOfAlert(alert.labels)) ?? alert.annotations['summary'],
  };
}
