/** The names of the channels between preload and shell. */
export const channels = {
  connect: 'pilothouse:connect',
  window: 'pilothouse:window',
  windowState: 'pilothouse:window-state',
  navigate: 'pilothouse:navigate',
  openExternal: 'pilothouse:open-external',
  pick: 'pilothouse:pick',
  save: 'pilothouse:save',
  saveBytes: 'pilothouse:save-bytes',
  copy: 'pilothouse:copy',
} as const;
