/** The channels that are not the API: window buttons, links out, file dialogs, clipboard. Each checks its sender and its input. */
import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { BrowserWindow, clipboard, dialog, ipcMain, shell, type IpcMainEvent, type IpcMainInvokeEvent } from 'electron';
import { z } from 'zod';
import type { Log } from '../base/log';
import type { PickedProject } from '../contract/bridge';
import { fail } from '../contract/errors';
import { readProject } from '../project';
import { channels } from './channels';
import { externalLink } from './links';
import type { Ports } from './ports';
import { trusted, type Sender } from './sender';
import { shellText, type ShellLanguage } from './texts';

const longestText = 64 * 1024 * 1024;
const largestFile = 32 * 1024 * 1024;
/** The first eight bytes of every PNG file (RFC 2083, 3.1). */
const pngSignature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** And of every zip with a file in it (APPNOTE.TXT, 4.3.7). */
const zipSignature = [0x50, 0x4b, 0x03, 0x04];

interface World {
  known: ReadonlySet<number>;
  ports: Ports;
  language: () => ShellLanguage;
  log: Log;
}

/** The facts of an event's sender; a frame that is gone or being replaced counts as nobody. */
function senderOf(event: IpcMainEvent | IpcMainInvokeEvent): Sender {
  try {
    const frame = event.senderFrame;
    return {
      contentsId: event.sender.id,
      frame: frame ? { url: frame.url, origin: frame.origin, top: frame.parent === null } : null,
    };
  } catch {
    return { contentsId: -1, frame: null };
  }
}

/** Starts listening. */
export function listenToWindows(world: World): void {
  const heard = (event: IpcMainEvent | IpcMainInvokeEvent, channel: string): boolean => {
    const sender = senderOf(event);
    if (trusted(sender, world.known)) return true;
    world.log('warn', 'Refused a message', { channel, url: sender.frame?.url.slice(0, 200) });
    return false;
  };
  const on = <Input>(
    channel: string,
    input: z.ZodType<Input>,
    act: (event: IpcMainEvent, input: Input) => void,
  ): void => {
    ipcMain.on(channel, (event, raw: unknown) => {
      if (!heard(event, channel)) return;
      const parsed = input.safeParse(raw);
      if (parsed.success) act(event, parsed.data);
    });
  };
  const answer = <Input, Output>(
    channel: string,
    input: z.ZodType<Input>,
    act: (event: IpcMainInvokeEvent, input: Input) => Promise<Output>,
  ): void => {
    ipcMain.handle(channel, async (event, raw: unknown) => {
      if (!heard(event, channel)) throw fail('forbidden', 'This page may not do that.');
      const parsed = input.safeParse(raw);
      if (!parsed.success) throw fail('bad-input', 'The input is wrong.');
      return act(event, parsed.data);
    });
  };

  on(channels.connect, z.null(), (event) => world.ports.accept(event));
  on(channels.window, z.enum(['minimize', 'maximize', 'close']), (event, verb) => {
    const window = BrowserWindow.fromWebContents(event.sender);
    if (!window) return;
    if (verb === 'minimize') window.minimize();
    else if (verb === 'close') window.close();
    else if (window.isMaximized()) window.unmaximize();
    else window.maximize();
  });
  on(channels.copy, z.string().max(longestText), (_event, text) => clipboard.writeText(text));
  on(channels.openExternal, z.string().max(2048), (event, url) => {
    void openExternal(BrowserWindow.fromWebContents(event.sender), url, world);
  });
  answer(channels.pick, z.enum(['files', 'folder']), (event, kind) =>
    pickProject(BrowserWindow.fromWebContents(event.sender), kind, world.language()),
  );
  answer(
    channels.save,
    z.strictObject({ name: z.string().max(255), text: z.string().max(longestText) }),
    (event, { name, text }) => save(BrowserWindow.fromWebContents(event.sender), name, text),
  );
  answer(
    channels.saveBytes,
    z.strictObject({ name: z.string().max(255), bytes: z.instanceof(Uint8Array).refine(isPngOrZip) }),
    (event, { name, bytes }) => save(BrowserWindow.fromWebContents(event.sender), name, bytes),
  );
}

/** Asks with the whole host in sight, then opens. What is not a plain http(s) address is refused without asking. */
export async function openExternal(
  window: BrowserWindow | null,
  url: string,
  world: Pick<World, 'language' | 'log'>,
): Promise<boolean> {
  const link = externalLink(url);
  if (!link) {
    world.log('warn', 'Refused a link', { url: url.slice(0, 200) });
    return false;
  }
  const language = world.language();
  const question = {
    type: 'question' as const,
    message: shellText(language, 'linkTitle'),
    detail: `${link.host}\n\n${link.href.length > 400 ? `${link.href.slice(0, 400)}…` : link.href}`,
    buttons: [shellText(language, 'linkOpen'), shellText(language, 'cancel')],
    defaultId: 1,
    cancelId: 1,
    noLink: true,
  };
  const { response } = window ? await dialog.showMessageBox(window, question) : await dialog.showMessageBox(question);
  if (response !== 0) return false;
  await shell.openExternal(link.href);
  return true;
}

async function pickProject(
  window: BrowserWindow | null,
  kind: 'files' | 'folder',
  language: ShellLanguage,
): Promise<PickedProject | null> {
  const options = {
    title: shellText(language, kind === 'files' ? 'pickFiles' : 'pickFolder'),
    properties: kind === 'files' ? ['openFile' as const, 'multiSelections' as const] : ['openDirectory' as const],
    ...(kind === 'files'
      ? {
          filters: [
            { name: shellText(language, 'composeFiles'), extensions: ['yaml', 'yml'] },
            { name: shellText(language, 'allFiles'), extensions: ['*'] },
          ],
        }
      : {}),
  };
  const picked = window ? await dialog.showOpenDialog(window, options) : await dialog.showOpenDialog(options);
  const first = picked.filePaths[0];
  if (picked.canceled || !first) return null;
  const { source } =
    kind === 'files'
      ? readProject({ folder: first.replace(/[\\/][^\\/]*$/, '') || '/', files: picked.filePaths, environment: {} })
      : readProject({ folder: first, environment: {} });
  return { directory: source.directory, files: source.files, envFiles: source.envFiles ?? [] };
}

/** Only what begins as these do, and no more than a chart or the config center can need. */
function isPngOrZip(bytes: Uint8Array): boolean {
  const begins = (signature: readonly number[]): boolean => signature.every((byte, at) => bytes[at] === byte);
  return bytes.length <= largestFile && (begins(pngSignature) || begins(zipSignature));
}

async function save(window: BrowserWindow | null, name: string, content: string | Uint8Array): Promise<boolean> {
  const options = { defaultPath: basename(name.replace(/[\\:*?"<>|]/g, '-')) || 'pilothouse.txt' };
  const chosen = window ? await dialog.showSaveDialog(window, options) : await dialog.showSaveDialog(options);
  if (chosen.canceled || !chosen.filePath) return false;
  await writeFile(chosen.filePath, content, { mode: 0o600 });
  return true;
}
