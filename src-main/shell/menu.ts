/** The application menu: macOS needs one for its editing keys; elsewhere it only carries accelerators, since the window is frameless. */
import { app, Menu, type MenuItemConstructorOptions } from 'electron';
import { shellText, type ShellLanguage } from './texts';

/** Installs the menu in a language; once more when that changes. */
export function installMenu(language: ShellLanguage, acts: { close: () => void }): void {
  const text = (key: Parameters<typeof shellText>[1]): string => shellText(language, key);
  const separator: MenuItemConstructorOptions = { type: 'separator' };
  // Electron's own labels of roles are English everywhere.
  const edit: MenuItemConstructorOptions[] = [
    { role: 'undo', label: text('undo') },
    { role: 'redo', label: text('redo') },
    separator,
    { role: 'cut', label: text('cut') },
    { role: 'copy', label: text('copy') },
    { role: 'paste', label: text('paste') },
    { role: 'selectAll', label: text('selectAll') },
  ];
  const view: MenuItemConstructorOptions[] = [
    { role: 'resetZoom', label: text('resetZoom') },
    { role: 'zoomIn', label: text('zoomIn') },
    { role: 'zoomOut', label: text('zoomOut') },
    separator,
    { role: 'togglefullscreen', label: text('fullScreen') },
    ...(app.isPackaged
      ? []
      : ([
          { role: 'reload', label: text('reload') },
          { role: 'toggleDevTools', label: text('tools') },
        ] satisfies MenuItemConstructorOptions[])),
  ];
  const close: MenuItemConstructorOptions = {
    label: text('close'),
    accelerator: 'CommandOrControl+W',
    click: acts.close,
  };
  const template: MenuItemConstructorOptions[] = [
    ...(process.platform === 'darwin' ? [{ role: 'appMenu' as const }] : []),
    { label: text('edit'), submenu: edit },
    { label: text('view'), submenu: view },
    { label: text('window'), submenu: [{ role: 'minimize', label: text('minimize') }, close] },
  ];
  Menu.setApplicationMenu(Menu.buildFromTemplate(template));
}
