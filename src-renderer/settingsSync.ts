/**
 * Theme and language live in the core's settings, where the tray, the window's ground and every other window find them. The window
 * keeps a copy of its own for the first paint; this brings the two together: the settings win when they arrive, and what the user
 * changes here is set there.
 */
import { watch } from 'vue';
import { systemLanguage } from './locales/index';
import { useApp } from './stores/app';
import { useUi } from './stores/ui';

/** Keeps both sides equal for as long as the calling scope lives. `onFailure` hears when a change could not be kept. */
export function syncSettings(onFailure: (thrown: unknown) => void): void {
  const app = useApp();
  const ui = useUi();
  watch(
    () => app.settings,
    (settings) => {
      if (!settings) return;
      ui.theme = settings.theme;
      ui.language = settings.language === 'system' ? systemLanguage() : settings.language;
    },
    { immediate: true },
  );
  watch(
    () => ui.theme,
    (theme) => {
      if (app.settings && app.settings.theme !== theme) app.set({ theme }).catch(onFailure);
    },
  );
  watch(
    () => ui.language,
    (language) => {
      const kept = app.settings?.language;
      const same = kept === language || (kept === 'system' && language === systemLanguage());
      if (kept !== undefined && !same) app.set({ language }).catch(onFailure);
    },
  );
}
