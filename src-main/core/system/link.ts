/**
 * The link to the selected engine: finds engines, connects to one, watches over it, and says what it knows. Away is noticed within
 * ten seconds (a ping every five, four seconds of patience), a new try follows with growing pauses. Whoever works on the engine
 * hears of it by `onEngine`, and keeps it while it is away: a new one comes only when another engine, or another version, answers.
 */
import type { Clock } from '../../base/clock';
import { Emitter, type Event } from '../../base/emitter';
import type { Disposable } from '../../base/lifecycle';
import type { Log } from '../../base/log';
import type { Random } from '../../base/random';
import { fail, PilothouseError } from '../../contract/errors';
import type { EngineView } from '../../contract/nouns';
import { say, sentence, type Sentence, type WordCode } from '../../contract/sentence';
import { EngineError, forgettable, type Engine, type EngineFacts, type EngineLack } from '../engine';
import { within } from './deadline';
import { observe, type Observed } from './observed';

/** An engine that exists as far as files and sockets tell; nobody has talked to it yet. */
export interface FoundEngine {
  /** Stable for its endpoint. */
  id: string;
  kind: EngineView['kind'];
  name: string;
  endpoint: string;
  source: string;
  /** Why it must not be used, such as plain TCP to another machine. */
  problem?: Sentence;
}

/** Where engines come from; `app.ts` provides it. */
export interface EngineFinder {
  find(): Promise<FoundEngine[]>;
  connect(found: FoundEngine): Promise<Engine>;
  /** The link is done with this engine. */
  release(engine: Engine): void;
}

interface Fact {
  facts?: EngineFacts;
  state: EngineView['state'];
  since: number;
  words?: Sentence;
  latency?: number;
  nextTryAt?: number;
}

interface Live {
  found: FoundEngine;
  /** As the finder made it. */
  made: Engine;
  observed: Observed;
  answers: boolean;
}

const pingEvery = 5_000;
const pingPatience = 4_000;
const connectPatience = 8_000;
const firstPause = 500;
const longestPause = 15_000;
const searchEvery = 5_000;

export interface LinkWorld {
  finder: EngineFinder;
  clock: Clock;
  random: Random;
  log: Log;
  /** The engine the user chose, if any. */
  chosen: () => string | undefined;
}

export class EngineLink implements Disposable {
  private found: FoundEngine[] = [];
  private readonly known = new Map<string, Fact>();
  private live: Live | undefined;
  private selected: FoundEngine | undefined;
  private timer: Disposable | undefined;
  /** Grows whenever what is under way has become pointless. */
  private era = 0;
  private tries = 0;
  private disposed = false;
  private readonly shown = new Map<string, { text: string; view: EngineView }>();
  private readonly changed = new Emitter<void>();
  private readonly engines = new Emitter<Engine | undefined>();

  /** Fires when `views()` may differ. */
  readonly onChange: Event<void> = this.changed.event;
  /** Fires with the engine to work with; with undefined when another is taken instead, and at the end. */
  readonly onEngine: Event<Engine | undefined> = this.engines.event;

  constructor(private readonly world: LinkWorld) {}

  /** The engine to work with, also while it is away. */
  get engine(): Engine | undefined {
    return this.live?.observed.engine;
  }

  /** The engine while it answers. */
  get answering(): Engine | undefined {
    return this.live?.answers ? this.live.observed.engine : undefined;
  }

  /** The engine if it answers, else a problem that says why not. */
  need(): Engine {
    const engine = this.answering;
    if (engine) return engine;
    const fact = this.selected && this.known.get(this.selected.id);
    if (!this.selected)
      throw fail('engine-away', 'No container engine was found.', 'Start Docker, or set DOCKER_HOST, and try again.');
    throw fail(
      'engine-away',
      `${this.selected.name} at ${this.selected.endpoint} ${fact?.state === 'connecting' ? 'is being connected' : 'does not answer'}.`,
      'See what is wrong with pilothouse status.',
    );
  }

  get facts(): EngineFacts | undefined {
    return this.live && this.known.get(this.live.found.id)?.facts;
  }

  /** Every engine known, the selected first. A view keeps its identity while nothing in it changes. */
  views(): EngineView[] {
    return [...this.found]
      .sort((one, two) => Number(two.id === this.selected?.id) - Number(one.id === this.selected?.id))
      .map((found) => {
        const view = this.view(found);
        const text = JSON.stringify(view);
        const shown = this.shown.get(view.id);
        if (shown?.text === text) return shown.view;
        this.shown.set(view.id, { text, view });
        return view;
      });
  }

  /** The first search and connection are under way when this returns; nothing waits for an engine. */
  start(): void {
    void this.search();
  }

  /** Looks for engines again and asks each whether it answers. */
  async find(): Promise<EngineView[]> {
    await this.look();
    await Promise.all(this.found.filter((found) => found.id !== this.selected?.id).map((found) => this.probe(found)));
    return this.views();
  }

  /** Works with this engine from now on. Throws `not-found`, or `forbidden` with the reason. */
  select(id: string): EngineView {
    const found = this.found.find((candidate) => candidate.id === id);
    if (!found) throw fail('not-found', 'There is no such engine.', 'Look for engines again.');
    if (found.problem)
      throw new PilothouseError({ code: 'forbidden', message: say(found.problem), words: found.problem });
    if (this.selected?.id !== id) this.switchTo(found);
    return this.view(found);
  }

  /** Tries now instead of at the next time. */
  retry(): void {
    if (this.live?.answers || this.disposed) return;
    this.tries = 0;
    if (this.selected) void this.connect(this.selected);
    else void this.search();
  }

  /** The computer was asleep: asks the engine at once, since its connections may be dead without a word. */
  wake(): void {
    if (this.live?.answers) this.suspect(this.live);
    else this.retry();
  }

  dispose(): void {
    this.disposed = true;
    this.era += 1;
    this.timer?.dispose();
    this.drop();
  }

  private async search(): Promise<void> {
    const era = ++this.era;
    this.timer?.dispose();
    try {
      await this.look();
    } catch (thrown) {
      this.world.log('warn', 'Looking for engines failed', { thrown });
    }
    if (era !== this.era || this.disposed) return;
    const chosen = this.world.chosen();
    const target = chosen
      ? this.found.find((found) => found.id === chosen)
      : this.found.find((found) => !found.problem && found.kind !== 'memory');
    if (target) this.switchTo(target);
    else this.timer = this.world.clock.timer(searchEvery, () => void this.search());
  }

  private async look(): Promise<void> {
    const found = await this.world.finder.find();
    // The selected one stays in the list even when its socket is gone just now.
    if (this.selected && !found.some((one) => one.id === this.selected?.id)) found.unshift(this.selected);
    this.found = found;
    this.changed.fire();
  }

  private async probe(found: FoundEngine): Promise<void> {
    if (found.problem) return;
    try {
      const engine = await this.open(found);
      const facts = await within(this.world.clock, 3_000, (signal) => engine.facts(signal));
      this.note(found, { state: 'connected', facts });
      this.world.finder.release(engine);
    } catch (thrown) {
      this.note(found, { state: 'away', words: awayWords(found, thrown) });
    }
  }

  private switchTo(found: FoundEngine): void {
    this.drop();
    this.selected = found;
    this.tries = 0;
    void this.connect(found);
  }

  private async connect(found: FoundEngine): Promise<void> {
    const era = ++this.era;
    this.timer?.dispose();
    if (this.known.get(found.id)?.state !== 'away')
      this.note(found, { state: 'connecting', words: sentence('engine.connecting') });
    let fresh: Engine | undefined;
    try {
      const made = await this.open(found);
      fresh = made;
      const facts = await within(this.world.clock, connectPatience, (signal) => made.facts(signal));
      const latency = await within(this.world.clock, pingPatience, (signal) => made.ping(signal));
      if (era !== this.era) return this.world.finder.release(made);
      const before = this.live;
      const same =
        before?.found.id === found.id &&
        before.made.id === made.id &&
        this.known.get(found.id)?.facts?.version === facts.version;
      if (before && same) {
        before.answers = true;
        if (before.made !== made) this.world.finder.release(made);
      } else {
        this.drop();
        const live: Live = {
          found,
          made,
          observed: observe(made, this.world.clock, () => this.suspect(live)),
          answers: true,
        };
        this.live = live;
      }
      this.tries = 0;
      this.note(found, { state: 'connected', facts, latency });
      this.world.log('info', 'Engine connected', { endpoint: found.endpoint, version: facts.version });
      const live = this.live;
      if (!live) return;
      this.timer = this.world.clock.timer(pingEvery, () => void this.watchOver(live));
      if (!same) this.engines.fire(live.observed.engine);
    } catch (thrown) {
      if (fresh && fresh !== this.live?.made) this.world.finder.release(fresh);
      if (era === this.era) this.away(found, thrown);
    }
  }

  /** Connects within the time allowed; an engine that comes too late is let go again. */
  private open(found: FoundEngine): Promise<Engine> {
    const opening = this.world.finder.connect(found);
    return within(this.world.clock, connectPatience, () => opening).catch((thrown: unknown) => {
      void opening.then(
        (late) => this.world.finder.release(late),
        () => undefined,
      );
      throw thrown;
    });
  }

  private async watchOver(live: Live): Promise<void> {
    if (this.live !== live || !live.answers) return;
    this.timer?.dispose();
    try {
      const latency = await within(this.world.clock, pingPatience, (signal) => live.observed.engine.ping(signal));
      if (this.live !== live || !live.answers) return;
      const fact: Partial<Fact> & Pick<Fact, 'state'> = { state: 'connected', latency };
      if (live.observed.degraded()) fact.words = sentence('engine.degraded');
      this.note(live.found, fact);
      this.timer?.dispose();
      this.timer = this.world.clock.timer(pingEvery, () => void this.watchOver(live));
    } catch (thrown) {
      if (this.live === live && live.answers) this.away(live.found, thrown);
    }
  }

  /** A call met a closed door: look at once rather than at the next beat. */
  private suspect(live: Live): void {
    if (this.live !== live || !live.answers) return;
    this.timer?.dispose();
    this.timer = this.world.clock.timer(50, () => void this.watchOver(live));
  }

  private away(found: FoundEngine, thrown: unknown): void {
    const era = ++this.era;
    const answered = this.live?.answers === true;
    if (this.live) this.live.answers = false;
    const pause = Math.min(longestPause, firstPause * 2 ** this.tries) * (0.8 + 0.4 * this.world.random());
    this.tries += 1;
    this.note(found, {
      state: 'away',
      words: awayWords(found, thrown),
      nextTryAt: Math.round(this.world.clock.now() + pause),
    });
    if (answered) this.world.log('warn', 'Engine away', { endpoint: found.endpoint, thrown });
    this.timer?.dispose();
    this.timer = this.world.clock.timer(pause, () => {
      if (era === this.era) void this.connect(found);
    });
  }

  /** Lets go of the engine. */
  private drop(): void {
    const live = this.live;
    if (!live) return;
    this.live = undefined;
    this.engines.fire(undefined);
    this.world.finder.release(live.made);
  }

  private note(found: FoundEngine, next: Omit<Fact, 'since'>): void {
    const before = this.known.get(found.id);
    const since = before?.state === next.state ? before.since : this.world.clock.now();
    this.known.set(found.id, { ...next, facts: next.facts ?? before?.facts, since });
    this.changed.fire();
  }

  private view(found: FoundEngine): EngineView {
    const fact = this.known.get(found.id);
    const view: EngineView = {
      id: found.id,
      kind: fact?.facts?.kind ?? found.kind,
      name: fact?.facts ? `${productName(fact.facts.kind)} ${shortVersion(fact.facts.version)}`.trim() : found.name,
      endpoint: found.endpoint,
      source: found.source,
      state: found.problem ? 'away' : (fact?.state ?? 'connecting'),
      since: fact?.since ?? 0,
      selected: found.id === this.selected?.id,
    };
    if (found.problem) view.words = found.problem;
    else if (fact?.words) view.words = fact.words;
    if (fact?.latency !== undefined) view.latency = Math.round(fact.latency * 10) / 10;
    if (fact?.nextTryAt !== undefined) view.nextTryAt = fact.nextTryAt;
    if (fact?.facts) {
      view.version = fact.facts.version;
      view.apiVersion = fact.facts.apiVersion;
      view.operatingSystem = fact.facts.operatingSystem;
      view.architecture = fact.facts.architecture;
    }
    const lacks = this.live?.found.id === found.id ? (this.live.made.lacks ?? []) : [];
    if (lacks.length > 0) view.limits = limitWords(lacks);
    return view;
  }
}

/** `20.10.24+dfsg1` is `20.10.24`: what the packager added says nothing to the user. */
function shortVersion(version: string): string {
  return version.split(/[+~]/, 1)[0] ?? version;
}

function productName(kind: EngineView['kind']): string {
  const names = {
    docker: 'Docker Engine',
    podman: 'Podman',
    memory: 'Tour engine',
    swarm: 'Swarm',
    kubernetes: 'Kubernetes',
  };
  return names[kind];
}

/** What an engine lacks, in words; the settings it forgets together. */
function limitWords(lacks: readonly EngineLack[]): Sentence[] {
  const settings = lacks.filter((lack) => forgettable.has(lack)).join(', ');
  const words = lacks.flatMap((lack) => lackWords[lack] ?? []).map((code) => sentence(code));
  return settings === '' ? words : [...words, sentence('engine.lack.settings', { settings })];
}

const lackWords: Partial<Record<EngineLack, WordCode>> = {
  boot: 'engine.lack.boot',
  'health-timers': 'engine.lack.health-timers',
  'log-stamps': 'engine.lack.log-stamps',
  update: 'engine.lack.update',
};

function awayWords(found: FoundEngine, thrown: unknown): Sentence {
  if (thrown instanceof EngineError && thrown.words) return thrown.words;
  if (thrown instanceof EngineError && thrown.code === 'denied')
    return sentence('engine.denied', { endpoint: found.endpoint });
  const reason =
    thrown instanceof EngineError
      ? thrown.detail || thrown.code
      : thrown instanceof Error
        ? thrown.message
        : String(thrown);
  return sentence('engine.away', { reason: reason.slice(0, 300) });
}
