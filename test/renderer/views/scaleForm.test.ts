import { describe, expect, it } from 'vitest';
import type { AutoscaleSpec } from '../../../src-main/contract/spec';
import { formOf, metricField, policyOf, wrongIn } from '../../../src-renderer/views/service/scaleForm';

const policy: AutoscaleSpec = {
  min: 2,
  max: 8,
  metrics: [
    { metric: 'cpu', type: 'Utilization', target: 70 },
    { metric: 'sum(queue)', type: 'Value', target: 10 },
  ],
  idleAfter: 600_000,
  wakeTimeout: 5000,
  behavior: { scaleUp: { stabilization: 1000 }, scaleDown: { stabilization: 60_000, selectPolicy: 'Min' } },
};

describe('the form of scaling rules', () => {
  it('gives back what it was given, also what it does not show', () => {
    expect(policyOf(formOf(policy, 3), policy)).toEqual(policy);
    const plain: AutoscaleSpec = { min: 1, max: 4, metrics: [{ metric: 'latency', type: 'Value', target: 250 }] };
    expect(policyOf(formOf(plain, 3), plain)).toEqual(plain);
  });

  it('goes to zero only when it says after how long', () => {
    expect(policyOf({ ...formOf(policy, 3), idle: '2.5' }, policy)).toMatchObject({
      idleAfter: 2500,
      wakeTimeout: 5000,
    });
    expect(policyOf({ ...formOf(policy, 3), idle: '' }, policy)).not.toHaveProperty('idleAfter');
  });

  it('offers rules that hold for a service without any', () => {
    expect(policyOf(formOf(undefined, 4), undefined)).toMatchObject({ min: 1, max: 8 });
  });

  it.each([
    ['more fewest than most', { min: '9' }, 'bounds'],
    ['no number', { max: 'ten' }, 'bounds'],
    ['nothing at most', { min: '0', max: '0' }, 'bounds'],
    ['too long a window', { window: '3601' }, 'window'],
    ['too short a rest', { idle: '0.5' }, 'idle'],
    ['a rest that is no number', { idle: 'soon' }, 'idle'],
  ] as const)('refuses %s', (_name, change, field) => {
    const form = { ...formOf(policy, 3), ...change };
    expect(wrongIn(form)[field]).toBe(true);
    expect(policyOf(form, policy)).toBeUndefined();
  });

  it('refuses targets and queries that are none', () => {
    const metrics = [{ ...metricField('cpu'), target: '-1' }, metricField('query'), metricField('requests')];
    const form = { ...formOf(policy, 3), metrics };
    expect(wrongIn(form).metrics).toEqual(['target', 'query', undefined]);
    expect(policyOf(form, policy)).toBeUndefined();
  });
});
