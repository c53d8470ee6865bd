/** Slow facts of the selected engine's machine: nodes with their capacity, and what lies on its disk. Asked on a timer while shown. */
import { defineStore } from 'pinia';
import { shallowRef } from 'vue';
import type { DiskFigures, NodeView } from '../../src-main/contract/nouns';
import { call } from '../bridge';

export const useMachine = defineStore('machine', () => {
  const nodes = shallowRef<NodeView[]>([]);
  const disk = shallowRef<DiskFigures>();
  let users = 0;
  let timer = 0;

  async function load(): Promise<void> {
    // An engine that is away keeps the last known figures on screen.
    nodes.value = await call('nodes.list', {}).catch(() => nodes.value);
  }
  async function loadDisk(): Promise<void> {
    disk.value = await call('engines.disk', {}).catch(() => disk.value);
  }

  return {
    nodes,
    disk,
    /** Keeps asking until released: nodes every 5 s, the disk (an expensive question for the engine) every 12th time. */
    hold(): () => void {
      users += 1;
      if (users === 1) {
        let turn = 0;
        const tick = (): void => {
          if (document.hidden) return;
          void load();
          if (turn++ % 12 === 0) void loadDisk();
        };
        tick();
        timer = window.setInterval(tick, 5000);
      }
      return () => {
        users -= 1;
        if (users === 0) window.clearInterval(timer);
      };
    },
  };
});
