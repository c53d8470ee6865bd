import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nextTick } from 'vue';
import Stepper from '../../../src-renderer/parts/Stepper.vue';
import { mountWith } from '../support';

describe('Stepper', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => {
    vi.useRealTimers();
    document.body.replaceChildren();
  });
  async function stepper(count: number, more: Record<string, unknown> = {}) {
    const { wrapper } = await mountWith(Stepper, { props: { modelValue: count, label: 'Replicas of web', ...more } });
    const [less, plus] = wrapper.findAll('button');
    if (!less || !plus) throw new Error('buttons missing');
    return { wrapper, less, plus, value: wrapper.get('[role="spinbutton"]') };
  }

  it('shows the way and commits once, 600 ms after the last click', async () => {
    const { wrapper, plus, value } = await stepper(3);
    await plus.trigger('click');
    vi.advanceTimersByTime(400);
    await plus.trigger('click');
    expect(value.text()).toBe('3→5');
    vi.advanceTimersByTime(599);
    expect(wrapper.emitted('commit')).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(wrapper.emitted('commit')).toEqual([[5]]);
    await nextTick();
    expect(value.text()).toBe('3→5');
    await wrapper.setProps({ modelValue: 5 });
    expect(value.text()).toBe('5');
  });

  it('commits at once by Enter and takes the wish back by Escape', async () => {
    const { wrapper, value } = await stepper(3);
    await value.trigger('keydown', { key: 'ArrowUp' });
    await value.trigger('keydown', { key: 'Escape' });
    vi.advanceTimersByTime(5000);
    expect(wrapper.emitted('commit')).toBeUndefined();
    await value.trigger('keydown', { key: '1' });
    await value.trigger('keydown', { key: '2' });
    await value.trigger('keydown', { key: 'Enter' });
    expect(wrapper.emitted('commit')).toEqual([[12]]);
  });

  it('says nothing when the clicks cancel out', async () => {
    const { wrapper, plus, less } = await stepper(3);
    await plus.trigger('click');
    await less.trigger('click');
    vi.advanceTimersByTime(1000);
    expect(wrapper.emitted('commit')).toBeUndefined();
  });

  it('asks before zero and never stops everything by time alone', async () => {
    const { wrapper, less } = await stepper(1);
    await less.trigger('click');
    vi.advanceTimersByTime(60_000);
    await nextTick();
    expect(wrapper.emitted('commit')).toBeUndefined();
    const ask = document.querySelector('[role="alertdialog"]');
    expect(ask?.textContent).toContain('Stop all replicas?');
    ask?.querySelector('button')?.click();
    expect(wrapper.emitted('commit')).toEqual([[0]]);
  });

  it('shows the truth again when the wish is never followed', async () => {
    const { value, plus } = await stepper(3);
    await plus.trigger('click');
    vi.advanceTimersByTime(600);
    await nextTick();
    vi.advanceTimersByTime(5000);
    await nextTick();
    expect(value.text()).toBe('3');
  });

  it('does nothing while it has a reason not to', async () => {
    const { wrapper, plus } = await stepper(3, { reason: 'The engine is away' });
    await plus.trigger('click');
    vi.advanceTimersByTime(1000);
    expect(wrapper.emitted('commit')).toBeUndefined();
    expect(wrapper.attributes('data-tip')).toBe('The engine is away');
  });

  it('hands its wish over when its row scrolls away, but not zero', async () => {
    const commits: number[] = [];
    const onCommit = (count: number): unknown => commits.push(count);
    const one = await stepper(3, { onCommit });
    await one.plus.trigger('click');
    one.wrapper.unmount();
    expect(commits).toEqual([4]);
    const two = await stepper(1, { onCommit });
    await two.less.trigger('click');
    two.wrapper.unmount();
    expect(commits).toEqual([4]);
  });
});
