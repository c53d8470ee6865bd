/**
 * Scrolls through more than a page can hold: Chromium places nothing beyond 2^25 − 1 = 33,554,431 px (its layout unit has 26 bits before
 * the point), which is 1.5 million rows. The box is then shorter than its content: small steps move the content as far as the box, dragging
 * the bar moves it by the share of the whole, and before the box ends sooner than the content, it is put where the content is.
 */

/** The box is at most so tall, px: far enough below the browser's limit, and under Firefox's, too. */
export const tallest = 8_000_000;

export class TallScroll {
  /** Where the content stands, from its top, px. */
  y = 0;
  private content = 0;
  private view = 0;
  private scrollTop = 0;

  /** The height the box must have. */
  get box(): number {
    return Math.min(this.content, tallest);
  }

  /** Greatest `y`. */
  get end(): number {
    return Math.max(0, this.content - this.view);
  }

  /** Where the box must stand. */
  get boxTop(): number {
    return this.scrollTop;
  }

  /** What is at `place` in the content is at `place - shift` in the box. */
  get shift(): number {
    return this.y - this.scrollTop;
  }

  /** The content or the window on it changed its height. Call `move` afterwards. */
  resize(content: number, view: number): void {
    this.content = content;
    this.view = view;
  }

  /** Puts the content at `y`. The box stays where it is when that is near enough, so that a gesture under way goes on. */
  move(y: number): void {
    const step = y - this.y;
    this.y = Math.max(0, Math.min(this.end, y));
    if (this.boxEnd === this.end) this.scrollTop = this.y;
    else if (step !== 0 || this.strained) this.scrollTop = this.shareOf(this.y);
  }

  /** The user scrolled the box. Call `move(y)` afterwards: it puts the box elsewhere where it must. */
  scrolled(scrollTop: number): void {
    const step = scrollTop - this.scrollTop;
    this.scrollTop = scrollTop;
    if (this.boxEnd === this.end) this.y = scrollTop;
    // A step of more than two windows is the bar, or Home and End: they send to a share of the whole.
    else if (Math.abs(step) > 2 * this.view) this.y = (scrollTop / this.boxEnd) * this.end;
    else this.y += step;
    this.y = Math.max(0, Math.min(this.end, this.y));
  }

  /** The box is about to end, or cannot be where it is. */
  private get strained(): boolean {
    return this.scrollTop < this.view || this.scrollTop > this.boxEnd - this.view;
  }

  private get boxEnd(): number {
    return Math.max(0, this.box - this.view);
  }

  /** Where the box stands for a place in the content: at its share, but near an end with as much room as the content has. */
  private shareOf(y: number): number {
    if (this.end === 0) return 0;
    const room = 2 * this.view;
    const share = (y / this.end) * this.boxEnd;
    const above = Math.max(share, Math.min(y, room));
    const below = Math.max(this.boxEnd - above, Math.min(this.end - y, room));
    return Math.round(this.boxEnd - below);
  }
}
