/** The engines of a simulated world, the one that is worked on first; what is on any of them is asked for here. */
import type { Container } from '../../../../src-main/engine/memory';
import { MemoryEngine, type MemoryEngineOptions } from '../../../../src-main/engine/memory';

export class Machines {
  /** `main` gives the first engine, which another process of the app attaches to anew. */
  constructor(
    private readonly main: () => MemoryEngine,
    private others: MemoryEngine[] = [],
  ) {}

  static further(options: MemoryEngineOptions, ids: readonly string[]): MemoryEngine[] {
    return ids.map((id) => new MemoryEngine({ ...options, id }));
  }

  get all(): readonly MemoryEngine[] {
    return [this.main(), ...this.others];
  }

  /** The engine of a step; where there are fewer, the count goes round. */
  at(node = 0): MemoryEngine {
    const { all } = this;
    return all[node % all.length] ?? this.main();
  }

  byId(id: string): MemoryEngine | undefined {
    return this.all.find((engine) => engine.id === id);
  }

  /** Every container, wherever it is. */
  containers(): Container[] {
    if (this.others.length === 0) return this.main().hand.containers();
    return this.all.flatMap(({ hand }) => hand.containers());
  }

  /** The engine that has the container with this id. */
  holderOf(id: string): MemoryEngine {
    return this.all.find(({ daemon }) => daemon.find(id)) ?? this.main();
  }

  find(id: string): Container | undefined {
    for (const { daemon } of this.all) {
      const found = daemon.find(id);
      if (found) return found;
    }
    return undefined;
  }

  detach(): void {
    for (const engine of this.others) engine.detach();
  }

  attach(): void {
    this.others = this.others.map((engine) => engine.attach());
  }

  /** Ends all but the first, which belongs to somebody else. */
  dispose(): void {
    for (const engine of this.others) engine.dispose();
  }
}
