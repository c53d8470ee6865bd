import { describe, expect, it } from 'vitest';
import type { ConfigItemView } from '../../../src-main/contract/api/config';
import { formatOf, itemIdOf, listOf, treeRows } from '../../../src-renderer/views/config/configTree';

function item(key: string): ConfigItemView {
  const [namespace = '', group = '', name = ''] = key.split('/');
  return {
    namespace,
    group,
    name,
    key,
    format: 'text',
    description: '',
    hasSchema: false,
    release: 1,
    newest: 1,
    draft: false,
    draftVersion: 1,
    size: 1,
    users: 0,
    current: 0,
    createdAt: 0,
    updatedAt: 0,
  };
}
const items = ['shop/default/web.yaml', 'shop/default/api.json', 'data/eu/etl.toml', 'data/us/etl.toml'].map(item);
const drawn = (look: { closed?: string[]; filter?: string }): string[] =>
  treeRows([{ name: 'empty', description: '', groups: [], items: 0, drafts: 0, createdAt: 0 }], items, {
    closed: new Set(look.closed),
    filter: look.filter ?? '',
  }).map((row) => `${'  '.repeat(row.depth)}${row.label}`);

describe('the tree of the config center', () => {
  it('shows a group only where a namespace has another than the usual one', () => {
    expect(drawn({})).toEqual([
      'data',
      '  eu',
      '    etl.toml',
      '  us',
      '    etl.toml',
      'empty',
      'shop',
      '  api.json',
      '  web.yaml',
    ]);
  });

  it('folds, and a filter opens what it found', () => {
    expect(drawn({ closed: ['data/', 'shop/'] })).toEqual(['data', 'empty', 'shop']);
    expect(drawn({ closed: ['data/'], filter: 'US/ETL' })).toEqual(['data', '  us', '    etl.toml']);
    expect(drawn({ filter: 'nothing like it' })).toEqual([]);
  });

  it('reads ids, formats and lists', () => {
    expect(itemIdOf('shop/default/a.yaml')).toEqual({ namespace: 'shop', group: 'default', name: 'a.yaml' });
    expect(itemIdOf('')).toBeUndefined();
    expect(itemIdOf('shop/default/')).toBeUndefined();
    expect(['a.yml', 'b.JSON', 'c', 'd.env'].map(formatOf)).toEqual(['yaml', 'json', 'text', 'env']);
    expect(listOf(' canary, beta  x ')).toEqual(['canary', 'beta', 'x']);
  });
});
