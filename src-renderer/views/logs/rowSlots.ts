/** Which element draws which row: a row keeps its element while it is drawn, one that leaves lends it to one that comes. */
export class RowSlots {
  private taken = new Map<number, number>();

  /** Slots of the rows from one number to another, both included; they are all that is drawn now. */
  take(from: number, to: number): number[] {
    const next = new Map<number, number>();
    const used = new Set<number>();
    for (let number = from; number <= to; number++) {
      const slot = this.taken.get(number);
      if (slot === undefined) continue;
      next.set(number, slot);
      used.add(slot);
    }
    const slots: number[] = [];
    let free = 0;
    for (let number = from; number <= to; number++) {
      let slot = next.get(number);
      if (slot === undefined) {
        while (used.has(free)) free += 1;
        slot = free++;
        next.set(number, slot);
      }
      slots.push(slot);
    }
    this.taken = next;
    return slots;
  }
}
