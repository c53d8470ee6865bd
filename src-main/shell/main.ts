/** The Electron main process: one instance per home, one window, a tray, and the core. Quitting never stops a workload. */
import { join } from 'node:path';
import { app, dialog, Notification, protocol, session } from 'electron';
import { homeFolder, openLog, privateFolder, systemClock } from '../serve';
import type { Disposable } from '../base/lifecycle';
import { answer } from './bundle';
import type { Core } from './core';
import { deepLinkRoute } from './deepLinks';
import { applyDemo } from './demo';
import { hardenApp } from './harden';
import { listenToWindows } from './ipc';
import { systemKeychain } from './keychain';
import { installMenu } from './menu';
import { Notices } from './notices';
import { debugSwitches, shellOptions } from './options';
import { Ports } from './ports';
import { watchPower } from './power';
import { watchPresence } from './presence';
import { takeScreenshots } from './screenshots';
import { appScheme } from './sender';
import { shellLanguage, shellText, type ShellLanguage } from './texts';
import { openTray, type TrayIcon } from './tray';
import { MainWindow } from './windows';

/** How long the core may take to end before we leave anyway, milliseconds. */
const goodbyePatience = 5_000;

const folder = __dirname;
const resources = join(folder, '..', '..', 'resources');
const options = shellOptions(process.argv.slice(1), process.env);

function refuse(text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(2);
}

function main(): void {
  if (process.getuid?.() === 0 && process.env['PILOTHOUSE_ALLOW_ROOT'] !== '1')
    refuse('Pilothouse does not run its window as root. Start it as your own user, or run pilothouse serve.');
  const forbidden = app.isPackaged ? debugSwitches(process.argv.slice(1)) : [];
  if (forbidden.length > 0) refuse(`Pilothouse does not start with ${forbidden.join(' ')}.`);
  const home = homeFolder();
  privateFolder(home);
  const { log } = openLog(home, 'window');
  process.on('uncaughtException', (thrown) => log('error', 'Uncaught', { thrown, stack: thrown.stack }));
  process.on('unhandledRejection', (thrown) => log('error', 'Unhandled', { thrown }));
  // Chromium's own files apart from ours; the single-instance lock lives here too, so it is one per home.
  app.setPath('userData', join(home, 'chromium'));
  app.setName('Pilothouse');
  if (!app.requestSingleInstanceLock({ link: options.link ?? null })) {
    app.exit(0);
    return;
  }
  protocol.registerSchemesAsPrivileged([
    { scheme: appScheme, privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
  ]);
  hardenApp(log);
  const shell = new Shell(home, log);
  app.on('second-instance', (_event, argv, _folder, data) => {
    const link = (data as { link?: unknown } | null)?.link;
    shell.come(typeof link === 'string' ? link : shellOptions(argv, {}).link);
  });
  app.on('open-url', (event, url) => {
    event.preventDefault();
    shell.come(url);
  });
  app.on('activate', () => shell.come(undefined));
  app.on('window-all-closed', () => shell.windowsClosed());
  app.on('before-quit', (event) => shell.quitting(event));
  void app.whenReady().then(() => shell.start());
}

/** Everything that lives as long as the process. */
class Shell {
  private readonly window: MainWindow;
  private readonly ports: Ports;
  private readonly notices: Notices;
  private core: Promise<Core>;
  private beginCore: () => void = () => undefined;
  private tray: TrayIcon | undefined;
  private language: ShellLanguage = 'en';
  private closeToTray = true;
  private hintShown = true;
  private notify = true;
  private leaving = false;
  private left = false;

  constructor(
    private readonly home: string,
    private readonly log: ReturnType<typeof openLog>['log'],
  ) {
    this.window = new MainWindow(home, folder);
    this.notices = new Notices((route) => this.window.navigate(route));
    // The core begins once the window is on its way: loading it takes as long as the page takes to come up, in another process.
    this.core = new Promise((resolve, reject) => {
      this.beginCore = () => void this.startCore().then(resolve, reject);
    });
    this.ports = new Ports({ core: () => this.core, clock: systemClock, log });
  }

  start(): void {
    protocol.handle(appScheme, (request) => answer(join(folder, '..', 'renderer'), request));
    session.defaultSession.setSpellCheckerEnabled(false);
    this.language = shellLanguage(this.window.memory.language, app.getLocale());
    listenToWindows({ known: this.window.known, ports: this.ports, language: () => this.language, log: this.log });
    this.menu();
    this.tray = openTray(folder, { open: () => this.window.show(), quit: () => app.quit() }, this.log);
    this.window.hideOnClose = () => this.hides();
    this.window.open({ hidden: options.hidden && this.tray !== undefined });
    setImmediate(this.beginCore);
    if (app.isPackaged) app.setAsDefaultProtocolClient('pilothouse');
    if (options.link) this.come(options.link);
    if (options.screenshots) takeScreenshots(() => this.window.current, options.screenshots, this.log);
  }

  /** Somebody asked for us again: a second start, the dock, a deep link. */
  come(link: string | undefined): void {
    if (!app.isReady()) {
      void app.whenReady().then(() => this.come(link));
      return;
    }
    const route = link ? deepLinkRoute(link) : undefined;
    if (route) this.window.navigate(route);
    else this.window.show();
  }

  windowsClosed(): void {
    if (!this.closeToTray || !this.tray) app.quit();
  }

  /** Quits once the core has written what it must. */
  quitting(event: { preventDefault: () => void }): void {
    this.leaving = true;
    if (this.left) return;
    event.preventDefault();
    this.ports.dispose();
    const stopped = this.core.then(
      (core) => core.stop(),
      () => undefined,
    );
    const late = new Promise((resolve) => setTimeout(resolve, goodbyePatience));
    void Promise.race([stopped, late]).finally(() => {
      this.left = true;
      this.tray?.dispose();
      app.exit(0);
    });
  }

  private async startCore(): Promise<Core> {
    const { openCore } = await import('./core');
    const keychain = systemKeychain();
    const world = { home: this.home, version: app.getVersion(), log: this.log, programs: folder, keychain };
    const core = await openCore(world);
    core.onGone(() => {
      if (this.leaving) return;
      // The core we were attached to has ended: bring our own, and let the page connect again.
      this.log('info', 'The core has ended; starting one here');
      this.core = this.startCore();
      void this.core.then(() => this.window.current?.reload());
    });
    this.accompany(core);
    if (options.demo) void applyDemo(core.client, resources, this.log);
    return core;
  }

  /** Tray, notices, theme and language follow what the core says. */
  private accompany(core: Core): void {
    const watching = watchPresence(core.client, {
      settings: (settings) => {
        this.speak(shellLanguage(settings.language, app.isReady() ? app.getLocale() : ''));
        this.closeToTray = settings.closeToTray;
        this.hintShown = settings.closeHintShown;
        this.notify = settings.notifications;
        void app.whenReady().then(() => this.window.remember({ theme: settings.theme, language: settings.language }));
      },
      glance: (value) => this.tray?.show(value, this.language),
      notice: (notice) => {
        if (this.notify) this.notices.show(notice, this.language);
      },
    });
    let power: Disposable | undefined;
    void app.whenReady().then(() => (power = watchPower(core.client)));
    core.onGone(() => {
      watching.dispose();
      power?.dispose();
    });
  }

  /** The shell's own words from now on. */
  private speak(language: ShellLanguage): void {
    if (language === this.language) return;
    this.language = language;
    void app.whenReady().then(() => this.menu());
    this.tray?.speak(language);
  }

  private menu(): void {
    installMenu(this.language, { close: () => this.window.current?.close() });
  }

  /** Whether closing the window only hides it; said once. */
  private hides(): boolean {
    if (this.leaving || !this.closeToTray || !this.tray) return false;
    if (!this.hintShown) {
      this.hintShown = true;
      if (Notification.isSupported())
        new Notification({
          title: shellText(this.language, 'trayTitle'),
          body: shellText(this.language, 'trayText'),
        }).show();
      void this.core.then((core) => core.client.call('settings.set', { closeHintShown: true })).catch(() => undefined);
    }
    return true;
  }
}

/** A packaged app is also its own command line: `pilothouse ps`. In development that is out/main/cli.js. */
async function begin(): Promise<void> {
  const words = process.argv.slice(1).filter((word) => !/^--(no-sandbox|ozone-|disable-gpu)/.test(word));
  // Nothing is loaded for the usual start, and Electron's own events must not be missed: so no await before `main` then.
  if (!app.isPackaged || words[0] === undefined || words[0].startsWith('-') || words[0].includes(':')) return main();
  app.dock?.hide();
  const { isCommandLine, runProcess } = await import('../cli/process');
  if (isCommandLine(words)) app.exit(await runProcess(words, { version: app.getVersion(), programs: folder }));
  else main();
}

begin().catch((thrown: unknown) => {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  process.stderr.write(`${text}\n`);
  if (app.isReady()) dialog.showErrorBox(shellText(shellLanguage('system', app.getLocale()), 'failed'), text);
  app.exit(1);
});
