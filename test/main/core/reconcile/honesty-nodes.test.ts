import { describe, expect, it } from 'vitest';
import { honesty } from '../../../../src-main/core/reconcile/honesty';
import { deploy, stackSpec } from './bench';

const said = (services: Parameters<typeof stackSpec>[1], nodes: number): string[] =>
  honesty(stackSpec('shop', services), { gateway: false, nodes }).warnings.map(({ message }) => message);

describe('what a stack gets on several nodes', () => {
  it('is said once for services that reach each other by name', () => {
    expect(said({ db: {}, web: {} }, 2)).toEqual([
      'db, web reach each other by name: they are kept together on one node',
    ]);
    expect(said({ web: {} }, 2)).toEqual([]);
    expect(said({ db: {}, web: {} }, 1)).toEqual([]);
  });

  it('is said of services that gave the names up', () => {
    expect(said({ db: {}, web: { pilothouse: { spread: true } } }, 2)).toEqual([
      'Names lead web only to those of db that happen to be on the same node',
    ]);
  });

  it('is said of folders, which are on one machine, unless the file says which', () => {
    const mounts = [{ type: 'bind' as const, source: '/srv/shop', target: '/data', readOnly: false }];
    expect(said({ web: { mounts } }, 2)).toEqual([
      'web uses the folder /srv/shop and so stays on the node of the engine itself',
    ]);
    const placement = { constraints: ['node.labels.disk == ssd'], preferences: [] };
    expect(said({ web: { mounts, deploy: deploy({ placement }) } }, 2)).toEqual([]);
  });

  it('constraints are honoured there, and said not to be where there is one node', () => {
    const web = { deploy: deploy({ placement: { constraints: ['node.role == worker'], preferences: [] } }) };
    expect(said({ web }, 2)).toEqual([]);
    expect(said({ web }, 1)).toEqual(['web is placed on the only node, whatever its constraints say']);
  });
});
