/** The one window: its looks, its memory of where it stood, and showing it when its first frame is ready. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { app, BrowserWindow, nativeTheme, screen } from 'electron';
import { parseMemory, placeWindow, smallest, type WindowMemory } from './bounds';
import { channels } from './channels';
import { appOrigin } from './sender';

/** The mock's ground colours, so that the first frame does not flash. */
const ground = { dark: '#0a0f12', light: '#eef2f3' };

/** Makes and keeps the main window. */
export class MainWindow {
  private window: BrowserWindow | undefined;
  private readonly file: string;
  readonly memory: WindowMemory;
  /** Ids of the webContents whose messages are heard. */
  readonly known = new Set<number>();
  /** Asked on every close; true hides the window instead. */
  hideOnClose: () => boolean = () => false;

  constructor(
    home: string,
    private readonly folder: string,
  ) {
    this.file = join(home, 'window.json');
    this.memory = readMemory(this.file);
    nativeTheme.themeSource = this.memory.theme;
  }

  get current(): BrowserWindow | undefined {
    return this.window && !this.window.isDestroyed() ? this.window : undefined;
  }

  /** Makes the window when there is none. It shows itself once its first frame is painted, unless `hidden`. */
  open(options: { hidden: boolean } = { hidden: false }): BrowserWindow {
    if (this.current) return this.current;
    const primary = screen.getPrimaryDisplay();
    const others = screen.getAllDisplays().filter((display) => display.id !== primary.id);
    const place = placeWindow(
      this.memory.area,
      [primary, ...others].map((display) => display.workArea),
    );
    const mac = process.platform === 'darwin';
    const window = new BrowserWindow({
      ...place,
      minWidth: smallest.width,
      minHeight: smallest.height,
      show: false,
      title: 'Pilothouse',
      backgroundColor: nativeTheme.shouldUseDarkColors ? ground.dark : ground.light,
      icon: join(this.folder, '..', '..', 'resources', 'icons', 'icon.png'),
      // The page draws its own title bar; macOS keeps its traffic lights.
      ...(mac ? { titleBarStyle: 'hidden' as const, trafficLightPosition: { x: 14, y: 13 } } : { frame: false }),
      webPreferences: {
        preload: join(this.folder, '..', 'preload', 'preload.js'),
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        nodeIntegrationInSubFrames: false,
        nodeIntegrationInWorker: false,
        webSecurity: true,
        webviewTag: false,
        navigateOnDragDrop: false,
        spellcheck: false,
        devTools: !app.isPackaged,
        additionalArguments: [`--pilothouse-locale=${app.getLocale()}`, `--pilothouse-version=${app.getVersion()}`],
      },
    });
    this.window = window;
    const id = window.webContents.id;
    this.known.add(id);
    if (this.memory.maximized) window.maximize();
    this.watch(window);
    window.on('closed', () => {
      this.known.delete(id);
      if (this.window === window) this.window = undefined;
    });
    if (!options.hidden) window.once('ready-to-show', () => window.show());
    void window.loadURL(`${appOrigin}/index.html`);
    return window;
  }

  /** Brings the window to the front, making it when there is none. */
  show(): void {
    const existed = this.current !== undefined;
    const window = this.open();
    if (!existed) return;
    if (window.isMinimized()) window.restore();
    window.show();
    window.focus();
  }

  /** Shows a route of the page. */
  navigate(route: string): void {
    const window = this.open();
    const send = (): void => window.webContents.send(channels.navigate, route);
    if (window.webContents.isLoading()) window.webContents.once('did-finish-load', send);
    else send();
    this.show();
  }

  /** Keeps the looks for the next start's first frame, and applies the theme now. */
  remember(looks: Pick<WindowMemory, 'theme' | 'language'>): void {
    const changed = looks.theme !== this.memory.theme || looks.language !== this.memory.language;
    Object.assign(this.memory, looks);
    nativeTheme.themeSource = looks.theme;
    this.current?.setBackgroundColor(nativeTheme.shouldUseDarkColors ? ground.dark : ground.light);
    if (changed) this.save();
  }

  private watch(window: BrowserWindow): void {
    const report = (): void => {
      if (window.isDestroyed()) return;
      window.webContents.send(channels.windowState, {
        maximized: window.isMaximized(),
        fullScreen: window.isFullScreen(),
        focused: window.isFocused(),
      });
    };
    window.on('maximize', report);
    window.on('unmaximize', report);
    window.on('enter-full-screen', report);
    window.on('leave-full-screen', report);
    window.on('focus', report);
    window.on('blur', report);
    window.webContents.on('did-finish-load', report);
    window.webContents.on('render-process-gone', (_event, details) => {
      // The orchestrator is not in this process; the page is simply made anew (M38).
      if (details.reason !== 'clean-exit' && !window.isDestroyed()) setTimeout(() => window.reload(), 500);
    });
    window.on('close', (event) => {
      this.memory.maximized = window.isMaximized();
      this.memory.area = window.getNormalBounds();
      this.save();
      if (!this.hideOnClose()) return;
      event.preventDefault();
      window.hide();
    });
  }

  private save(): void {
    try {
      mkdirSync(dirname(this.file), { recursive: true });
      writeFileSync(`${this.file}.new`, JSON.stringify(this.memory), { mode: 0o600 });
      renameSync(`${this.file}.new`, this.file);
    } catch {
      // Where the window stood is not worth an error.
    }
  }
}

function readMemory(file: string): WindowMemory {
  try {
    return parseMemory(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return parseMemory(undefined);
  }
}
