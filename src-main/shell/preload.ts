/** Runs isolated and sandboxed beside the page, and exposes `PreloadBridge` and nothing else. */
import { contextBridge, ipcRenderer } from 'electron';
import type { PickedProject, PreloadBridge } from '../contract/bridge';
import { channels } from './channels';

/** The two parts of the page's world that are used here; the room has no DOM types, so that nothing else slips in. */
declare const window: {
  postMessage(message: unknown, origin: string, ports: InstanceType<typeof MessagePort>[]): void;
};
declare const location: { readonly origin: string };

interface State {
  maximized: boolean;
  fullScreen: boolean;
  focused: boolean;
}

function argument(name: string): string {
  const prefix = `--pilothouse-${name}=`;
  return process.argv.find((word) => word.startsWith(prefix))?.slice(prefix.length) ?? '';
}

const stateListeners = new Set<(state: State) => void>();
let state: State = { maximized: false, fullScreen: false, focused: true };
ipcRenderer.on(channels.windowState, (_event, next: State) => {
  state = next;
  for (const listener of stateListeners) listener(next);
});

const routeListeners = new Set<(path: string) => void>();
let pendingRoute: string | undefined;
ipcRenderer.on(channels.navigate, (_event, path: string) => {
  // A deep link may come before the page listens.
  if (routeListeners.size === 0) pendingRoute = path;
  for (const listener of routeListeners) listener(path);
});

const bridge: PreloadBridge = {
  platform: process.platform === 'darwin' || process.platform === 'win32' ? process.platform : 'linux',
  locale: argument('locale'),
  version: argument('version'),
  connect: () => {
    const channel = new MessageChannel();
    ipcRenderer.postMessage(channels.connect, null, [channel.port1]);
    window.postMessage({ pilothouse: 'port' }, location.origin, [channel.port2]);
  },
  window: {
    minimize: () => ipcRenderer.send(channels.window, 'minimize'),
    toggleMaximize: () => ipcRenderer.send(channels.window, 'maximize'),
    close: () => ipcRenderer.send(channels.window, 'close'),
    onState: (listener) => {
      stateListeners.add(listener);
      listener(state);
      return () => {
        stateListeners.delete(listener);
      };
    },
  },
  openExternal: (url) => ipcRenderer.send(channels.openExternal, url),
  pickProject: (kind) => ipcRenderer.invoke(channels.pick, kind) as Promise<PickedProject | null>,
  saveText: (name, text) => ipcRenderer.invoke(channels.save, { name, text }) as Promise<boolean>,
  saveBytes: (name, bytes) => ipcRenderer.invoke(channels.saveBytes, { name, bytes }) as Promise<boolean>,
  copyText: (text) => ipcRenderer.send(channels.copy, text),
  onNavigate: (listener) => {
    routeListeners.add(listener);
    if (pendingRoute !== undefined) {
      listener(pendingRoute);
      pendingRoute = undefined;
    }
    return () => {
      routeListeners.delete(listener);
    };
  },
};

contextBridge.exposeInMainWorld('pilothouse', bridge);
