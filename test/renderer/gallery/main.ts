import { createPinia } from 'pinia';
import { createApp, watch } from 'vue';
import { createRouter, createWebHashHistory } from 'vue-router';
import { screens } from '../../../src-renderer/frame/screens';
import { createTranslator, showLanguage } from '../../../src-renderer/locales/index';
import { useUi } from '../../../src-renderer/stores/ui';
import '../../../src-renderer/styles/index.css';
import Gallery from './Gallery.vue';
import ChartsPage from './pages/ChartsPage.vue';
import ManyChartsPage from './pages/ManyChartsPage.vue';
import PartsPage from './pages/PartsPage.vue';
import ServicesPage from './pages/ServicesPage.vue';

/** `?theme=light&lang=zh-CN#/services`, or `#/settings` for the parts. */
async function start(): Promise<void> {
  const query = new URLSearchParams(location.search);
  const app = createApp(Gallery);
  const pinia = createPinia();
  app.use(pinia);
  const ui = useUi(pinia);
  ui.theme = query.get('theme') === 'light' ? 'light' : 'dark';
  ui.language = query.get('lang') === 'zh-CN' ? 'zh-CN' : 'en';
  watch(
    () => ui.shownTheme,
    (theme) => (document.documentElement.dataset['theme'] = theme),
    { immediate: true },
  );
  const translator = createTranslator();
  await showLanguage(translator, ui.language);
  watch(
    () => ui.language,
    (language) => void showLanguage(translator, language),
  );
  app.use(translator);
  const pages: Record<string, typeof ServicesPage> = {
    services: ServicesPage,
    metrics: ChartsPage,
    alerts: ManyChartsPage,
  };
  app.use(
    createRouter({
      history: createWebHashHistory(),
      routes: screens.map((screen) => ({
        name: screen.noun,
        path: screen.path,
        component: pages[screen.noun] ?? PartsPage,
        meta: { within: screen.within ?? screen.noun },
      })),
    }),
  );
  app.mount('#app');
}

void start();
