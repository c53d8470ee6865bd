/**
 * Faults to be planted into the reconciler, one at a time, as changes of its source text. `mutants.slow.test.ts` plants them; the list of
 * what notices them is in BEHAVIOURS.md.
 */

export interface Mutant {
  name: string;
  /** In `src-main/core/reconcile`. */
  file: string;
  /** Must be there exactly once. */
  from: string;
  to: string;
}

export const mutants: readonly Mutant[] = [
  {
    name: 'a missing row of a list counts as gone',
    file: 'observer.ts',
    from: "if (entry.listed === number || !entry.valid || entry.seen === 'gone') continue;\n      this.invalidate(name);",
    to: "if (entry.listed === number || !entry.valid || entry.seen === 'gone') continue;\n      entry.seen = 'gone';",
  },
  {
    name: 'a taken name is a failure',
    file: 'acts.ts',
    from: "if (error.code !== 'name-taken') return",
    to: 'if (error.code) return',
  },
  {
    name: 'a label is proof of ownership',
    file: 'ownership.ts',
    from: 'if (attempt.containerId !== undefined) return container.id === attempt.containerId;',
    to: 'return true;',
  },
  {
    name: 'surge without a cap',
    file: 'replace.ts',
    from: 'budget.surge > 0 && occupied < wanted + budget.surge',
    to: 'budget.surge > 0',
  },
  {
    name: 'replicas are taken away whatever serves',
    file: 'replace.ts',
    from: 'const missed = replica.ready &&',
    to: 'const missed = replica.ready && budget.surge < 0 &&',
  },
  {
    name: 'what is leaving takes no place',
    file: 'plan.ts',
    from: 'let occupied = keptReplicas.length + leavingLive;',
    to: 'let occupied = keptReplicas.length;',
  },
  {
    name: 'only events wake it',
    file: 'controller.ts',
    from: 'await this.world.observer.list();\n      this.addAll();',
    to: '',
  },
  {
    name: 'the wall clock times a retry',
    file: 'judge.ts',
    from: 'replica.memory.nextTryAt = plan.monotonic + delay;',
    to: 'replica.memory.nextTryAt = plan.now + delay;',
  },
  { name: 'no back-off', file: 'restart.ts', from: 'if (failures <= 1) return rule.delay;', to: 'return 0;' },
  {
    name: 'an answer from before our write is believed',
    file: 'observer.ts',
    from: "return { seen: entry.valid ? entry.seen : 'unknown', ...last };",
    to: 'return { seen: entry.seen, ...last };',
  },
  {
    name: 'volumes go with their stack',
    file: 'resources.ts',
    from: 'if (!stack.removing?.volumes || !input.empty) continue;',
    to: 'if (!stack.removing || !input.empty) continue;',
  },
  {
    name: 'generations are used again',
    file: 'plan.ts',
    from: 'const generation = (this.generations[String(slot)] ?? 0) + 1;',
    to: 'const generation = 1;',
  },
  {
    name: 'a paused container is healed',
    file: 'judge.ts',
    from: "replica.phase = detail.state;\n      replica.live = true;\n      break;\n    case 'removing':",
    to: "replica.phase = detail.state === 'paused' ? 'dead' : detail.state;\n      replica.live = true;\n      break;\n    case 'removing':",
  },
  {
    name: 'the intent is not written',
    file: 'servicePass.ts',
    from: "transaction.put('attempts', attempt.name, attempt);",
    to: '',
  },
  {
    name: 'any earlier revision is good enough to go back to',
    file: 'rollout.ts',
    from: 'if (row.stable && revision < bad',
    to: 'if (revision < bad',
  },
  {
    name: 'dependencies are not waited for',
    file: 'gates.ts',
    from: 'if (holds(dependency, is)) continue;',
    to: 'continue;',
  },
  {
    name: 'a paused service is worked on',
    file: 'plan.ts',
    from: 'if (this.acted.has(attempt.name) || this.input.service.paused) return;',
    to: 'if (this.acted.has(attempt.name)) return;',
  },
  {
    name: 'as many starts at once as there are',
    file: 'pool.ts',
    from: 'if (this.running.size >= this.size) return;\n      if (this.running.has(key)) continue;',
    to: 'if (this.running.has(key)) continue;',
  },
  {
    name: 'unless-stopped',
    file: 'restart.ts',
    from: "return { name: 'always'",
    to: "return { name: 'unless-stopped'",
  },
  {
    name: 'victims are forgotten',
    file: 'slots.ts',
    from: 'return { keep, victims: used.filter((slot) => !kept.has(slot)), add };',
    to: 'return { keep, victims: [], add };',
  },
  {
    name: 'a slot may hold any number',
    file: 'replace.ts',
    from: 'if (crowded.has(slot) || input.blocked.has(slot)) continue;',
    to: '',
  },
  {
    name: 'the gateway is not told before a stop',
    file: 'acts.ts',
    from: 'if (service !== undefined) await this.options.release?.(id, service);',
    to: '',
  },
  {
    name: 'who runs is ready, whatever its probes say',
    file: 'judge.ts',
    from: "if (!probes.ready || (detail.health !== 'healthy'",
    to: "if ((detail.health !== 'healthy'",
  },
  {
    name: 'a one-shot runs for ever',
    file: 'judge.ts',
    from: 'if (attempt.finished?.at === finishedAt) {',
    to: 'if (attempt.finished?.at === -1) {',
  },
  {
    name: 'the share of a canary stays after its end',
    file: 'rollout.ts',
    from: "if (!isStaged(next) || next.state !== 'running') delete next.weight;",
    to: '',
  },
  {
    name: 'a revision is called stable as soon as it exists',
    file: 'change.ts',
    from: 'stable: false,',
    to: 'stable: true,',
  },
  {
    name: 'a create that was not answered is forgotten at once',
    file: 'plan.ts',
    from: 'if (replica.unsent || (attempt.state',
    to: "if (replica.phase === 'intended' || (attempt.state",
  },
  {
    name: 'ends in an outage are counted',
    file: 'judge.ts',
    from: 'if (!counted && !outage)',
    to: 'if (!counted)',
  },
  {
    name: 'the state of an attempt may go back',
    file: 'plan.ts',
    from: "if (attempt.state === 'intended') change.state =",
    to: 'change.state =',
  },
  {
    name: 'looks outlive a reconnect',
    file: 'controller.ts',
    from: 'world.observer.invalidateAll();',
    to: '',
  },
  {
    name: 'the blue set goes before the switch',
    file: 'strategy.ts',
    from: 'return { most: wanted, keepOld: true,',
    to: 'return { most: wanted, keepOld: false,',
  },
];
