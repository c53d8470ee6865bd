/** Whether a key press belongs to a field the user types in, so that single-letter shortcuts must not take it. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable ||
    ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName) ||
    target.closest('.xterm, .cm-editor') !== null
  );
}

/** Whether shortcuts are written with ⌘ here. */
export function isMac(): boolean {
  return /mac/i.test(navigator.platform);
}

/** The index an arrow key moves to in a ring of `count`, or `undefined` for other keys. */
export function ringStep(key: string, at: { index: number; count: number; vertical?: boolean }): number | undefined {
  const { index, count, vertical } = at;
  if (count === 0) return undefined;
  if (key === 'Home') return 0;
  if (key === 'End') return count - 1;
  if (key === (vertical ? 'ArrowDown' : 'ArrowRight')) return (index + 1) % count;
  if (key === (vertical ? 'ArrowUp' : 'ArrowLeft')) return (index - 1 + count) % count;
  return undefined;
}
