/** The app's own state and the user's settings. */
import { defineStore } from 'pinia';
import { ref, shallowRef } from 'vue';
import type { ArgumentOf } from '../../src-main/contract/api/define';
import type { Calls } from '../../src-main/contract/api';
import type { AppStatus, Settings } from '../../src-main/contract/nouns';
import { call, open } from '../bridge';

export const useApp = defineStore('app', () => {
  const status = shallowRef<AppStatus>();
  const settings = shallowRef<Settings>();
  const connected = ref(false);
  let started = false;

  function follow(): void {
    open(
      'app.watch',
      {},
      {
        item: (item) => {
          status.value = item;
          connected.value = true;
        },
        end: () => {
          connected.value = false;
          window.setTimeout(follow, 1000);
        },
      },
    );
    open('settings.watch', {}, { item: (item) => (settings.value = item) });
  }

  return {
    status,
    settings,
    connected,
    start() {
      if (started) return;
      started = true;
      follow();
    },
    set: async (change: ArgumentOf<Calls['settings.set']>) => {
      settings.value = await call('settings.set', change);
    },
  };
});
