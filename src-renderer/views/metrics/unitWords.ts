/** Values of a unit in the reader's language. */
import { computed, type ComputedRef } from 'vue';
import type { SeriesView } from '../../../src-main/contract/nouns';
import { useFormat } from '../../parts/useFormat';

export function useUnitWords(unit: () => SeriesView['unit']): ComputedRef<(value: number) => string> {
  const format = useFormat();
  return computed(() => {
    const words = format.value;
    const plain = (value: number): string =>
      Math.abs(value) >= 1000 ? words.count(Math.round(value)) : String(Number(value.toPrecision(3)));
    switch (unit()) {
      case 'cores':
        // Two digits would write three steps of a small axis as two.
        return (value) => (value < 0.1 ? String(Number(value.toFixed(3))) : words.cores(value));
      case 'bytes':
        return (value) => words.bytes(value);
      case 'bytes/s':
        return (value) => words.byteRate(value);
      case 'count/s':
        return (value) => `${plain(value)}/s`;
      case 'ratio':
        return (value) => words.percent(value);
      case 'ms':
        return (value) => words.duration(value);
      case 'count':
      case 'none':
        return plain;
    }
  });
}
