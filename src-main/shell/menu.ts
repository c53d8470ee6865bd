/** The application menu: macOS needs one for its editing keys; elsewhere it only carries accelerators, since the window is frameless. */
import { app, Menu, type MenuItemConstructorOptions } from 'electron';

/** Installs the menu. */
export function installMenu(acts: { close: () => void }): void {
  const view: MenuItemConstructorOptions[] = [
    { role: 'resetZoom' },
    { role: 'zoomIn' },
    { role: 'zoomOut' },
    { type: 'separator' },
    { role: 'togglefullscreen' },
    ...(app.isPackaged
      ? []
      : ([{ role: 'reload' }, { role: 'toggleDevTools' }] satisfies MenuItemConstructorOptions[])),
  ];
  const template: MenuItemConstructorOptions[] = [
    ...(process.platform === 'darwin' ? [{ role: 'appMenu' as const }] : []),
    { role: 'editMenu' },
    { label: 'View', submenu: view },
    {
      label: 'Window',
      submenu: [{ role: 'minimize' }, { label: 'Close', accelerator: 'CommandOrControl+W', click: acts.close }],
    },
  ];
  Menu.setApplicationMenu(Menu.buildFromTemplate(template));
}
