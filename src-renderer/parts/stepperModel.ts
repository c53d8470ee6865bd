/** How long after the last click a new count is committed, ms. */
export const commitDelay = 600;

/** Keeps a count inside its bounds and whole. */
export function clampCount(value: number, bounds: { min: number; max: number }): number {
  if (!Number.isFinite(value)) return bounds.min;
  return Math.max(bounds.min, Math.min(bounds.max, Math.round(value)));
}

/**
 * The count a key asks for: arrows step by one, Page Up and Down by ten, Home and End go to the bounds and
 * digits are typed one after another ("1", "2" is 12). `undefined`: the key is not for the stepper.
 */
export function countForKey(
  key: string,
  at: { current: number; typed: string; min: number; max: number },
): number | undefined {
  const steps: Record<string, number> = {
    ArrowUp: 1,
    ArrowRight: 1,
    '+': 1,
    ArrowDown: -1,
    ArrowLeft: -1,
    '-': -1,
    PageUp: 10,
    PageDown: -10,
  };
  const step = steps[key];
  if (step !== undefined) return clampCount(at.current + step, at);
  if (key === 'Home') return at.min;
  if (key === 'End') return at.max < Number.MAX_SAFE_INTEGER ? at.max : undefined;
  if (/^\d$/.test(key)) return clampCount(Number(at.typed + key), at);
  return undefined;
}
