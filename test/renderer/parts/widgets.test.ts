import { afterEach, describe, expect, it, vi } from 'vitest';
import { nextTick } from 'vue';
import AppButton from '../../../src-renderer/parts/AppButton.vue';
import ConfirmDialog from '../../../src-renderer/parts/ConfirmDialog.vue';
import FilterField from '../../../src-renderer/parts/FilterField.vue';
import LoadingRows from '../../../src-renderer/parts/LoadingRows.vue';
import LogLine from '../../../src-renderer/parts/LogLine.vue';
import Menu from '../../../src-renderer/parts/Menu.vue';
import Tabs from '../../../src-renderer/parts/Tabs.vue';
import ToastHost from '../../../src-renderer/parts/ToastHost.vue';
import { dismissToast, showToast, toasts, toastTime } from '../../../src-renderer/parts/toasts';
import { mountWith } from '../support';

const settle = (): Promise<void> => new Promise((done) => setTimeout(done, 30));
afterEach(() => {
  vi.useRealTimers();
  document.body.replaceChildren();
});

describe('AppButton', () => {
  it('keeps the focus but not the act while it has a reason', async () => {
    const { wrapper } = await mountWith(AppButton, {
      props: { reason: 'The engine is away' },
      slots: { default: 'Restart' },
    });
    await wrapper.trigger('click');
    expect(wrapper.emitted('click')).toBeUndefined();
    expect(wrapper.attributes()).toMatchObject({ 'aria-disabled': 'true', 'data-tip': 'The engine is away' });
    await wrapper.setProps({ reason: '' });
    await wrapper.trigger('click');
    expect(wrapper.emitted('click')).toHaveLength(1);
  });
});

describe('Menu', () => {
  it('opens, is walked by arrows, and chooses only what may be chosen', async () => {
    const items = [
      { id: 'stop', label: 'Stop', reason: 'It is stopped' },
      { id: 'logs', label: 'Logs' },
      { id: 'remove', label: 'Remove…' },
    ];
    const { wrapper } = await mountWith(Menu, {
      props: { items, label: 'Acts' },
      slots: {
        trigger: '<template #trigger="{ attributes }"><button class="opener" v-bind="attributes">…</button></template>',
      },
    });
    await wrapper.get('.opener').trigger('click');
    await nextTick();
    const menu = document.querySelector<HTMLElement>('[role="menu"]');
    expect(document.activeElement?.textContent).toContain('Logs');
    menu?.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown', bubbles: true }));
    expect(document.activeElement?.textContent).toContain('Remove');
    menu?.querySelectorAll('button')[0]?.click();
    expect(wrapper.emitted('choose')).toBeUndefined();
    (document.activeElement as HTMLElement).click();
    expect(wrapper.emitted('choose')).toEqual([['remove']]);
    await nextTick();
    expect(document.querySelector('[role="menu"]')).toBeNull();
  });
});

describe('Tabs', () => {
  it('has one stop and moves by arrows', async () => {
    const tabs = ['overview', 'logs', 'events'].map((id) => ({ id, label: id }));
    const { wrapper } = await mountWith(Tabs, { props: { tabs, label: 'Service', modelValue: 'overview' } });
    expect(wrapper.findAll('[tabindex="0"]')).toHaveLength(1);
    await wrapper.get('[role="tablist"]').trigger('keydown', { key: 'ArrowLeft' });
    expect(wrapper.emitted('update:modelValue')).toEqual([['events']]);
  });
});

describe('FilterField', () => {
  it('is focused by a slash from anywhere, but not out of another field', async () => {
    const { wrapper } = await mountWith(FilterField, { props: { modelValue: 'web', placeholder: 'Filter' } });
    const input = wrapper.get('input').element;
    const other = document.createElement('textarea');
    document.body.append(other);
    other.dispatchEvent(new KeyboardEvent('keydown', { key: '/', bubbles: true }));
    expect(document.activeElement).not.toBe(input);
    document.dispatchEvent(new KeyboardEvent('keydown', { key: '/', bubbles: true }));
    expect(document.activeElement).toBe(input);
    await wrapper.get('input').trigger('keydown', { key: 'Escape' });
    expect(wrapper.emitted('update:modelValue')).toEqual([['']]);
    wrapper.unmount();
  });
});

describe('ConfirmDialog', () => {
  it('names the act and is armed only by the typed word', async () => {
    const { wrapper } = await mountWith(ConfirmDialog, {
      props: { open: true, title: 'Remove stack shop', act: 'Remove 10 services', danger: true, word: 'shop' },
      slots: { changes: '10 services go' },
    });
    await settle();
    const dialog = document.querySelector<HTMLElement>('.ph-dialog');
    expect(dialog?.textContent).toContain('10 services go');
    const act = (): HTMLButtonElement | undefined =>
      [...(dialog?.querySelectorAll('button') ?? [])].find((button) => button.textContent?.includes('Remove 10'));
    act()?.click();
    expect(wrapper.emitted('confirm')).toBeUndefined();
    const input = dialog?.querySelector('input');
    if (!input) throw new Error('no field');
    input.value = 'shop';
    input.dispatchEvent(new Event('input'));
    await nextTick();
    act()?.click();
    expect(wrapper.emitted('confirm')).toHaveLength(1);
    wrapper.unmount();
  });
});

describe('toasts', () => {
  it('go after six seconds, errors stay, and a crowd loses its oldest', async () => {
    vi.useFakeTimers();
    const { wrapper } = await mountWith(ToastHost);
    showToast('web restarted');
    showToast('mailer failed', { state: 'critical' });
    await nextTick();
    vi.advanceTimersByTime(toastTime);
    expect(toasts.map((toast) => toast.text)).toEqual(['mailer failed']);
    for (let index = 0; index < 6; index += 1) showToast(`notice ${index}`);
    expect(toasts).toHaveLength(4);
    showToast('notice 5');
    expect(toasts.filter((toast) => toast.text === 'notice 5')).toHaveLength(1);
    for (const toast of [...toasts]) dismissToast(toast.id);
    wrapper.unmount();
  });
});

describe('LoadingRows', () => {
  it('shows nothing for the first 150 ms', async () => {
    vi.useFakeTimers();
    const { wrapper } = await mountWith(LoadingRows, { props: { rows: 3 } });
    expect(wrapper.findAll('.line')).toHaveLength(0);
    vi.advanceTimersByTime(150);
    await nextTick();
    expect(wrapper.findAll('.line')).toHaveLength(3);
  });
});

describe('LogLine', () => {
  it('shows hostile text as text', async () => {
    const { wrapper } = await mountWith(LogLine, {
      props: {
        at: 0,
        source: '<b>x</b>',
        text: '\u001b[31m<img src=x onerror=alert(1)>\u001b[0m {{ 1 + 1 }}',
        level: 'error',
      },
    });
    expect(wrapper.find('img').exists()).toBe(false);
    expect(wrapper.get('.message').text()).toBe('<img src=x onerror=alert(1)> {{ 1 + 1 }}');
    expect(wrapper.get('.source').text()).toBe('<b>x</b>');
  });
});

describe('FilterField that completes', () => {
  const complete = (text: string): { from: number; options: string[] } | undefined =>
    text === 'ser' ? { from: 0, options: ['service:', 'server:'] } : undefined;
  async function typed(): Promise<{
    input: HTMLInputElement;
    press: (key: string) => Promise<void>;
    text: () => string;
  }> {
    const { wrapper } = await mountWith(FilterField, { props: { modelValue: '', placeholder: 'Search', complete } });
    const field = wrapper.find('input');
    await field.setValue('ser');
    return {
      input: field.element,
      press: async (key) => {
        await field.trigger('keydown', { key });
        await settle();
      },
      text: () => (wrapper.emitted('update:modelValue')?.at(-1) as [string])[0],
    };
  }
  const offers = (): string[] => [...document.querySelectorAll('[role="option"]')].map((one) => one.textContent.trim());

  it('offers, and takes the first with Tab', async () => {
    const { press, text } = await typed();
    expect(offers()).toEqual(['service:', 'server:']);
    await press('Tab');
    expect(text()).toBe('service:');
  });

  it('takes what was walked to with Enter, but leaves a typed word alone', async () => {
    const plain = await typed();
    await plain.press('Enter');
    expect(plain.text()).toBe('ser');
    expect(offers()).toEqual([]);
    document.body.replaceChildren();
    const walked = await typed();
    await walked.press('ArrowDown');
    await walked.press('ArrowDown');
    await walked.press('Enter');
    expect(walked.text()).toBe('server:');
  });

  it('goes away with Escape without losing the text', async () => {
    const { press, text } = await typed();
    await press('Escape');
    expect(offers()).toEqual([]);
    expect(text()).toBe('ser');
  });
});
