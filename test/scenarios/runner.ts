/**
 * Runs scenario texts on the memory engine with a fake clock. A text holds several scenarios; each line is `given …` (the world before),
 * `when …` (something happens) or `then …` (what must be so). Durations are `300ms`, `5s`, `2m`, `1h`. `when apply` is followed by an
 * indented Compose file. README.md lists every line there is.
 */
import type { Caller } from '../../src-main/contract/api';
import { PilothouseError } from '../../src-main/contract/errors';
import { say } from '../../src-main/contract/sentence';
import { stackHandlers, type StackHandlers } from '../../src-main/core/reconcile';
import type { ImageDefinition } from '../../src-main/engine/memory';
import { createRequest } from '../support/builders';
import { TestWorld } from '../main/core/reconcile/bench';
import { People } from './people';

export interface Line {
  number: number;
  kind: 'given' | 'when' | 'then';
  text: string;
  /** The indented block below it. */
  block: string;
}

export interface Scenario {
  name: string;
  lines: Line[];
}

/** Splits a text into its scenarios. Throws for a line that is none of the known kinds. */
export function parseScenarios(text: string): Scenario[] {
  const scenarios: Scenario[] = [];
  text.split('\n').forEach((raw, index) => {
    const line = raw.trimEnd();
    const current = scenarios.at(-1);
    const last = current?.lines.at(-1);
    if (last && /^\s+\S/.test(line)) last.block += `${line}\n`;
    else if (line === '' || line.startsWith('#')) return;
    else if (line.startsWith('scenario: ')) scenarios.push({ name: line.slice('scenario: '.length), lines: [] });
    else {
      const match = /^(given|when|then) (.+)$/.exec(line);
      if (!match || !current) throw new Error(`line ${index + 1}: ${line}`);
      const [, kind = '', rest = ''] = match;
      current.lines.push({ number: index + 1, kind: kind as Line['kind'], text: rest, block: '' });
    }
  });
  return scenarios;
}

/** Milliseconds in `300ms`, `5s`, `2m`, `1h`. */
export function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (!match) throw new Error(`no duration: ${text}`);
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  return Number(match[1]) * (units[match[2] ?? ''] ?? 0);
}

const caller: Caller = { kind: 'app', signal: { aborted: false, addEventListener() {}, removeEventListener() {} } };

type Act = (stage: Stage, words: string[], line: Line) => Promise<void> | void;

class Stage {
  readonly images: ImageDefinition[] = [{ reference: 'web:1' }, { reference: 'db:1' }, { reference: 'job:1' }];
  private made: TestWorld | undefined;
  private readonly calls = new WeakMap<object, StackHandlers>();
  refusal: PilothouseError | undefined;
  people: People | undefined;

  get world(): TestWorld {
    this.made ??= new TestWorld({ images: this.images, registry: 'declared' }).start();
    return this.made;
  }

  get handlers(): StackHandlers['calls'] {
    const { world } = this;
    let handlers = this.calls.get(world.store);
    if (!handlers) {
      handlers = stackHandlers({
        store: world.store,
        clock: world.clock,
        engine: () => world.engine,
        engineId: () => world.engine.id,
        controller: () => world.controller,
      });
      this.calls.set(world.store, handlers);
    }
    return handlers.calls;
  }

  /** Runs a user's act; a refusal is kept for `then refused`. */
  async act(work: () => Promise<unknown>): Promise<void> {
    this.refusal = undefined;
    try {
      await work();
    } catch (thrown) {
      if (!(thrown instanceof PilothouseError)) throw thrown;
      this.refusal = thrown;
    }
    await this.world.clock.settle();
  }

  /** Those that the scenario speaks of. */
  get askers(): People {
    if (!this.people) throw new Error('there are no people');
    return this.people;
  }

  dispose(): void {
    this.people?.dispose();
    this.made?.dispose();
  }
}

const given: Record<string, Act> = {
  /** `given people`: services are asked through a gateway, and scale themselves. */
  people(stage) {
    stage.people = new People(stage.world);
    stage.people.open();
  },
  /** `given image crash:1 exits 3 after 300ms` · `is never ready` · `is ready after 5s` · `fails from 20s [until 50s]` */
  image(stage, [reference = '', verb, ...rest]) {
    if (verb === 'exits') {
      const exit = { code: Number(rest[0]), after: duration(rest[2] ?? '') };
      stage.images.push({ reference, program: { exit } });
    } else if (rest.join(' ').startsWith('ready after')) {
      stage.images.push({ reference, program: { readyAfter: duration(rest[2] ?? '') } });
    } else if (verb === 'fails') {
      const [, from = '', , until] = rest;
      const healthyAgainAfter = until === undefined ? {} : { healthyAgainAfter: duration(until) };
      stage.images.push({ reference, program: { unhealthyAfter: duration(from), ...healthyAgainAfter } });
    } else if (rest.join(' ') === 'never ready') stage.images.push({ reference, program: { readyAfter: 1e12 } });
    else throw new Error('what about the image?');
  },
};

const when: Record<string, Act> = {
  apply: (stage, _words, line) => {
    const source = { files: [{ name: 'compose.yaml', text: dedent(line.block) }] };
    return stage.act(() => stage.handlers['stacks.apply']({ source }, caller));
  },
  remove: (stage, [stack = '', ...rest]) =>
    stage.act(() => stage.handlers['stacks.remove']({ stack, volumes: rest.join(' ') === 'with volumes' }, caller)),
  scale: (stage, [service = '', count]) =>
    stage.act(() => stage.handlers['services.scale']({ service, replicas: Number(count) }, caller)),
  stop: (stage, [service = '']) => stage.act(() => stage.handlers['services.stop']({ service }, caller)),
  start: (stage, [service = '']) => stage.act(() => stage.handlers['services.start']({ service }, caller)),
  restart: (stage, [service = '']) => stage.act(() => stage.handlers['services.restart']({ service }, caller)),
  undo: (stage, [service = '']) => stage.act(() => stage.handlers['rollouts.undo']({ service }, caller)),
  pause: (stage, [service = '']) => stage.act(() => stage.handlers['rollouts.pause']({ service }, caller)),
  resume: (stage, [service = '']) => stage.act(() => stage.handlers['rollouts.resume']({ service }, caller)),
  promote: (stage, [service = '']) => stage.act(() => stage.handlers['rollouts.promote']({ service }, caller)),
  abort: (stage, [service = '']) => stage.act(() => stage.handlers['rollouts.abort']({ service }, caller)),
  wait: (stage, [time = '']) => stage.world.clock.advance(duration(time)),
  /** `when docker kill|rm|stop|pause|unpause|rename NAME` */
  async docker(stage, [verb, name = '']) {
    const { hand } = stage.world.engine;
    if (verb === 'kill') hand.kill(name);
    else if (verb === 'rm') hand.remove(name);
    else if (verb === 'stop') await stage.world.clock.finish(hand.stop(name));
    else if (verb === 'pause') hand.pause(name);
    else if (verb === 'unpause') hand.unpause(name);
    else if (verb === 'rename') hand.rename(name, 'renamed');
    else if (verb === 'run') hand.create(createRequest({ name }));
    else throw new Error(`docker ${verb ?? ''}`);
    await stage.world.clock.settle();
  },
  process: (stage, [name = '']) => stage.world.engine.hand.killProcess(name),
  sick: (stage, [name = '']) => stage.world.engine.hand.setHealthy(name, false),
  port: (stage, [port, verb]) => {
    if (verb === 'taken') stage.world.engine.hand.stealPort(Number(port));
    else stage.world.engine.hand.freePort(Number(port));
  },
  disk: (stage, [state]) => stage.world.engine.hand.setDiskFull(state === 'full'),
  /** `when engine crashes for 5s` · `hangs` · `resumes` */
  engine: (stage, [verb, , time]) => {
    const { hand } = stage.world.engine;
    if (verb === 'crashes') hand.crashDaemon({ downFor: duration(time ?? '3s') });
    else if (verb === 'hangs') hand.hangDaemon();
    else if (verb === 'resumes') hand.resumeDaemon();
  },
  /** `when app is killed` · `is closed` · `is opened` */
  async app(stage, [, state]) {
    if (state !== 'opened') {
      stage.people?.close();
      stage.world.kill();
    }
    if (state !== 'closed') {
      await stage.world.launch();
      stage.people?.open();
    }
  },
  /** `when ask S` · `connect S` · `hang_up S` */
  ask: (stage, [service = '']) => stage.askers.ask(service),
  connect: (stage, [service = '']) => stage.askers.connect(service, 1),
  hang_up: (stage, [service = '']) => stage.askers.connect(service, -1),
  clock: (stage, [, by = '']) => stage.world.clock.jump(by.startsWith('-') ? -duration(by.slice(1)) : duration(by)),
  lid: (stage, [, , time = '']) => stage.world.clock.sleep(duration(time)),
  engine_forgets: (stage) => stage.world.engine.forgetDeeds(),
};

/** True or a sentence about what is so instead. */
type Check = (stage: Stage, words: string[]) => true | string;

const then: Record<string, Check> = {
  /** `then running NAME…` */
  running: (stage, names) => compare(stage.world.containers('running').join(' '), names.join(' ')),
  containers: (stage, names) => compare(stage.world.containers().join(' '), names.join(' ')),
  nothing: (stage) => compare(stage.world.containers().join(' '), ''),
  stack: (stage, [name = '', , state]) =>
    state === 'gone'
      ? compare(String(stage.world.store.get('stacks', name) === undefined), 'true')
      : compare(stage.world.store.get('stackStatus', name)?.health ?? 'unknown', state ?? ''),
  volume: (stage, [name = '', , state]) =>
    compare(stage.world.engine.daemon.volumes.has(name) ? 'kept' : 'gone', state ?? ''),
  refused: (stage, [code = '']) => compare(stage.refusal?.problem.code ?? 'not refused', code),
  event: (stage, [kind = '']) =>
    stage.world.store.all('events').some((event) => event.kind === kind) || `no event ${kind}`,
  answered: (stage, [count]) => compare(String(stage.askers.answered), count ?? ''),
  turned_away: (stage, [count]) => compare(String(stage.askers.turnedAway), count ?? ''),
  writes: (stage, [count]) => compare(String(stage.world.engine.writes), count ?? ''),
  rollout: (stage, [service = '', , state]) =>
    compare(stage.world.store.get('rollouts', service)?.state ?? 'none', state ?? ''),
  /** `then service shop/web is ok` · `has 3 ready` · `says Running` */
  service(stage, [key = '', verb, ...rest]) {
    const view = stage.world.view(key);
    if (!view) return `there is no view of ${key}`;
    if (verb === 'is') return compare(view.health, rest[0] ?? '');
    if (verb === 'has') return compare(String(view.ready), rest[0] ?? '');
    if (verb === 'says') return compare(say(view.words), rest.join(' '));
    if (verb === 'runs') return compare(`r${view.revision}`, rest[0] ?? '');
    return `what about ${key}?`;
  },
  replica(stage, [id = '', , ...rest]) {
    const found = stage.world.view(id.slice(0, id.lastIndexOf('.')))?.replicaList.find((replica) => replica.id === id);
    return compare(found?.state ?? 'unknown', rest.join(' '));
  },
};

function compare(is: string, wanted: string): true | string {
  return is === wanted || `it is "${is}", not "${wanted}"`;
}

function dedent(block: string): string {
  const lines = block.split('\n');
  const indent = Math.min(...lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(indent)).join('\n');
}

/** Plays one scenario; throws at the first line that does not hold, with its number. */
export async function play(scenario: Scenario): Promise<void> {
  const stage = new Stage();
  try {
    for (const line of scenario.lines) {
      try {
        await playLine(stage, line);
      } catch (thrown) {
        throw new Error(`line ${line.number}, ${line.kind} ${line.text}: ${(thrown as Error).message}`, {
          cause: thrown,
        });
      }
    }
  } finally {
    stage.dispose();
  }
}

async function playLine(stage: Stage, line: Line): Promise<void> {
  let words = line.text.split(/\s+/);
  if (line.kind !== 'then') {
    const [verb = '', ...rest] = words;
    const act = (line.kind === 'given' ? given : when)[verb];
    if (!act) throw new Error('no such line');
    await act(stage, rest, line);
    return;
  }
  let within = 0;
  let during = 0;
  if (words[0] === 'within') [within, words] = [duration(words[1] ?? ''), words.slice(2)];
  else if (words[0] === 'during') [during, words] = [duration(words[1] ?? ''), words.slice(2)];
  const [verb = '', ...rest] = words;
  const check = then[verb];
  if (!check) throw new Error('no such line');
  const { clock } = stage.world;
  await clock.settle();
  if (within > 0) await clock.until(() => check(stage, rest) === true, within).catch(() => undefined);
  const end = clock.monotonic() + during;
  do {
    const verdict = check(stage, rest);
    if (verdict !== true) throw new Error(verdict);
    if (during > 0) await clock.advance(Math.max(1, Math.min(end - clock.monotonic(), clock.nextIn ?? during)));
  } while (clock.monotonic() < end);
}
