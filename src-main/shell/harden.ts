/** Everything a page could do beyond showing itself is refused here, for every page and every session (reliability 2.1). */
import { app, type Session, type WebContents } from 'electron';
import type { Log } from '../base/log';
import { onOurPage } from './sender';

/** Refuses navigation, new windows, webviews, permissions, devices, downloads and foreign requests from now on. */
export function hardenApp(log: Log): void {
  app.on('web-contents-created', (_event, contents) => hardenContents(contents, log));
  app.on('session-created', (session) => hardenSession(session));
}

function hardenContents(contents: WebContents, log: Log): void {
  const refuse = (event: { preventDefault: () => void }, what: string, url: string): void => {
    event.preventDefault();
    log('warn', `Refused ${what}`, { url: url.slice(0, 200) });
  };
  contents.setWindowOpenHandler(({ url }) => {
    log('warn', 'Refused a new window', { url: url.slice(0, 200) });
    return { action: 'deny' };
  });
  contents.on('will-navigate', (event) => {
    // Reloading the page we are on is no journey.
    if (withoutHash(event.url) !== withoutHash(contents.getURL())) refuse(event, 'navigation', event.url);
  });
  contents.on('will-redirect', (event) => refuse(event, 'redirect', event.url));
  contents.on('will-frame-navigate', (event) => {
    if (!event.isMainFrame) refuse(event, 'a frame', event.url);
  });
  contents.on('will-attach-webview', (event) => refuse(event, 'a webview', ''));
}

function withoutHash(url: string): string {
  return url.split('#', 1)[0] ?? '';
}

function hardenSession(session: Session): void {
  session.setPermissionRequestHandler((_contents, _permission, decide) => decide(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
  session.on('will-download', (event) => event.preventDefault());
  session.webRequest.onBeforeRequest((details, decide) => {
    const local = /^(data|blob|devtools|chrome-extension):/i.test(details.url);
    decide({ cancel: !(local || onOurPage(details.url)) });
  });
}
