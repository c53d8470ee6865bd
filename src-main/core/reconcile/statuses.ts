/** How services stand, for those that wait for them. */
import { splitKey } from './names';
import { same } from './same';
import type { ServiceStatus } from './types';

export class Statuses {
  private readonly byKey = new Map<string, ServiceStatus>();
  private readonly versions = new Map<string, number>();

  get(key: string): ServiceStatus | undefined {
    return this.byKey.get(key);
  }

  /** Returns whether that is news. */
  set(key: string, status: ServiceStatus): boolean {
    if (same(status, this.byKey.get(key))) return false;
    this.byKey.set(key, status);
    this.count(key);
    return true;
  }

  delete(key: string): void {
    if (this.byKey.delete(key)) this.count(key);
  }

  /** Grows with each change in a stack. */
  versionOf(stack: string): number {
    return this.versions.get(stack) ?? 0;
  }

  private count(key: string): void {
    const { stack } = splitKey(key);
    this.versions.set(stack, this.versionOf(stack) + 1);
  }
}
