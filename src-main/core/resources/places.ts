/** Where volumes, images and networks lie: the engine that is worked on, and each node joined to it, with acts of its own. */
import { fail } from '../../contract/errors';
import type { NodeRef } from '../../contract/nouns';
import type { Engine, NodeEngine } from '../engine';
import type { Store } from '../store';
import type { VolumeActs } from './volumeActs';

export interface Place {
  id: string;
  name: string;
  home: boolean;
  acts: VolumeActs;
  answers: boolean;
  /** Throws a problem while it does not answer. */
  engine(): Engine;
  /** The key of what is kept about something here. Things of the home engine have plain names, as before there were nodes. */
  key(name: string): string;
  /** What an act is about, to the reader. */
  subject(name: string): string;
  has(view: { node?: NodeRef }): boolean;
  /** Absent for the home engine, whose things need no place. */
  ref: NodeRef | undefined;
}

export interface PlacesWorld {
  store: Store;
  /** The engine that is worked on, and those joined to it. */
  nodes: () => readonly NodeEngine[];
  make: (at: { engine: () => Engine; home: boolean; ref: () => NodeRef | undefined }) => VolumeActs;
}

export class Places {
  private readonly acts = new Map<string, VolumeActs>();
  private home: Engine | undefined;

  constructor(private readonly world: PlacesWorld) {}

  setHome(engine: Engine | undefined): void {
    this.home = engine;
  }

  /** All of them, the home engine first; none while there is no engine. */
  all(): Place[] {
    const { home } = this;
    if (!home) return [];
    const joined = this.world.nodes().filter((node) => !node.home && node.id !== home.id);
    const name = this.world.nodes().find((node) => node.home)?.name ?? home.id;
    return [this.place({ id: home.id, name, home: true, engine: home }), ...joined.map((node) => this.place(node))];
  }

  /** By id or name; without one, the engine that is worked on. */
  at(which?: string): Place {
    const places = this.all();
    const [first] = places;
    if (!first) throw fail('engine-away', 'No container engine answers.', 'See pilothouse status.');
    if (which === undefined) return first;
    const found = places.find(({ id }) => id === which) ?? places.find(({ name }) => name === which);
    if (!found) throw fail('not-found', `There is no node ${which}.`, 'See the list with pilothouse node ls.');
    return found;
  }

  /** Where a volume of ours lies, told by its row; undefined when there is none. */
  ofVolume(name: string): Place | undefined {
    const row = this.world.store.get('resources', `volume:${name}`);
    return row && this.at(row.node);
  }

  private place({ id, name, home, engine }: NodeEngine): Place {
    const need = (): Engine => {
      const now = home ? this.home : this.world.nodes().find((node) => node.id === id)?.engine;
      if (!now) throw fail('engine-away', `${name} does not answer.`, 'See pilothouse node ls.');
      return now;
    };
    let acts = this.acts.get(id);
    if (!acts) {
      acts = this.world.make({ engine: () => this.at(id).engine(), home, ref: () => this.at(id).ref });
      // An earlier run may have left helpers there.
      acts.helpers.untidy = true;
      this.acts.set(id, acts);
    }
    return {
      ...{ id, name, home, acts },
      answers: engine !== undefined,
      engine: need,
      key: (what) => (home ? what : `${id}/${what}`),
      subject: (what) => (home ? what : `${what} @ ${name}`),
      has: ({ node }) => (node === undefined ? home : node.id === id),
      ref: home ? undefined : { id, name },
    };
  }
}
