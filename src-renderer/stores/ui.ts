import { defineStore } from 'pinia';
import { computed, ref, watch } from 'vue';
import type { Language } from '../parts/format';

export type Theme = 'dark' | 'light' | 'system';
export type RangeId = '5m' | '15m' | '1h' | '6h' | '24h' | '7d';

const minute = 60_000;
/** The spans of the time range, ms. */
export const rangeSpans: Record<RangeId, number> = {
  '5m': 5 * minute,
  '15m': 15 * minute,
  '1h': 60 * minute,
  '6h': 360 * minute,
  '24h': 1440 * minute,
  '7d': 10_080 * minute,
};
export const rangeIds = Object.keys(rangeSpans) as RangeId[];

/** What of the window outlives it. */
export interface UiMemory {
  theme: Theme;
  language: Language;
  rangeId: RangeId;
  railCollapsed: boolean;
}

/** Where the window's own settings are kept. `write` is called on every change and must not throw. */
export interface UiPersistence {
  read: () => Partial<UiMemory>;
  write: (memory: UiMemory) => void;
}

export interface TimeWindow {
  from: number;
  to: number;
}

/** Theme, language, and the one time range with its one cursor that every chart, list and histogram follows. */
export const useUi = defineStore('ui', () => {
  const theme = ref<Theme>('system');
  const language = ref<Language>('en');
  const railCollapsed = ref(false);
  const systemDark = ref(true);
  const rangeId = ref<RangeId>('15m');

  const now = ref(0);
  /** The window while it does not follow now. */
  const fixed = ref<TimeWindow>();
  const hovered = ref<number>();
  const pinned = ref<number>();

  const live = computed(() => fixed.value === undefined);
  /** A window that was brushed, rather than one of the ranges. */
  const brushed = computed(
    () => fixed.value !== undefined && fixed.value.to - fixed.value.from !== rangeSpans[rangeId.value],
  );
  const timeWindow = computed<TimeWindow>(
    () => fixed.value ?? { from: now.value - rangeSpans[rangeId.value], to: now.value },
  );
  /** The instant everything shows: where the pointer is, else where the user stayed. */
  const cursor = computed(() => hovered.value ?? pinned.value);
  const shownTheme = computed<'dark' | 'light'>(() =>
    theme.value === 'system' ? (systemDark.value ? 'dark' : 'light') : theme.value,
  );

  function tick(at: number): void {
    now.value = at;
  }
  function setRange(id: RangeId): void {
    rangeId.value = id;
    if (!fixed.value) return;
    const to = pinned.value === undefined ? fixed.value.to : Math.min(now.value, pinned.value + rangeSpans[id] / 2);
    fixed.value = { from: to - rangeSpans[id], to };
  }
  /** Shows exactly this stretch of time, as after a brush. */
  function setWindow(next: TimeWindow): void {
    if (next.to - next.from < 1000) return;
    fixed.value = { ...next };
    if (pinned.value !== undefined && (pinned.value < next.from || pinned.value > next.to)) pinned.value = undefined;
  }
  function hover(at: number | undefined): void {
    hovered.value = at;
  }
  /** Stays at an instant: the window stops following now. */
  function pin(at: number): void {
    fixed.value = { ...timeWindow.value };
    pinned.value = at;
  }
  function goLive(): void {
    fixed.value = undefined;
    pinned.value = undefined;
    hovered.value = undefined;
  }
  function toggleTheme(): void {
    theme.value = shownTheme.value === 'dark' ? 'light' : 'dark';
  }
  function toggleLanguage(): void {
    language.value = language.value === 'en' ? 'zh-CN' : 'en';
  }

  /** Takes over what was kept and keeps every later change. Returns how to stop keeping. */
  function persistThrough(persistence: UiPersistence): () => void {
    const kept = persistence.read();
    if (kept.theme) theme.value = kept.theme;
    if (kept.language) language.value = kept.language;
    if (kept.rangeId && kept.rangeId in rangeSpans) rangeId.value = kept.rangeId;
    if (kept.railCollapsed !== undefined) railCollapsed.value = kept.railCollapsed;
    return watch([theme, language, rangeId, railCollapsed], () =>
      persistence.write({
        theme: theme.value,
        language: language.value,
        rangeId: rangeId.value,
        railCollapsed: railCollapsed.value,
      }),
    );
  }

  return {
    theme,
    language,
    railCollapsed,
    systemDark,
    shownTheme,
    rangeId,
    now,
    live,
    brushed,
    timeWindow,
    cursor,
    pinned,
    tick,
    setRange,
    setWindow,
    hover,
    pin,
    goLive,
    toggleTheme,
    toggleLanguage,
    persistThrough,
  };
});

const memoryKey = 'pilothouse.ui';

/** Keeps the window's settings in the renderer's own local storage; unreadable content counts as none. */
export function localPersistence(storage: Storage): UiPersistence {
  return {
    read() {
      try {
        const kept: unknown = JSON.parse(storage.getItem(memoryKey) ?? '{}');
        return typeof kept === 'object' && kept !== null ? (kept as Partial<UiMemory>) : {};
      } catch {
        return {};
      }
    },
    write(memory) {
      try {
        storage.setItem(memoryKey, JSON.stringify(memory));
      } catch {
        // A full or forbidden storage costs the memory of the settings, nothing else
      }
    },
  };
}
