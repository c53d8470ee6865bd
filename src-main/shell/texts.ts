/** The few words the shell itself says: tray, notices and system dialogs. The window has its own in src-renderer/locales. */

import type { Language } from '../contract/ruleTexts';

const english = {
  open: 'Open Pilothouse',
  quit: 'Quit Pilothouse',
  quitNote: 'Your services go on running',
  well: 'All well',
  needYou: '{count} need you',
  changing: '{count} changing',
  nothing: 'Nothing declared yet',
  engineAway: 'The engine does not answer',
  trayTitle: 'Pilothouse goes on in the tray',
  trayText: 'It keeps your services as declared. Quit from the tray icon; your services go on running even then.',
  linkTitle: 'Open this address in the browser?',
  linkOpen: 'Open',
  cancel: 'Cancel',
  pickFiles: 'Choose Compose files',
  pickFolder: 'Choose a project folder',
  composeFiles: 'Compose files',
  allFiles: 'All files',
  save: 'Save',
  failed: 'Pilothouse could not start',
  edit: 'Edit',
  undo: 'Undo',
  redo: 'Redo',
  cut: 'Cut',
  copy: 'Copy',
  paste: 'Paste',
  selectAll: 'Select all',
  view: 'View',
  resetZoom: 'Actual size',
  zoomIn: 'Zoom in',
  zoomOut: 'Zoom out',
  fullScreen: 'Full screen',
  reload: 'Reload',
  tools: 'Developer tools',
  window: 'Window',
  minimize: 'Minimize',
  close: 'Close',
};

export type ShellText = keyof typeof english;

const chinese: Record<ShellText, string> = {
  open: '打开 Pilothouse',
  quit: '退出 Pilothouse',
  quitNote: '服务会继续运行',
  well: '一切正常',
  needYou: '{count} 个需要处理',
  changing: '{count} 个正在变化',
  nothing: '还没有声明任何服务',
  engineAway: '引擎没有响应',
  trayTitle: 'Pilothouse 仍在托盘中运行',
  trayText: '它会让服务保持声明的状态。可从托盘图标退出；退出后服务仍会继续运行。',
  linkTitle: '在浏览器中打开这个地址？',
  linkOpen: '打开',
  cancel: '取消',
  pickFiles: '选择 Compose 文件',
  pickFolder: '选择项目文件夹',
  composeFiles: 'Compose 文件',
  allFiles: '所有文件',
  save: '保存',
  failed: 'Pilothouse 无法启动',
  edit: '编辑',
  undo: '撤销',
  redo: '重做',
  cut: '剪切',
  copy: '复制',
  paste: '粘贴',
  selectAll: '全选',
  view: '显示',
  resetZoom: '实际大小',
  zoomIn: '放大',
  zoomOut: '缩小',
  fullScreen: '全屏',
  reload: '重新载入',
  tools: '开发者工具',
  window: '窗口',
  minimize: '最小化',
  close: '关闭',
};

export type ShellLanguage = Language;

/** The language for a setting and the system's locale: everything Chinese reads 简体中文, everything else English. */
export function shellLanguage(setting: 'en' | 'zh-CN' | 'system', locale: string): ShellLanguage {
  if (setting !== 'system') return setting;
  return /^zh\b/i.test(locale) ? 'zh-CN' : 'en';
}

/** The text with its gaps filled. */
export function shellText(
  language: ShellLanguage,
  key: ShellText,
  values: Record<string, string | number> = {},
): string {
  const template = (language === 'zh-CN' ? chinese : english)[key];
  return template.replace(/\{(\w+)\}/g, (gap, name: string) => String(values[name] ?? gap));
}
