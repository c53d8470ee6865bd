import { afterEach, describe, expect, it } from 'vitest';
import { nextTick } from 'vue';
import AppFrame from '../../../src-renderer/frame/AppFrame.vue';
import { providePalette } from '../../../src-renderer/frame/palette';
import { screens } from '../../../src-renderer/frame/screens';
import { useUi } from '../../../src-renderer/stores/ui';
import { giveSize, mountWith } from '../support';

const existing = screens.filter((screen) => ['overview', 'services', 'logs', 'settings'].includes(screen.noun));
const routes = existing.map((screen) => ({
  name: screen.noun,
  path: screen.path,
  component: { render: () => null },
  meta: { within: screen.noun },
}));

describe('AppFrame', () => {
  afterEach(() => document.body.replaceChildren());
  async function frame(props: Record<string, unknown> = {}, language: 'en' | 'zh-CN' = 'en') {
    const mounted = await mountWith(AppFrame, {
      props: { screens: existing, ...props },
      routes,
      language,
      slots: { default: 'the screen' },
    });
    await nextTick();
    return mounted;
  }
  const key = (init: KeyboardEventInit): boolean =>
    document.dispatchEvent(new KeyboardEvent('keydown', { bubbles: true, ...init }));
  const settle = (): Promise<void> => new Promise((done) => setTimeout(done, 20));

  it('lists the screens that exist, with counts, the current one marked', async () => {
    const { wrapper } = await frame({ counts: { services: { text: '19' } } });
    const items = wrapper.findAll('nav a').map((link) => link.text());
    expect(items).toEqual(['Overview', 'Services19', 'Logs', 'Settings']);
    expect(wrapper.get('[aria-current="page"]').text()).toBe('Overview');
    wrapper.unmount();
  });
  it('speaks Chinese', async () => {
    const { wrapper } = await frame({}, 'zh-CN');
    expect(wrapper.findAll('nav a').map((link) => link.text())).toEqual(['总览', '服务', '日志', '设置']);
    expect(document.documentElement.lang).toBe('zh-CN');
    wrapper.unmount();
  });
  it('goes to a screen, acts and searches logs through the palette', async () => {
    const { wrapper, router } = await frame();
    let acted = 0;
    const stop = providePalette({
      id: 'test',
      items: () => [{ id: 'restart', group: 'actOn', title: 'Restart checkout', run: () => (acted += 1) }],
    });
    const type = async (text: string): Promise<HTMLInputElement> => {
      key({ key: 'k', ctrlKey: true });
      await settle();
      const input = document.querySelector<HTMLInputElement>('[role="combobox"]');
      if (!input) throw new Error('the palette is not open');
      input.value = text;
      input.dispatchEvent(new Event('input'));
      await settle();
      return input;
    };
    const enter = async (input: HTMLInputElement): Promise<void> => {
      input.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
      await settle();
    };
    await enter(await type('serv'));
    expect(router.currentRoute.value.name).toBe('services');
    expect(document.querySelector('[role="combobox"]')).toBeNull();
    await enter(await type('rest check'));
    expect(acted).toBe(1);
    await enter(await type('ECONNREFUSED'));
    expect(router.currentRoute.value).toMatchObject({ name: 'logs', query: { q: 'ECONNREFUSED' } });
    stop();
    wrapper.unmount();
  });
  it('goes to screens by number, and leaves keys alone while the user types', async () => {
    const { wrapper, router } = await frame();
    key({ key: '3', ctrlKey: true });
    await settle();
    expect(router.currentRoute.value.name).toBe('logs');
    const field = document.createElement('input');
    document.body.append(field);
    field.dispatchEvent(new KeyboardEvent('keydown', { key: '?', bubbles: true }));
    await settle();
    expect(document.querySelector('.ph-dialog')).toBeNull();
    key({ key: '?' });
    await settle();
    expect(document.querySelector('.ph-dialog')?.textContent).toContain('Command palette');
    wrapper.unmount();
  });
  it('says since when the engine is away, and asks again on request', async () => {
    const { wrapper } = await frame({ away: { since: Date.now() - 60_000, nextTryAt: Date.now() + 8000 } });
    const strip = wrapper.get('.away');
    expect(strip.text()).toMatch(/does not answer since \d\d:\d\d.*Next try in 0:0[78]/);
    await strip.get('button').trigger('click');
    expect(wrapper.emitted('retryEngine')).toHaveLength(1);
    wrapper.unmount();
  });
  it('opens what a mark of the tape stands for, by two clicks', async () => {
    const restore = giveSize(1000, 36);
    // The middle of the range the window opens with.
    const at = Date.now() - 7.5 * 60_000;
    const { wrapper, router } = await frame({
      marks: [{ id: 'm', at, kind: 'rollout', label: 'web r2', to: { name: 'services' } }],
    });
    const band = wrapper.get('[role="slider"]');
    const ui = useUi();
    expect(ui.live).toBe(true);
    await band.trigger('dblclick', { clientX: 500 });
    await settle();
    expect(router.currentRoute.value.name).toBe('services');
    await band.trigger('keydown', { key: 'ArrowLeft' });
    expect(ui.live).toBe(false);
    await band.trigger('keydown', { key: 'Escape' });
    expect(ui.live).toBe(true);
    restore();
    wrapper.unmount();
  });
  it('draws window controls except on macOS, which has its own', async () => {
    const { wrapper } = await frame({ windowControls: true });
    await wrapper.get('[aria-label="Close window"]').trigger('click');
    expect(wrapper.emitted('window')).toEqual([['close']]);
    wrapper.unmount();
    const mac = await frame({ windowControls: true, mac: true });
    expect(mac.wrapper.find('[aria-label="Close window"]').exists()).toBe(false);
    mac.wrapper.unmount();
  });
});
