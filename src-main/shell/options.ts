/** What the command line and the environment ask of the window. */

export interface ShellOptions {
  /** Apply the sample stack when it is not there. */
  demo: boolean;
  /** Start in the tray. */
  hidden: boolean;
  /** Folder for screenshots of the own window, for machines without a display. */
  screenshots?: string;
  /** A `pilothouse://` address to go to. */
  link?: string;
}

/** Reads argv (without program and script) and the environment; what it does not know, Chromium may. */
export function shellOptions(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ShellOptions {
  const options: ShellOptions = { demo: argv.includes('--demo'), hidden: argv.includes('--hidden') };
  const link = argv.find((word) => word.startsWith('pilothouse://'));
  if (link) options.link = link;
  const screenshots = environment['PILOTHOUSE_SCREENSHOTS'];
  if (screenshots) options.screenshots = screenshots;
  return options;
}

/** Switches that open the app to whoever can reach a port: refused in a packaged app (S12). */
export function debugSwitches(argv: readonly string[]): string[] {
  return argv.filter((word) =>
    /^--(inspect(-brk|-port|-publish-uid)?|remote-debugging-(port|pipe|address)|js-flags|load-extension|disable-web-security|no-sandbox-and-elevated)(=|$)/.test(
      word,
    ),
  );
}
