import { createI18n } from 'vue-i18n';
import type { I18n } from 'vue-i18n';
import type { Language } from '../parts/format';

type Messages = Record<string, Record<string, unknown>>;
type WindowI18n = I18n<Record<string, never>, Record<string, never>, Record<string, never>, string, false>;

const loaders: Record<Language, () => Promise<{ messages: Messages }>> = {
  en: () => import('./en/index'),
  'zh-CN': () => import('./zh-CN/index'),
};
const loaded = new Map<Language, Messages>();

/** The translator, empty until a language is loaded. Messages are interpreted, not compiled to code, so the strict CSP holds. */
export function createTranslator(): WindowI18n {
  return createI18n({
    legacy: false,
    locale: 'en',
    fallbackLocale: 'en',
    messages: {},
    missingWarn: false,
    fallbackWarn: false,
  }) as unknown as WindowI18n;
}

/** Loads a language once and shows it; sets `lang` on the document for fonts, hyphenation and screen readers. */
export async function showLanguage(translator: WindowI18n, language: Language): Promise<void> {
  if (!loaded.has(language)) loaded.set(language, (await loaders[language]()).messages);
  translator.global.setLocaleMessage(language, loaded.get(language) as never);
  translator.global.locale.value = language;
  document.documentElement.lang = language;
}

/** The language of the system, as far as we speak it. */
export function systemLanguage(): Language {
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
}
