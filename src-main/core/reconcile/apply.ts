/** From Compose text to rows: parse, compare, show, write. Plan and apply share every step but the last (I22). */
import type { Clock } from '../../base/clock';
import { fail, PilothouseError, type Problem } from '../../contract/errors';
import type { PlanView, StackSource } from '../../contract/nouns';
import { say, sentence } from '../../contract/sentence';
import type { StackSpec } from '../../contract/spec';
import type { Engine } from '../engine';
import { parseProject, renderService, type ParsedProject, type ReadFile } from '../stack';
import type { AttemptRow, ResourceRow, Store } from '../store';
import { buildDue, buildsOf, withBuilt, type Build, type Builder } from './builds';
import { changeOf, writeChange, type Change } from './change';
import { pinConfigs, type Configs } from './configs';
import type { Fleet } from './fleet';
import { honesty, type HonestyOptions } from './honesty';
import { planToken, previewChange, previewRemove } from './preview';
import { previewNodes } from './previewNodes';
import { pinSecrets, withoutSecrets, withSecrets, type PinnedSecrets, type Secrets } from './secrets';
import type { Wishes } from './wishes';

export interface ApplyWorld {
  store: Store;
  clock: Clock;
  /** The selected engine, while it answers. */
  engine: () => Engine | undefined;
  /** The id of the selected engine, also while it is away. */
  engineId: () => string | undefined;
  /** The nodes, when the engine is several joined ones. */
  fleet?: () => Fleet | undefined;
  /** Keeps the values of secrets. */
  secrets?: Secrets;
  /** Keeps what is shared between programs as items. */
  configs?: Configs;
  /** Builds images of the project's folders; without it a stack that wants that is refused. */
  builder?: Builder;
  /** Reads what a source refers to; by default only files of the source itself are found. */
  readFile?: (source: StackSource) => ReadFile | undefined;
}

interface Prepared {
  parsed: ParsedProject;
  spec: StackSpec;
  change: Change;
  token: string;
  warnings: Problem[];
  values: PinnedSecrets['values'];
}

export interface ApplyOptions {
  name?: string;
  token?: string;
  ifVersion?: number;
  /** Builds also what has not changed. */
  build?: boolean;
}

export interface Applied {
  stack: string;
  version: number;
  changed: boolean;
  warnings: Problem[];
}

/** Images that a plan asks the engine for, at most. */
const mostImages = 50;

export class Apply {
  constructor(
    private readonly world: ApplyWorld,
    private readonly wishes: Wishes,
  ) {}

  /** Parses without touching anything. */
  check(
    source: StackSource,
    name?: string,
  ): { name?: string; problems: Problem[]; warnings: Problem[]; resolved?: string } {
    const parsed = this.parse(source, name);
    const honest = parsed.spec ? honesty(parsed.spec, this.engineFacts) : { problems: [], warnings: [] };
    return {
      ...(parsed.name === undefined ? {} : { name: parsed.name }),
      problems: [...parsed.problems, ...honest.problems],
      warnings: [...parsed.warnings, ...honest.warnings],
      ...(parsed.spec ? { resolved: parsed.resolvedYaml } : {}),
    };
  }

  async plan(source: StackSource, name?: string): Promise<PlanView> {
    const first = this.prepare(source, name);
    const builds = await this.builds(first.spec, source, false);
    const { change, token, warnings } = builds.length > 0 ? this.prepare(source, name, builds) : first;
    const images = await this.localImages(change);
    const fleet = this.world.fleet?.();
    const placed = fleet && previewNodes(change, { store: this.world.store, fleet, gateway: this.gateway });
    for (const [service, words] of placed?.refusals ?? [])
      warnings.push({ code: 'unsupported', message: `${service} waits: ${say(words)}` });
    const actions = previewChange({
      change,
      attempts: (key) => this.attempts(key),
      resources: this.resources(change.stack.name),
      images,
      node: (service) => placed?.nodes.get(service) ?? change.stack.engine,
      gateway: this.gateway,
      builds,
    });
    return { stack: change.stack.name, token, actions, warnings };
  }

  /** What is to be built is built first: only when all of it is there, anything changes. */
  async apply(source: StackSource, options: ApplyOptions): Promise<Applied> {
    const first = this.prepare(source, options.name);
    const builds = await this.builds(first.spec, source, options.build === true);
    const { engine, builder } = { engine: this.world.engine(), builder: this.world.builder };
    if (builds.length === 0 || !engine || !builder) return this.write(first, options);
    this.refuseStale(this.prepare(source, options.name, builds), options);
    const version = this.world.store.get('stacks', first.spec.name)?.version ?? 0;
    const built = await buildDue(builds, engine, builder);
    // Building takes a while: who has applied it meanwhile is not overwritten.
    return this.write(this.prepare(source, options.name, built), { ifVersion: version });
  }

  private async builds(spec: StackSpec, source: StackSource, all: boolean): Promise<Build[]> {
    const { world } = this;
    return buildsOf(spec, { engine: world.engine(), builder: world.builder, within: source.directory ?? '', all });
  }

  private refuseStale({ spec, token }: Prepared, options: ApplyOptions): void {
    const before = this.world.store.get('stacks', spec.name);
    if (options.ifVersion !== undefined && (before?.version ?? 0) !== options.ifVersion) {
      const message =
        options.ifVersion === 0
          ? `A stack ${spec.name} exists already.`
          : `${spec.name} is at version ${before?.version ?? 0}, not ${options.ifVersion}.`;
      throw fail('conflict', message, 'Look at it as it is now, then apply again.');
    }
    if (options.token !== undefined && options.token !== token) {
      throw fail(
        'conflict',
        `${spec.name} has changed since it was planned.`,
        'Look at the new plan, then apply again.',
      );
    }
  }

  private write(prepared: Prepared, options: ApplyOptions): Applied {
    const { store } = this.world;
    this.refuseStale(prepared, options);
    const { change, warnings, spec, values } = prepared;
    // Before the rows that speak of them; a version that nobody comes to use does no harm.
    for (const { name, value } of values) this.world.secrets?.set(name, value, { stack: spec.name });
    if (change.changed) {
      const { version } = change.stack;
      store.transact((transaction) => {
        const words = sentence('event.stackApplied', { stack: spec.name, version });
        const event = this.wishes.event(transaction, {
          kind: 'stack.applied',
          words,
          stack: spec.name,
          mark: 'release',
        });
        for (const service of change.services) if (service.kind !== 'same') service.row = { ...service.row, event };
        writeChange(change, transaction);
      });
    }
    return { stack: spec.name, version: change.stack.version, changed: change.changed, warnings };
  }

  planRemove(name: string, volumes: boolean): PlanView {
    const { store } = this.world;
    const stack = store.get('stacks', name);
    if (!stack) throw fail('not-found', `There is no stack ${name}.`, 'See the list with pilothouse ps.');
    const services = store
      .all('services')
      .filter((row) => row.stack === name)
      .map((row) => ({
        key: row.key,
        replicas: this.attempts(row.key).filter((attempt) => attempt.state !== 'removing').length,
      }));
    const actions = previewRemove(stack, { services, resources: this.resources(name), volumes });
    return { stack: name, token: `${name}@${stack.version}`, actions, warnings: [] };
  }

  remove(name: string, volumes: boolean): void {
    const { store, clock } = this.world;
    const stack = store.get('stacks', name);
    if (!stack) throw fail('not-found', `There is no stack ${name}.`, 'See the list with pilothouse ps.');
    // Asked twice: volumes once promised to go still go.
    const removing = { volumes: volumes || stack.removing?.volumes === true };
    if (stack.removing && stack.removing.volumes === removing.volumes) return;
    store.transact((transaction) => {
      const words = sentence('event.stackRemoveStarted', { stack: name });
      const event = this.wishes.event(transaction, { kind: 'stack.removing', words, stack: name, mark: 'event' });
      transaction.put('stacks', name, { ...stack, removing, version: stack.version + 1, updatedAt: clock.now() });
      for (const row of store.all('services')) {
        if (row.stack === name)
          transaction.put('services', row.key, { ...row, removing: true, updatedAt: clock.now(), event });
      }
    });
  }

  /** The selected engine can run a gateway. While none answers, that is not held against the file. */
  private get gateway(): boolean {
    return this.world.engine()?.capabilities.gateway === true;
  }

  private get engineFacts(): HonestyOptions {
    const engine = this.world.engine();
    const certificates = new Map(this.world.store.all('certificates').map(({ name, facts }) => [name, facts.names]));
    const nodes = this.world.fleet?.()?.nodes().length ?? 1;
    const lacks = engine?.lacks ?? [];
    const known = engine ? { secrets: engine.capabilities.secrets === true, known: true, lacks } : {};
    return { gateway: this.gateway, certificates, nodes, ...known };
  }

  private parse(source: StackSource, name?: string): ParsedProject {
    const readFile = this.world.readFile?.(source);
    const kept = name === undefined ? undefined : this.world.store.get('stacks', name)?.spec.secrets;
    return parseProject(kept ? withSecrets(source, kept, this.world.secrets) : source, {
      ...(name === undefined ? {} : { name }),
      ...(readFile ? { readFile } : {}),
    });
  }

  /** Parses and compares; the step that plan and apply share. */
  prepare(source: StackSource, name?: string, builds: readonly Build[] = []): Prepared {
    const { store, clock } = this.world;
    const parsed = this.parse(source, name);
    if (!parsed.spec) throw refusal(parsed.problems, 'The Compose file cannot be read.');
    const pinned = pinSecrets(parsed.spec, this.world.secrets);
    const items = pinConfigs(parsed.spec, this.world.configs);
    const whole = { ...withSwaps(parsed.spec, store), secrets: pinned.secrets, configs: items.configs };
    const spec = withBuilt(whole, builds);
    const honest = honesty(spec, this.engineFacts);
    const problems = [...honest.problems, ...pinned.problems, ...items.problems];
    if (problems.length > 0) throw refusal(problems, 'This cannot be run yet.');
    const stack = store.get('stacks', spec.name);
    const engine = this.engineFor(spec.name);
    if (stack?.removing) {
      throw fail('conflict', `${spec.name} is being removed.`, 'Wait until it is gone, then apply it again.');
    }
    const revisions = groupBy(store.all('revisions'), (row) => row.service);
    const attempts = groupBy(store.all('attempts'), (row) => row.service);
    const attemptsOf = (key: string): AttemptRow[] => attempts.get(key) ?? [];
    const change = changeOf({
      spec,
      source: withoutSecrets(source, spec.secrets),
      engine,
      now: clock.now(),
      ...(stack ? { stack } : {}),
      services: store.all('services').filter((row) => row.stack === spec.name),
      revisions: (key) => new Map((revisions.get(key) ?? []).map((row) => [row.revision, row])),
      rollout: (key) => store.get('rollouts', key),
      attempts: attemptsOf,
      yaml: (service) => {
        const section = spec.services[service];
        return section ? renderService(section) : '';
      },
    });
    const token = planToken(change, attemptsOf);
    return { parsed, spec, change, token, warnings: [...parsed.warnings, ...honest.warnings], values: pinned.values };
  }

  /** A stack stays on the engine it was applied to. */
  private engineFor(name: string): string {
    const stack = this.world.store.get('stacks', name);
    const selected = this.world.engineId();
    if (selected === undefined) {
      throw fail(
        'engine-away',
        'No container engine is selected.',
        'Start Docker, or choose an engine in the settings.',
      );
    }
    if (stack && stack.engine !== selected) {
      throw fail('conflict', `${name} runs on another engine.`, 'Choose that engine, or remove the stack there first.');
    }
    return selected;
  }

  private attempts(key: string): AttemptRow[] {
    return this.world.store.all('attempts').filter((attempt) => attempt.service === key);
  }

  private resources(stack: string): Map<string, ResourceRow> {
    const rows = this.world.store.all('resources').filter((row) => row.stack === stack);
    return new Map(rows.map((row) => [`${row.kind}:${row.name}`, row]));
  }

  /** Which of the images are on the engine; undefined when it does not say. */
  private async localImages(change: Change): Promise<ReadonlySet<string> | undefined> {
    const engine = this.world.engine();
    if (!engine) return undefined;
    const wanted = new Set<string>();
    for (const { kind, revision } of change.services) {
      if (revision && kind !== 'same' && kind !== 'remove') wanted.add(revision.spec.image);
    }
    try {
      const found = await Promise.all(
        [...wanted].slice(0, mostImages).map(async (image) => ((await engine.inspectImage(image)) ? image : undefined)),
      );
      return new Set(found.filter((image) => image !== undefined));
    } catch {
      return undefined;
    }
  }
}

/** Volumes whose place a restored one took keep that one, whatever the file calls them. */
function withSwaps(spec: StackSpec, store: Store): StackSpec {
  const volumes = Object.entries(spec.volumes).map(([key, volume]) => {
    const swap = volume.external ? undefined : store.get('swaps', volume.name);
    return [key, swap ? { ...volume, name: swap.current } : volume] as const;
  });
  return { ...spec, volumes: Object.fromEntries(volumes) };
}

function groupBy<Row>(rows: readonly Row[], key: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(key(row));
    if (group) group.push(row);
    else groups.set(key(row), [row]);
  }
  return groups;
}

/** All problems as one error: the first leads, the others follow. */
function refusal(problems: Problem[], message: string): PilothouseError {
  const [first] = problems;
  if (!first) return fail('bad-input', message);
  return new PilothouseError(problems.length === 1 ? first : { ...first, more: problems });
}
