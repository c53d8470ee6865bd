import { mount } from '@vue/test-utils';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { defineComponent, h, ref, type Ref } from 'vue';
import { useSpread } from '../../../src-renderer/parts/useSpread';

let frames: (() => void)[] = [];
beforeEach(() => {
  frames = [];
  vi.stubGlobal('requestAnimationFrame', (act: () => void) => frames.push(act));
  vi.stubGlobal('cancelAnimationFrame', () => (frames = []));
});
afterEach(() => vi.unstubAllGlobals());

function spreadOf(wanted: Ref<string[]>, perFrame: number): { keys: () => string[]; end: () => void } {
  let drawn: Ref<ReadonlySet<string>> | undefined;
  const wrapper = mount(
    defineComponent(() => {
      drawn = useSpread(wanted, perFrame);
      return () => h('div');
    }),
  );
  return { keys: () => [...(drawn?.value ?? [])], end: () => wrapper.unmount() };
}
const next = (): void => frames.shift()?.();
const keys = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, at) => `row ${from + at}`);

describe('rows spread over frames', () => {
  it('draws the first at once and the others a frame each, in their order', () => {
    const spread = spreadOf(ref(keys(0, 7)), 3);
    expect(spread.keys()).toEqual(keys(0, 3));
    next();
    expect(spread.keys()).toEqual(keys(0, 6));
    next();
    expect(spread.keys()).toEqual(keys(0, 7));
    expect(frames).toEqual([]);
  });

  it('keeps what stays in view and drops what left it', () => {
    const wanted = ref(keys(0, 3));
    const spread = spreadOf(wanted, 3);
    wanted.value = keys(2, 6);
    expect(spread.keys()).toEqual(keys(2, 6));
    wanted.value = keys(20, 25);
    expect(spread.keys()).toEqual(keys(20, 23));
    next();
    expect(spread.keys()).toEqual(keys(20, 25));
  });

  it('takes the newest wish when a frame is due already, and ends with its owner', () => {
    const wanted = ref(keys(0, 9));
    const spread = spreadOf(wanted, 3);
    wanted.value = keys(50, 59);
    expect(frames).toHaveLength(1);
    next();
    expect(spread.keys()).toEqual(keys(50, 53));
    spread.end();
    expect(frames).toEqual([]);
  });
});
