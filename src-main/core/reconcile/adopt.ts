/**
 * Adopt, don't own: containers that somebody else made become the replicas of a declared stack without being touched. What runs is
 * written down as a Compose project; each container gets an attempt that knows it by its id. Letting go takes the rows away again and
 * leaves the containers as they are.
 */
import type { AdoptPlan, StackSource } from '../../contract/nouns';
import type { Dependency } from '../../contract/spec';
import { fail } from '../../contract/errors';
import { sentence, type Sentence } from '../../contract/sentence';
import type { ContainerDetail, CreateContainer, Engine } from '../engine';
import { declareStack, joinPorts, renderStack, type Declared } from '../stack';
import type { AttemptRow } from '../store';
import type { Apply, ApplyWorld } from './apply';
import { writeChange } from './change';
import { containerName, label } from './names';
import { same } from './same';
import type { Wishes } from './wishes';

/** Labels of Docker Compose, by which its containers say what they are. Untrusted text. */
const compose = {
  service: 'com.docker.compose.service',
  number: 'com.docker.compose.container-number',
  dependsOn: 'com.docker.compose.depends_on',
} as const;

const conditions: readonly string[] = ['service_started', 'service_healthy', 'service_completed_successfully'];

interface Found {
  detail: ContainerDetail;
  recipe: CreateContainer;
}

interface Taken {
  plan: AdoptPlan;
  source: StackSource;
  containers: { detail: ContainerDetail; service: string; slot: number }[];
}

export class Adopt {
  constructor(
    private readonly world: ApplyWorld,
    private readonly apply: Apply,
    private readonly wishes: Wishes,
  ) {}

  /** What adopting these containers would declare. Touches nothing. */
  async plan(ids: readonly string[], name: string): Promise<AdoptPlan> {
    return (await this.look(ids, name)).plan;
  }

  /** Takes the containers over: one transaction, no engine write. */
  async adopt(ids: readonly string[], name: string): Promise<{ stack: string; adopted: number; leftOut: number }> {
    const { store, clock } = this.world;
    const { plan, source, containers } = await this.look(ids, name);
    const { change } = this.apply.prepare(source, name);
    const node = change.stack.engine;
    store.transact((transaction) => {
      const words = sentence('event.stackAdopted', { stack: name, count: containers.length });
      const event = this.wishes.event(transaction, { kind: 'stack.adopted', words, stack: name, mark: 'release' });
      for (const service of change.services) {
        const mine = containers.filter((one) => one.service === service.row.name);
        const generations = { ...service.row.generations };
        for (const { detail, slot } of mine) {
          const generation = (generations[String(slot)] ?? 0) + 1;
          generations[String(slot)] = generation;
          const attempt: AttemptRow = {
            name: containerName(service.row.key, slot, generation),
            service: service.row.key,
            slot,
            generation,
            revision: service.row.revision,
            hash: service.revision?.hash ?? '',
            restartNonce: service.row.restartNonce,
            state: 'started',
            containerId: detail.id,
            node,
            adopted: true,
            createdAt: clock.now(),
            cause: sentence('reason.adopted'),
          };
          transaction.put('attempts', attempt.name, attempt);
        }
        service.row = { ...service.row, generations, event };
      }
      writeChange({ ...change, stack: { ...change.stack, adopted: true } }, transaction);
    });
    return { stack: name, adopted: containers.length, leftOut: plan.leftOut.length };
  }

  /** Lets go of an adopted stack: its containers go on as they are, nothing looks after them any more. */
  release(name: string): void {
    const { store } = this.world;
    const stack = store.get('stacks', name);
    if (!stack) throw fail('not-found', `There is no stack ${name}.`, 'See the list with pilothouse ps.');
    const services = store.all('services').filter((row) => row.stack === name);
    const keys = new Set(services.map((row) => row.key));
    const attempts = store.all('attempts').filter((row) => keys.has(row.service));
    if (attempts.some((row) => row.adopted !== true) || store.all('resources').some((row) => row.stack === name)) {
      throw fail(
        'conflict',
        `${name} has containers, networks or volumes that Pilothouse made.`,
        'Only what was adopted and not changed since can be let go of; remove the stack instead.',
      );
    }
    store.transact((transaction) => {
      const words = sentence('event.stackReleased', { stack: name });
      this.wishes.event(transaction, { kind: 'stack.released', words, stack: name, mark: 'event' });
      for (const row of attempts) transaction.remove('attempts', row.name);
      for (const row of store.all('revisions'))
        if (keys.has(row.service)) transaction.remove('revisions', `${row.service}@${row.revision}`);
      for (const key of keys) {
        transaction.remove('rollouts', key);
        transaction.remove('services', key);
        transaction.remove('serviceStatus', key);
      }
      transaction.remove('stacks', name);
      transaction.remove('stackStatus', name);
    });
  }

  private async look(ids: readonly string[], name: string): Promise<Taken> {
    const engine = this.world.engine();
    if (!engine) throw fail('engine-away', 'No container engine answers.', 'Start Docker, then try again.');
    if (this.world.store.get('stacks', name))
      throw fail('conflict', `A stack ${name} exists already.`, 'Choose another name.');
    const leftOut: AdoptPlan['leftOut'] = [];
    const found = await this.find(engine, ids, leftOut);
    const groups = groupByService(found);
    const declared = new Map<string, Declared>();
    const containers: Taken['containers'] = [];
    for (const [service, members] of groups) {
      const { taken, different } = alike(members);
      for (const { detail } of different) leftOut.push(out(detail, sentence('adopt.different', { service })));
      const replicas = taken.map(({ recipe }) => recipe.host.ports);
      const [first] = taken;
      if (!first) continue;
      if (!joinPorts(replicas)) {
        for (const { detail } of taken) leftOut.push(out(detail, sentence('adopt.ports', { service })));
        continue;
      }
      declared.set(service, { recipe: first.recipe, replicas, dependsOn: dependsOn(first.detail, groups) });
      for (const [index, { detail }] of taken.entries()) containers.push({ detail, service, slot: index + 1 });
    }
    if (containers.length === 0) {
      const why = leftOut[0] ? `${leftOut[0].name} cannot be adopted.` : 'Nothing was chosen.';
      throw fail('bad-input', why, 'Choose containers that run and that Pilothouse did not make.');
    }
    const yaml = renderStack(declareStack(name, declared));
    const source: StackSource = { files: [{ name: 'compose.yaml', text: yaml }] };
    const { warnings } = this.apply.prepare(source, name);
    const plan: AdoptPlan = {
      stack: name,
      yaml,
      containers: containers.map(({ detail, service, slot }) => ({ id: detail.id, name: detail.name, service, slot })),
      leftOut,
      warnings,
    };
    return { plan, source, containers };
  }

  private async find(engine: Engine, ids: readonly string[], leftOut: AdoptPlan['leftOut']): Promise<Found[]> {
    const install = this.world.store.all('meta')[0]?.installId;
    const known = new Set(this.world.store.all('attempts').map((row) => row.containerId));
    const found: Found[] = [];
    for (const id of new Set(ids)) {
      const detail = await engine.inspect(id);
      if (!detail) leftOut.push({ id, name: id.slice(0, 12), words: sentence('adopt.gone') });
      else if (known.has(detail.id) || (install !== undefined && detail.labels[label.install] === install))
        leftOut.push(out(detail, sentence('adopt.ours')));
      else if (detail.state !== 'running' && detail.state !== 'paused')
        leftOut.push(out(detail, sentence('adopt.notRunning')));
      else {
        const recipe = await engine.recipe(id);
        if (!recipe) leftOut.push(out(detail, sentence('adopt.gone')));
        else if (recipe.host.networkMode?.startsWith('container:') === true)
          leftOut.push(out(detail, sentence('adopt.sharesNetwork')));
        else found.push({ detail, recipe: withoutOwnName(recipe) });
      }
    }
    return found;
  }
}

function out(detail: ContainerDetail, words: Sentence): AdoptPlan['leftOut'][number] {
  return { id: detail.id, name: detail.name, words };
}

/** The container's own name among its aliases is Compose's doing and differs from replica to replica. */
function withoutOwnName(recipe: CreateContainer): CreateContainer {
  const networks = recipe.networks.map((network) => ({
    ...network,
    aliases: network.aliases.filter((alias) => alias !== recipe.name),
  }));
  return { ...recipe, networks };
}

/** A service's name as Compose allows it, out of a label or a container's name. */
function serviceNameOf({ detail }: Found): string {
  const wanted = detail.labels[compose.service] ?? detail.name;
  const name = wanted.replace(/[^a-zA-Z0-9._-]+/g, '-').replace(/^[^a-zA-Z0-9]+/, '');
  return name.slice(0, 48) || detail.id.slice(0, 12);
}

function groupByService(found: readonly Found[]): Map<string, Found[]> {
  const groups = new Map<string, Found[]>();
  for (const one of found) {
    const wanted = serviceNameOf(one);
    let name = wanted;
    // Two plain containers never become one service, whatever is left of their names.
    if (one.detail.labels[compose.service] === undefined)
      for (let serial = 2; groups.has(name); serial++) name = `${wanted}-${serial}`;
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  return groups;
}

/** What must be equal for two containers to be replicas of one service. */
function essence({ recipe }: Found): unknown {
  const { name: _, hostname: __, labels: ___, ...rest } = recipe;
  const networks = rest.networks.map(({ name, aliases }) => ({ name, aliases: [...aliases].sort() }));
  const ports = rest.host.ports.map(({ target, protocol, hostIp }) => ({ target, protocol, hostIp }));
  return { ...rest, networks, host: { ...rest.host, ports } };
}

/** The replicas in the order of their published ports, else of Compose's numbers; and those that are not like the first. */
function alike(members: readonly Found[]): { taken: Found[]; different: Found[] } {
  const sorted = [...members].sort(
    (left, right) =>
      firstPort(left) - firstPort(right) ||
      numberOf(left) - numberOf(right) ||
      left.detail.createdAt - right.detail.createdAt,
  );
  const [first] = sorted;
  const like = first && essence(first);
  return {
    taken: sorted.filter((one) => same(essence(one), like)),
    different: sorted.filter((one) => !same(essence(one), like)),
  };
}

function firstPort({ recipe }: Found): number {
  return recipe.host.ports.find((port) => port.published !== undefined)?.published ?? 0;
}

function numberOf({ detail }: Found): number {
  return Number(detail.labels[compose.number]) || 0;
}

/** Compose's `db:service_healthy:false,…`, for services that are adopted together. */
function dependsOn(detail: ContainerDetail, groups: ReadonlyMap<string, unknown>): Dependency[] {
  return (detail.labels[compose.dependsOn] ?? '').split(',').flatMap((text): Dependency[] => {
    const [service = '', condition = '', restart = ''] = text.split(':');
    if (!groups.has(service) || !conditions.includes(condition)) return [];
    return [{ service, condition: condition as Dependency['condition'], restart: restart === 'true', required: true }];
  });
}
