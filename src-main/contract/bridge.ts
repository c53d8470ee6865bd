/** The window between the sandboxed renderer and the shell: the whole of what preload exposes as `window.pilothouse`. */

/** Facts and the few acts a page cannot do by itself. Everything else goes through the API over the message port. */
export interface PreloadBridge {
  platform: 'darwin' | 'win32' | 'linux';
  /** The system's language tag, such as `zh-CN`. */
  locale: string;
  version: string;
  /** Asks the shell for a fresh connection; the port arrives as a window message `{ pilothouse: 'port' }` from this same window. */
  connect(): void;
  window: {
    minimize(): void;
    toggleMaximize(): void;
    close(): void;
    /** Calls back at once and on each change. Returns how to stop. */
    onState(listener: (state: { maximized: boolean; fullScreen: boolean; focused: boolean }) => void): () => void;
  };
  /** Opens an http or https address in the user's browser after the shell has asked. */
  openExternal(url: string): void;
  /** Lets the user pick Compose files (`files`) or a project folder (`folder`); resolves with texts ready for `stacks.apply`. */
  pickProject(kind: 'files' | 'folder'): Promise<PickedProject | null>;
  /** Saves text that the user asked to export; resolves with false when they cancelled. */
  saveText(suggestedName: string, text: string): Promise<boolean>;
  /** Saves a PNG picture or a zip, and nothing else; resolves with false when they cancelled. */
  saveBytes(suggestedName: string, bytes: Uint8Array): Promise<boolean>;
  copyText(text: string): void;
  /** A deep link or a notice leads to a screen: paths such as `/services/shop/web`. Returns how to stop. */
  onNavigate(listener: (path: string) => void): () => void;
}

/** A Compose project read from disk by the shell. */
export interface PickedProject {
  directory: string;
  files: { name: string; text: string }[];
  envFiles: { name: string; text: string }[];
}
