/** Where the window stood, and where it may stand now that displays may have changed. */

export interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** What is kept between starts. The theme is kept too, so that the first frame already has the right ground. */
export interface WindowMemory {
  area?: Area;
  maximized: boolean;
  theme: 'dark' | 'light' | 'system';
  language: 'en' | 'zh-CN' | 'system';
}

export const smallest = { width: 940, height: 600 };
const usual = { width: 1440, height: 900 };

/** Reads what was kept, trusting nothing in it. */
export function parseMemory(value: unknown): WindowMemory {
  const record = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const area = record['area'] as Record<string, unknown> | undefined;
  const numbers = ['x', 'y', 'width', 'height'].map((key) => area?.[key]);
  const theme = record['theme'];
  const language = record['language'];
  const memory: WindowMemory = {
    maximized: record['maximized'] === true,
    theme: theme === 'dark' || theme === 'light' ? theme : 'system',
    language: language === 'en' || language === 'zh-CN' ? language : 'system',
  };
  if (numbers.every((number) => Number.isSafeInteger(number))) {
    const [x, y, width, height] = numbers as [number, number, number, number];
    memory.area = { x, y, width, height };
  }
  return memory;
}

/** The window's area for these displays' work areas, the primary first: as kept if its title bar can be grasped, else centred. */
export function placeWindow(kept: Area | undefined, displays: readonly Area[]): Area {
  const primary = displays[0] ?? { x: 0, y: 0, width: 1440, height: 900 };
  if (kept && displays.some((display) => graspable(kept, display))) {
    return { ...kept, width: Math.max(smallest.width, kept.width), height: Math.max(smallest.height, kept.height) };
  }
  const width = Math.max(smallest.width, Math.min(usual.width, primary.width));
  const height = Math.max(smallest.height, Math.min(usual.height, primary.height));
  return {
    x: Math.round(primary.x + Math.max(0, (primary.width - width) / 2)),
    y: Math.round(primary.y + Math.max(0, (primary.height - height) / 2)),
    width,
    height,
  };
}

/** At least 120 × 30 of the title bar lie on the display. */
function graspable(area: Area, display: Area): boolean {
  const overlap = Math.min(area.x + area.width, display.x + display.width) - Math.max(area.x, display.x);
  return overlap >= 120 && area.y >= display.y - 10 && area.y + 30 <= display.y + display.height;
}
