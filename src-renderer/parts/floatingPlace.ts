/** Where a floating thing stands beside its anchor. */
export type Placement = 'bottom-start' | 'bottom-end' | 'bottom-center' | 'top-center' | 'right-start';

interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/**
 * The top left corner, in viewport pixels, of a floating box of `size` beside `anchor`: at the wished side, on the
 * opposite one when there is no room, and always `margin` inside the viewport.
 */
export function placeFloating(
  anchor: Box,
  options: {
    size: { width: number; height: number };
    viewport: { width: number; height: number };
    placement: Placement;
    gap?: number;
  },
): { left: number; top: number } {
  const { size, viewport, placement } = options;
  const gap = options.gap ?? 4;
  const margin = 6;
  const below = anchor.top + anchor.height + gap;
  const above = anchor.top - gap - size.height;
  let left = anchor.left;
  let top = below;
  if (placement === 'right-start') {
    left = anchor.left + anchor.width + gap;
    top = anchor.top;
    if (left + size.width > viewport.width - margin) left = anchor.left - gap - size.width;
  } else {
    if (placement === 'bottom-end') left = anchor.left + anchor.width - size.width;
    if (placement === 'bottom-center' || placement === 'top-center')
      left = anchor.left + anchor.width / 2 - size.width / 2;
    const fitsBelow = below + size.height <= viewport.height - margin;
    if (placement === 'top-center') top = above >= margin || !fitsBelow ? above : below;
    else top = fitsBelow || above < margin ? below : above;
  }
  return {
    left: Math.round(Math.max(margin, Math.min(left, viewport.width - size.width - margin))),
    top: Math.round(Math.max(margin, Math.min(top, viewport.height - size.height - margin))),
  };
}
