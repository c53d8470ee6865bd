import { mount } from '@vue/test-utils';
import type { VueWrapper } from '@vue/test-utils';
import { createPinia } from 'pinia';
import type { Component } from 'vue';
import { createMemoryHistory, createRouter } from 'vue-router';
import type { RouteRecordRaw, Router } from 'vue-router';
import { createTranslator, showLanguage } from '../../src-renderer/locales/index';
import type { Language } from '../../src-renderer/parts/format';

/** Gives every element a size: the pretended DOM has none, and virtual lists draw only what has room. */
export function giveSize(width = 1200, height = 560): () => void {
  const before = (['offsetWidth', 'offsetHeight', 'clientWidth', 'clientHeight'] as const).map((name) => {
    const owner = HTMLElement.prototype;
    const old = Object.getOwnPropertyDescriptor(owner, name);
    Object.defineProperty(owner, name, { configurable: true, get: () => (name.endsWith('Width') ? width : height) });
    return () => (old ? Object.defineProperty(owner, name, old) : Reflect.deleteProperty(owner, name));
  });
  return () => before.forEach((restore) => restore());
}

export interface MountOptions {
  props?: Record<string, unknown>;
  slots?: Record<string, unknown>;
  language?: Language;
  routes?: RouteRecordRaw[];
}

/** Mounts a component in a document with translator, store and router, as the window does. */
export async function mountWith(
  component: Component,
  options: MountOptions = {},
): Promise<{ wrapper: VueWrapper; router: Router }> {
  const translator = createTranslator();
  await showLanguage(translator, options.language ?? 'en');
  const router = createRouter({
    history: createMemoryHistory(),
    routes: options.routes ?? [{ path: '/:rest(.*)*', name: 'any', component: { render: () => null } }],
  });
  await router.push('/');
  await router.isReady();
  const wrapper = mount(component, {
    attachTo: document.body,
    props: options.props,
    slots: options.slots as never,
    global: { plugins: [translator, createPinia(), router] },
  });
  return { wrapper: wrapper as unknown as VueWrapper, router };
}
