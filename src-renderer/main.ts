import { createPinia } from 'pinia';
import { createApp, watch } from 'vue';
import App from './App.vue';
import { createTranslator, showLanguage, systemLanguage } from './locales/index';
import { createAppRouter } from './router';
import { localPersistence, useUi } from './stores/ui';
import './styles/index.css';

/** Starts the window: settings first, so that the first paint has the right theme and language. */
async function start(): Promise<void> {
  const app = createApp(App);
  const pinia = createPinia();
  app.use(pinia);
  const ui = useUi(pinia);
  ui.language = systemLanguage();
  ui.persistThrough(localPersistence(window.localStorage));
  followTheme(ui);
  const translator = createTranslator();
  // Begins to load the first screen while the language is loaded.
  app.use(createAppRouter());
  await showLanguage(translator, ui.language);
  watch(
    () => ui.language,
    (language) => void showLanguage(translator, language),
  );
  app.use(translator);
  app.mount('#app');
}

function followTheme(ui: ReturnType<typeof useUi>): void {
  const system = window.matchMedia('(prefers-color-scheme: dark)');
  ui.systemDark = system.matches;
  system.addEventListener('change', (event) => (ui.systemDark = event.matches));
  watch(
    () => ui.shownTheme,
    (theme) => (document.documentElement.dataset['theme'] = theme),
    { immediate: true },
  );
}

void start();
