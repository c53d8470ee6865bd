/** "Why is it not running?": the cause, the evidence, what was ruled out, and what would fix it. Pure; facts come in. */
import type { EventView, Explanation, ReplicaView, ServiceView } from '../../contract/nouns';
import { say, sentence, type Sentence } from '../../contract/sentence';
import type { ContainerDetail } from '../engine';
import type { RolloutRow } from '../store';
import { placementOf, refusalOf } from './placement';
import type { PlanInput } from './types';

export interface ExplainInput {
  view: ServiceView;
  /** The slot asked about; absent: the worst one. */
  slot?: number;
  /** The container of that replica, when there is one. */
  detail?: ContainerDetail;
  rollout?: RolloutRow;
  input?: PlanInput;
  /** What a node is called. */
  nodeName?: (id: string) => string;
  /** Events about the service, newest first. */
  events: readonly EventView[];
  lastLines: readonly string[];
  away?: boolean;
}

type Fix = Explanation['fixes'][number];
const shownLines = 8;

/** The replica an explanation is about: the one asked for, else the worst. */
export function subjectOf(view: ServiceView, slot?: number): ReplicaView | undefined {
  if (slot !== undefined) return view.replicaList.find((replica) => replica.slot === slot);
  const rank = { critical: 0, warning: 1, progress: 2, ok: 3, off: 4 };
  return [...view.replicaList].sort((one, other) => rank[one.health] - rank[other.health] || one.slot - other.slot)[0];
}

/** Explains a service or one of its replicas. */
export function explain(facts: ExplainInput): Explanation {
  const { view, detail } = facts;
  const replica = subjectOf(view, facts.slot);
  const subject = facts.slot !== undefined && replica ? replica.id : view.key;
  const health = facts.slot !== undefined && replica ? replica.health : view.health;
  const well = health === 'ok' || health === 'off';
  const explanation: Explanation = {
    subject,
    health,
    question: sentence(well ? 'explain.whySo' : 'explain.whyNot', { subject }),
    cause: [facts.slot !== undefined && replica ? replica.words : view.words],
    evidence: [],
    ruledOut: [],
    fixes: [],
  };
  const placement = facts.slot === undefined ? undefined : whereIs(facts, replica);
  if (placement) explanation.placement = placement;
  if (facts.away) {
    explanation.cause.push(sentence('explain.away'));
    explanation.fixes.push({
      words: sentence('fix.retryEngine'),
      call: { name: 'engines.retry', input: {} },
      primary: true,
    });
    return explanation;
  }
  if (replica && !same(replica.words, view.words) && !well) explanation.cause.push(replica.words);
  causeByWords(facts, replica, explanation);
  rolloutCause(facts, explanation);
  probeEvidence(facts, replica, explanation);
  if (detail) evidenceOf(detail, explanation);
  history(facts, explanation);
  if (!well || facts.slot !== undefined) {
    for (const text of facts.lastLines.slice(-shownLines)) {
      explanation.evidence.push({ label: sentence('explain.lastLine'), text: text.slice(0, 400) });
    }
  }
  ruleOut(facts, replica, explanation);
  const main = explanation.fixes.find((fix) => fix.primary);
  explanation.fixes = explanation.fixes.map((fix) => (fix === main ? fix : { ...fix, primary: false }));
  return explanation;
}

/** Why a replica is on its node; or if it is to be made and no node takes it, why not. */
function whereIs({ input, nodeName }: ExplainInput, replica: ReplicaView | undefined): Explanation['placement'] {
  if (!input || !replica) return undefined;
  const { placer, service, revisions } = input;
  const { slot, generation } = replica;
  const own = input.replicas.find(({ attempt }) => attempt.slot === slot && attempt.generation === generation)?.attempt;
  if (own && own.state !== 'removing')
    return placementOf(own, { node: nodeName?.(own.node) ?? own.node, alone: placer === undefined });
  const revision = revisions.get(service.revision);
  if (!placer || !revision || replica.container) return undefined;
  const spot = placer.peek(revision, slot);
  return spot.node === undefined ? refusalOf(placer.reasons(revision, slot), spot.words) : undefined;
}

function same(one: Sentence, other: Sentence): boolean {
  return one.code === other.code && say(one) === say(other);
}

function causeByWords(facts: ExplainInput, replica: ReplicaView | undefined, into: Explanation): void {
  const { view } = facts;
  const edit: Fix = { words: sentence('fix.editStack'), route: `/apply/${view.stack}`, primary: false };
  const again: Fix = {
    words: sentence('fix.tryNow'),
    call: { name: 'services.restart', input: { service: view.key } },
    primary: false,
  };
  const logs: Fix = { words: sentence('fix.readLogs'), route: `/services/${view.key}/logs`, primary: false };
  const words = replica && replica.health !== 'ok' ? replica.words : view.words;
  const exit = replica?.exitCode;
  switch (words.code) {
    case 'replica.portTaken':
      into.cause.push(sentence('explain.portTaken'));
      into.fixes.push({ ...edit, detail: sentence('explain.otherPort'), primary: true }, again);
      break;
    case 'replica.imageMissing':
      into.cause.push(sentence('explain.imageMissing'));
      into.fixes.push({ ...edit, primary: true }, again);
      break;
    case 'replica.oom':
      into.cause.push(sentence('explain.oom'));
      into.fixes.push({ ...edit, words: sentence('fix.raiseMemory'), primary: true }, logs);
      break;
    case 'replica.backoff':
    case 'replica.failed':
    case 'replica.exited':
      if (exit !== undefined) into.cause.push(exitWords(exit));
      if (replica?.nextTryAt !== undefined)
        into.evidence.push({ at: replica.nextTryAt, label: sentence('explain.nextTry'), text: '' });
      into.fixes.push({ ...logs, primary: true }, again, edit);
      break;
    case 'replica.unhealthy':
      into.cause.push(sentence('explain.unhealthy'));
      into.fixes.push({ ...logs, primary: true }, again, edit);
      break;
    case 'replica.waitsFor': {
      const dependency = String(words.args?.['dependency'] ?? '');
      into.fixes.push({
        words: sentence('fix.seeDependency', { dependency }),
        route: `/services/${view.stack}/${dependency}`,
        primary: true,
      });
      break;
    }
    case 'replica.paused':
      into.cause.push(sentence('explain.paused'));
      if (replica?.container) {
        into.fixes.push({
          words: sentence('fix.unpause'),
          detail: sentence('explain.command', { command: `docker unpause ${replica.container.name}` }),
          primary: true,
        });
      }
      break;
    case 'replica.noSpace':
      into.cause.push(sentence('explain.noSpace'));
      into.fixes.push({ words: sentence('fix.freeSpace'), route: '/images', primary: true });
      break;
    case 'network.foreign':
    case 'network.missing':
    case 'volume.missing':
    case 'network.failed':
    case 'volume.failed':
      into.fixes.push({ ...edit, primary: true });
      break;
    case 'replica.createFailed':
    case 'replica.startFailed':
      into.fixes.push({ ...edit, primary: true }, again);
      break;
    default:
      break;
  }
  if (view.stopped) {
    into.cause.push(sentence('explain.stopped'));
    into.fixes.push({
      words: sentence('fix.start'),
      call: { name: 'services.start', input: { service: view.key } },
      primary: true,
    });
  } else if (view.words.code === 'service.empty') {
    into.fixes.push({
      words: sentence('fix.scaleUp'),
      call: { name: 'services.scale', input: { service: view.key, replicas: Math.max(1, view.declared) } },
      primary: true,
    });
  }
}

function rolloutCause(facts: ExplainInput, into: Explanation): void {
  const { rollout, view } = facts;
  if (!rollout || (rollout.state !== 'paused' && rollout.state !== 'failed')) return;
  if (!into.cause.some((cause) => same(cause, rollout.words))) into.cause.push(rollout.words);
  into.fixes.unshift(
    {
      words: sentence('fix.undo'),
      call: { name: 'rollouts.undo', input: { service: view.key } },
      primary: true,
    },
    {
      words: sentence('fix.resume'),
      call: { name: 'rollouts.resume', input: { service: view.key } },
      primary: false,
    },
  );
}

function probeEvidence(facts: ExplainInput, replica: ReplicaView | undefined, into: Explanation): void {
  const name = replica?.container?.name;
  const probes = facts.input?.replicas.find((one) => one.attempt.name === name)?.probes;
  if (probes?.unreachable) into.cause.push(sentence('explain.probeUnreachable'));
  if (!probes?.failing) return;
  const { kind, output } = probes.failing;
  if (into.health !== 'ok') into.cause.push(sentence('explain.probeFails', { kind }));
  into.evidence.push({ label: sentence('explain.probeLabel', { kind }), text: output, bad: true });
}

function exitWords(exit: number): Sentence {
  if (exit === 125 || exit === 126) return sentence('explain.exit126');
  if (exit === 127) return sentence('explain.exit127');
  if (exit === 137) return sentence('explain.exit137');
  if (exit === 139) return sentence('explain.exit139');
  if (exit === 143) return sentence('explain.exit143');
  if (exit > 128 && exit < 160) return sentence('explain.exitSignal', { signal: exit - 128 });
  return exit === 0 ? sentence('explain.exit0') : sentence('explain.exitCode', { exit });
}

function evidenceOf(detail: ContainerDetail, into: Explanation): void {
  if (detail.state !== 'running' && detail.finishedAt !== undefined && detail.exitCode !== undefined) {
    const text = detail.oomKilled ? `${detail.exitCode}, OOMKilled` : String(detail.exitCode);
    into.evidence.push({
      at: detail.finishedAt,
      label: sentence('explain.exitLabel'),
      text,
      bad: detail.exitCode !== 0,
    });
  }
  if (detail.error !== '') {
    into.evidence.push({ label: sentence('explain.engineSaid'), text: detail.error.slice(0, 400), bad: true });
  }
  if (detail.restartCount > 0) {
    into.evidence.push({ label: sentence('explain.restarts'), text: String(detail.restartCount), bad: true });
  }
  for (const entry of detail.healthLog.slice(-3)) {
    const output = entry.output.trim().slice(0, 300);
    into.evidence.push({
      at: entry.at,
      label: sentence('explain.healthLabel', { exit: entry.exitCode }),
      text: output,
      bad: entry.exitCode !== 0,
    });
  }
}

function history(facts: ExplainInput, into: Explanation): void {
  for (const event of facts.events.slice(0, 4).reverse()) {
    const text = event.count > 1 ? `${say(event.words)} ×${event.count}` : say(event.words);
    into.evidence.push({ at: event.at, label: sentence('explain.event'), text, bad: event.health === 'critical' });
  }
}

function ruleOut(facts: ExplainInput, replica: ReplicaView | undefined, into: Explanation): void {
  const { detail, input } = facts;
  if (into.health === 'ok' || into.health === 'off') return;
  const code = replica?.words.code;
  if (detail && code !== 'replica.imageMissing') into.ruledOut.push(sentence('explain.imageThere'));
  if (detail && !detail.oomKilled) into.ruledOut.push(sentence('explain.notOom'));
  if (detail && code !== 'replica.portTaken' && detail.error === '') into.ruledOut.push(sentence('explain.portsFree'));
  if (input && input.gate.start === undefined && facts.view.dependsOn.length > 0) {
    into.ruledOut.push(sentence('explain.dependenciesReady'));
  }
  if (input?.resources === 'ready') into.ruledOut.push(sentence('explain.resourcesThere'));
}
