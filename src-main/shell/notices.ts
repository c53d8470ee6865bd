/** Notices of alerts on the desktop. A click leads to what a notice is about. */
import { Notification } from 'electron';
import type { DesktopNotice } from '../contract/api/alerts';
import type { ShellLanguage } from './texts';

/** So many at most are held to be clicked; the system's own list may keep more. */
const most = 50;

export class Notices {
  /** Without a reference a notice is collected, and its click is heard by nobody. */
  private readonly shown = new Set<Notification>();

  constructor(private readonly navigate: (route: string) => void) {}

  show({ texts, route }: DesktopNotice, language: ShellLanguage): void {
    if (!Notification.isSupported()) return;
    const notice = new Notification(texts[language]);
    const forget = (): void => void this.shown.delete(notice);
    notice.on('click', () => {
      forget();
      this.navigate(route);
    });
    notice.on('close', forget);
    notice.on('failed', forget);
    this.shown.add(notice);
    const [oldest] = this.shown;
    if (oldest && this.shown.size > most) this.shown.delete(oldest);
    notice.show();
  }
}
