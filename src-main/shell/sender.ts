/** Who may talk to the main process: the top frame of a window we made, showing our own page, and nobody else (S9). */

export const appScheme = 'app';
export const appHost = 'pilothouse';
export const appOrigin = `${appScheme}://${appHost}`;

/** The facts about the sender of a message, taken from the event; `frame` is null when it is already gone. */
export interface Sender {
  contentsId: number;
  frame: { url: string; origin: string; top: boolean } | null;
}

/** Whether to listen. `known` holds the webContents ids of our windows. */
export function trusted(sender: Sender, known: ReadonlySet<number>): boolean {
  if (!sender.frame || !sender.frame.top || !known.has(sender.contentsId)) return false;
  return sender.frame.origin === appOrigin && onOurPage(sender.frame.url);
}

/** Whether an address is a page of ours: the exact scheme and host, no port, no user. */
export function onOurPage(text: string): boolean {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return false;
  }
  return (
    url.protocol === `${appScheme}:` &&
    url.host === appHost &&
    url.username === '' &&
    url.password === '' &&
    url.port === ''
  );
}
