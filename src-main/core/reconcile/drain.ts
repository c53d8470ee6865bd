/** What emptying a node would do: asked of the same scheduler that does it. Pure but for what it reads. */
import { wantsGateway } from '../../contract/fronting';
import type { DrainStep } from '../../contract/nouns';
import { sentence, type Sentence } from '../../contract/sentence';
import type { EngineCapabilities } from '../engine';
import type { Store } from '../store';
import { isGlobal, type Fleet } from './fleet';
import { awaited } from './gates';
import { Placer } from './placer';
import { isJob } from './restart';
import { revisionKey, type Rows } from './rows';
import { siblingsOf } from './servicePass';

export interface DrainInput {
  store: Store;
  rows: Rows;
  fleet: Fleet;
  capabilities: EngineCapabilities;
  node: string;
}

/** One step for each service that has replicas on the node. */
export function planDrain({ store, rows, fleet, capabilities, node }: DrainInput): DrainStep[] {
  const emptied: Fleet = {
    on: (id) => fleet.on(id),
    holders: (kind, name) => fleet.holders(kind, name),
    onChange: fleet.onChange,
    nodes: () => fleet.nodes().map((one) => (one.id === node ? { ...one, cordoned: true, drain: true } : one)),
  };
  const steps: DrainStep[] = [];
  for (const key of [...rows.servicesWithAttempts()].sort()) {
    const service = store.get('services', key);
    const stack = service && store.get('stacks', service.stack);
    const revision = service && store.get('revisions', revisionKey(key, service.revision));
    const here = [...rows.attemptsOf(key).values()].filter(
      (attempt) => attempt.node === node && attempt.state !== 'removing' && !attempt.finished,
    );
    if (!service || !stack || !revision || here.length === 0) continue;
    const base = { service: key, replicas: here.length };
    if (isGlobal(revision.spec)) {
      steps.push({ ...base, moves: true, to: [], words: sentence('drain.ends') });
      continue;
    }
    if (isJob(revision.spec, awaited(siblingsOf({ store, rows }, service.stack)).has(service.name))) {
      steps.push({ ...base, moves: true, to: [], words: sentence('drain.finishes') });
      continue;
    }
    const fronted = capabilities.gateway === true && wantsGateway(revision.spec, service);
    const placer = new Placer({ store, rows, fleet: emptied, stack, service, fronted });
    const to = new Set<string>();
    let refusal: Sentence | undefined;
    for (const { slot } of here) {
      const spot = placer.take(revision, slot);
      if (spot.node === undefined) refusal ??= spot.words;
      else to.add(placer.nameOf(spot.node));
    }
    const names = [...to].sort();
    const words = refusal ?? sentence('drain.moves', { node: names.join(', ') });
    steps.push({ ...base, moves: refusal === undefined, to: names, words });
  }
  return steps;
}
