/** Serves the calls of contract/api/nodes.ts. */
import type { CallHandlers } from '../../contract/api';
import type { nodeCalls } from '../../contract/api/nodes';
import { fail, PilothouseError } from '../../contract/errors';
import type { DrainStep, NodeTest, NodeView } from '../../contract/nouns';
import { say, sentence, type Sentence } from '../../contract/sentence';
import { EngineError, type ContainerSummary, type Engine } from '../engine';
import type { NodeRow, Store, Transaction } from '../store';
import { engineProblem, noteEvent, within } from '../system';
import { hostOf, usualGrace, type Fleet, type FleetNode, type FleetWorld, type Reach } from './fleet';

export interface NodesWorld extends FleetWorld {
  fleet: Fleet;
  /** What containers use now, by replica, and all of the engine's together; when measured. */
  used: () =>
    | { total: { cpu: number; memory: number }; replicas: readonly { id: string; cpu: number; memory: number }[] }
    | undefined;
  /** What would go where if a node were drained now; undefined while there is no engine. */
  planDrain: (node: string) => DrainStep[] | undefined;
}

/** An engine that is tried may take so long, milliseconds. */
const patience = 15_000;

/** Makes the handlers. */
export function nodeHandlers(world: NodesWorld): CallHandlers<typeof nodeCalls> {
  const { store, clock, fleet, link } = world;

  const need = (nameOrId: string): FleetNode => {
    const nodes = fleet.nodes();
    const found = nodes.find(({ id }) => id === nameOrId) ?? nodes.find(({ name }) => name === nameOrId);
    if (!found) throw fail('not-found', `There is no node ${nameOrId}.`, 'See the list with pilothouse node ls.');
    return found;
  };
  const tell = (kind: string, words: Sentence): void => {
    noteEvent(store, { at: clock.now(), actor: 'user', kind, health: 'ok', words });
  };
  const put = (node: FleetNode, change: Partial<NodeRow>): void =>
    store.transact((transaction) => write(transaction, node.id, change));
  const setAvailability = (node: FleetNode, availability: 'active' | 'pause' | 'drain'): void => {
    const before = node.drain ? 'drain' : node.cordoned ? 'pause' : 'active';
    if (before === availability) return;
    const cordonedAt = store.get('nodes', node.id)?.cordonedAt ?? clock.now();
    store.transact((transaction) => {
      const { cordonedAt: _c, drain: _d, ...rest } = transaction.get('nodes', node.id) ?? { engine: node.id };
      const set = {
        ...(availability === 'active' ? {} : { cordonedAt }),
        ...(availability === 'drain' ? { drain: true } : {}),
      };
      write(transaction, node.id, { ...rest, ...set }, true);
    });
    const codes = { active: 'event.nodeUncordoned', pause: 'event.nodeCordoned', drain: 'event.nodeDrained' } as const;
    const kinds = { active: 'node.uncordoned', pause: 'node.cordoned', drain: 'node.drained' };
    tell(kinds[availability], sentence(codes[availability], { node: node.name }));
  };

  return {
    'nodes.list': async () => {
      const home = link.engine ?? link.need();
      const facts = link.facts ?? (await asked(() => home.facts()));
      const { total, replicas } = world.used() ?? { total: undefined, replicas: [] };
      const lists = await Promise.all(fleet.nodes().map((node) => listOf(world, node)));
      return fleet.nodes().map((node, at): NodeView => {
        const own = new Set(
          store
            .all('attempts')
            .filter((one) => one.node === node.id)
            .map(replicaOf),
        );
        const mine = replicas.filter(({ id }) => own.has(id));
        const joined = store.get('nodes', node.id)?.joined;
        const alone = fleet.engine === undefined && total !== undefined;
        const seen = link.views().find((view) => view.selected);
        const view = joined ? fleet.linkOf(node.id)?.views()[0] : seen;
        const known = joined ? fleet.factsOf(node.id) : facts;
        return {
          id: node.id,
          name: joined ? node.name : facts.name,
          engine: node.id,
          state: node.away ? 'away' : node.drain ? 'draining' : node.cordoned ? 'cordoned' : 'ready',
          cpus: known?.cpus ?? 0,
          memory: known?.memory ?? 0,
          usedCpus: alone ? total.cpu : mine.reduce((sum, { cpu }) => sum + cpu, 0),
          usedMemory: alone ? total.memory : mine.reduce((sum, { memory }) => sum + memory, 0),
          ...reservedOn(store, node.id),
          labels: joined ? node.labels : { ...facts.labels, ...store.get('nodes', node.id)?.labels },
          containers: lists[at]?.filter(({ state }) => state === 'running').length ?? 0,
          ownLabels: store.get('nodes', node.id)?.labels ?? {},
          replicas: own.size,
          home: !joined,
          endpoint: joined?.endpoint ?? home.endpoint,
          ...(node.away && view?.words ? { words: view.words } : {}),
          ...(view && view.since > 0 ? { since: view.since } : {}),
          ...(known ? { version: known.version, architecture: known.architecture } : {}),
          ...(node.address === undefined ? {} : { address: node.address }),
          ...(view?.latency === undefined ? {} : { latency: view.latency }),
          grace: store.get('nodes', node.id)?.grace ?? usualGrace,
        };
      });
    },
    'nodes.cordon': ({ node, cordoned }) => answer(() => setAvailability(need(node), cordoned ? 'pause' : 'active')),
    'nodes.test': (input) => tried(world, reachOf(input), (engine) => describe(world, engine)),
    'nodes.hostKey': async ({ endpoint }) => asked(async () => world.hostKeys.read(await world.endpointOf(endpoint))),
    'nodes.trustHost': async ({ endpoint, fingerprint }) => {
      const key = await asked(async () => world.hostKeys.trust(await world.endpointOf(endpoint), fingerprint));
      tell('node.hostTrusted', sentence('event.hostTrusted', { host: key.host, fingerprint: key.fingerprint }));
      return key;
    },
    'nodes.add': async (input) => {
      const home = link.engine;
      if (!home) throw fail('engine-away', 'There is no engine to join it to.', 'Start Docker, and try again.');
      const reach = reachOf(input);
      const test = await tried(world, reach, (engine) => describe(world, engine));
      if (test.id === home.id) throw fail('conflict', `${input.endpoint} is the engine that is worked on.`, sameIdHint);
      if (fleet.nodes().some(({ id }) => id === test.id))
        throw fail('conflict', `${input.endpoint} is joined already.`, sameIdHint);
      if (test.kind !== 'docker' && test.kind !== 'memory')
        throw fail('unsupported', `${test.kind} cannot be a node: it has no id of its own that stays.`);
      const name = freeName(input.name ?? test.name, fleet);
      if (input.name !== undefined && name !== input.name)
        throw fail('conflict', `There is a node ${input.name} already.`, 'Choose another name.');
      const { labels } = input;
      // A context's name tells no host; its endpoint does.
      const address = input.address || (hostOf(input.endpoint) ? undefined : hostOf(test.endpoint));
      put({ id: test.id } as FleetNode, {
        ...(labels ? { labels } : {}),
        joined: { to: home.id, name, ...reach, ...(address ? { address } : {}), at: clock.now() },
      });
      tell('node.joined', sentence('event.nodeJoined', { node: name }));
      return { node: test.id, name };
    },
    'nodes.update': ({ node: which, availability, name, address, ...rest }) =>
      answer(() => {
        const node = need(which);
        const { joined } = store.get('nodes', node.id) ?? {};
        if (!joined && (name !== undefined || address !== undefined))
          throw fail('unsupported', `${node.name} is the engine that is worked on: it has its own name and address.`);
        if (name !== undefined && fleet.nodes().some((other) => other.id !== node.id && other.name === name))
          throw fail('conflict', `There is a node ${name} already.`, 'Choose another name.');
        const { address: old, ...way } = joined ?? {};
        const next = address ?? old;
        put(node, {
          ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)),
          ...(joined
            ? { joined: { ...joined, ...way, ...(name ? { name } : {}), ...(next ? { address: next } : {}) } }
            : {}),
        });
        if (availability) setAvailability(need(node.id), availability);
      }),
    'nodes.planDrain': ({ node }) =>
      answer(() => {
        const steps = world.planDrain(need(node).id);
        if (!steps) throw fail('engine-away', 'The engine does not answer.', 'See pilothouse status.');
        return steps;
      }),
    'nodes.remove': ({ node: which, force }) =>
      answer(() => {
        const node = need(which);
        if (!store.get('nodes', node.id)?.joined)
          throw fail(
            'conflict',
            `${node.name} is the engine that is worked on.`,
            'Choose another engine in the settings.',
          );
        const left = store.all('attempts').filter((attempt) => attempt.node === node.id);
        if (left.length > 0 && !force)
          throw fail(
            'conflict',
            `${left.length} replicas are on ${node.name}.`,
            'Drain it first; or let it go with --force, then they are made anew elsewhere, and what still runs there is left alone.',
          );
        store.transact((transaction) => {
          for (const attempt of left) transaction.remove('attempts', attempt.name);
          transaction.remove('nodes', node.id);
        });
        tell('node.parted', sentence('event.nodeParted', { node: node.name }));
      }),
  };
}

const sameIdHint =
  'Machines that were copied share an id: remove /etc/docker/key.json (or engine-id) on one and restart it.';

async function answer<T>(work: () => T): Promise<T extends void ? null : T> {
  const value = await Promise.resolve().then(work);
  return (value ?? null) as T extends void ? null : T;
}

/** Changes a node's row; a row that says nothing any more goes. */
function write(transaction: Transaction, id: string, change: Partial<NodeRow>, whole = false): void {
  const row: NodeRow = { ...(whole ? {} : transaction.get('nodes', id)), ...change, engine: id };
  if (Object.keys(row).length > 1) transaction.put('nodes', id, row);
  else transaction.remove('nodes', id);
}

function reachOf({ endpoint, certificates }: { endpoint: string; certificates?: string | undefined }): Reach {
  return { endpoint, ...(certificates === undefined ? {} : { certificates }) };
}

/** Connects, asks, and lets go again. */
async function tried<T>(world: NodesWorld, reach: Reach, work: (engine: Engine) => Promise<T>): Promise<T> {
  const opening = world.connect(reach);
  try {
    const engine = await within(world.clock, patience, () => opening);
    try {
      return await within(world.clock, patience, () => work(engine));
    } finally {
      world.release(engine);
    }
  } catch (thrown) {
    opening.then(world.release, () => undefined);
    if (!(thrown instanceof EngineError)) throw thrown;
    if (thrown.words?.code === 'reach.sshUnknown') throw await unknownHost(world, reach.endpoint);
    if (thrown.words) throw engineProblem(thrown);
    if (thrown.code === 'away' || thrown.code === 'timeout')
      throw fail('engine-away', `${reach.endpoint} does not answer: ${thrown.detail}`, hintFor(reach.endpoint));
    throw engineProblem(thrown);
  }
}

/** A host that is met for the first time: what its key looks like, and how to make sure. */
async function unknownHost(world: NodesWorld, given: string): Promise<PilothouseError> {
  return asked(async () => {
    const endpoint = await world.endpointOf(given);
    const { host, type, fingerprint } = await world.hostKeys.read(endpoint);
    const words = sentence('reach.sshUnknownKey', { host, type, fingerprint });
    const file = /ed25519|ecdsa|rsa/.exec(type)?.[0] ?? '*';
    const hintWords = sentence('reach.sshCompare', { file, endpoint, fingerprint });
    const hint = say(hintWords);
    return new PilothouseError({ code: 'engine-refused', message: say(words), words, hint, hintWords });
  });
}

function hintFor(endpoint: string): string {
  if (endpoint.startsWith('ssh:')) return 'Try it with: ssh, without a password prompt, and docker version there.';
  if (endpoint.startsWith('tcp:')) return 'Is the port open, and do the certificates belong to that machine?';
  return 'Is the engine running there?';
}

async function describe(world: NodesWorld, engine: Engine): Promise<NodeTest> {
  const facts = await engine.facts();
  const began = world.clock.monotonic();
  await engine.ping();
  const latency = Math.round((world.clock.monotonic() - began) * 10) / 10;
  const { name, kind, version, operatingSystem, architecture, cpus, memory } = facts;
  const containers = (await engine.list()).length;
  const { id, endpoint } = engine;
  return { id, endpoint, name, kind, version, operatingSystem, architecture, cpus, memory, latency, containers };
}

/** Names may be given twice by the machines themselves. */
function freeName(wanted: string, fleet: Fleet): string {
  const taken = new Set(fleet.nodes().map(({ name }) => name));
  const plain =
    wanted
      .replace(/[^a-zA-Z0-9._-]/g, '-')
      .replace(/^[^a-zA-Z0-9]+/, '')
      .slice(0, 60) || 'node';
  let name = plain;
  for (let serial = 2; taken.has(name); serial++) name = `${plain}-${serial}`;
  return name;
}

async function listOf(world: NodesWorld, node: FleetNode): Promise<ContainerSummary[]> {
  try {
    const engine = world.fleet.linkOf(node.id)?.answering;
    return (await engine?.list()) ?? [];
  } catch {
    return [];
  }
}

async function asked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw thrown instanceof EngineError ? engineProblem(thrown) : thrown;
  }
}

function replicaOf({ service, slot }: { service: string; slot: number }): string {
  return `${service}.${slot}`;
}

/** What replicas that are meant to be on a node reserve there. */
function reservedOn(store: Store, node: string): { reservedCpus: number; reservedMemory: number } {
  const total = { reservedCpus: 0, reservedMemory: 0 };
  for (const attempt of store.all('attempts')) {
    if (attempt.node !== node || attempt.state === 'removing' || attempt.finished) continue;
    const spec = store.get('revisions', `${attempt.service}@${attempt.revision}`)?.spec;
    total.reservedCpus += spec?.deploy.reservations.cpus ?? 0;
    total.reservedMemory += spec?.deploy.reservations.memory ?? 0;
  }
  return total;
}
