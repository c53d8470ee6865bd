/** The core's sentences in the language shown now. */
import { computed, shallowRef, type ComputedRef } from 'vue';
import { useI18n } from 'vue-i18n';
import { fill, say, type Sentence, type WordCode } from '../../src-main/contract/sentence';

const chinese = shallowRef<Record<WordCode, string>>();

/** Returns a function that says a sentence. English is always there; Chinese comes with its first use. */
export function useWords(): ComputedRef<(sentence: Sentence | undefined) => string> {
  const { locale } = useI18n();
  return computed(() => {
    if (locale.value === 'zh-CN' && !chinese.value)
      void import('./zh-CN/words').then(({ words }) => (chinese.value = words));
    const table = locale.value === 'zh-CN' ? chinese.value : undefined;
    return (sentence) => {
      if (!sentence) return '';
      const template = table?.[sentence.code];
      return template === undefined ? say(sentence) : fill(template, sentence.args);
    };
  });
}
