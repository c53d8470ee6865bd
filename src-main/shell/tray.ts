/** The tray icon: health at a glance, open, quit. A desktop without a tray simply has none. */
import { join } from 'node:path';
import { Menu, nativeImage, Tray } from 'electron';
import type { Disposable } from '../base/lifecycle';
import type { Log } from '../base/log';
import { glanceText, type Glance } from './glance';
import { shellText, type ShellLanguage } from './texts';

export interface TrayIcon extends Disposable {
  show(value: Glance, language: ShellLanguage): void;
  /** Says the same in another language. */
  speak(language: ShellLanguage): void;
}

/** Puts the icon into the tray, or resolves with undefined where that is impossible. */
export function openTray(folder: string, acts: { open: () => void; quit: () => void }, log: Log): TrayIcon | undefined {
  try {
    const name = process.platform === 'darwin' ? 'trayTemplate.png' : 'tray.png';
    const image = nativeImage.createFromPath(join(folder, '..', '..', 'resources', 'icons', name));
    const tray = new Tray(image);
    tray.on('click', acts.open);
    let last = '';
    let glance: Glance | undefined;
    const show = (value: Glance, language: ShellLanguage): void => {
      glance = value;
      const text = glanceText(value, language);
      if (`${language} ${text}` === last) return;
      last = `${language} ${text}`;
      tray.setToolTip(`Pilothouse — ${text}`);
      tray.setContextMenu(
        Menu.buildFromTemplate([
          { label: text, enabled: false },
          { type: 'separator' },
          { label: shellText(language, 'open'), click: acts.open },
          { label: shellText(language, 'quit'), toolTip: shellText(language, 'quitNote'), click: acts.quit },
        ]),
      );
    };
    return {
      show,
      speak: (language) => glance && show(glance, language),
      dispose: () => tray.destroy(),
    };
  } catch (thrown) {
    log('info', 'There is no tray here', { thrown });
    return undefined;
  }
}
