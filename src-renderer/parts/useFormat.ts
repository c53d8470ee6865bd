import { computed } from 'vue';
import type { ComputedRef } from 'vue';
import { useI18n } from 'vue-i18n';
import { createFormat } from './format';
import type { Format } from './format';

/** The formats of the language shown now. */
export function useFormat(): ComputedRef<Format> {
  const { locale } = useI18n();
  return computed(() => createFormat(locale.value === 'zh-CN' ? 'zh-CN' : 'en'));
}
