import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Component } from 'vue';
import DataTable from '../../../src-renderer/parts/DataTable.vue';
import { flattenRows, gridColumns, idsBetween, nextSort } from '../../../src-renderer/parts/tableRows';
import type { Column } from '../../../src-renderer/parts/tableRows';
import { giveSize, mountWith } from '../support';

interface Row {
  name: string;
  stack: string;
  count: number;
}
const columns: Column<Row>[] = [
  { key: 'name', title: 'Name', width: 100, value: (row) => row.name, compare: (a, b) => a.name.localeCompare(b.name) },
  { key: 'count', title: 'Count', value: (row) => row.count, compare: (a, b) => a.count - b.count },
];
const rows: Row[] = [
  { name: 'web', stack: 'shop', count: 3 },
  { name: 'api', stack: 'shop', count: 1 },
  { name: 'db', stack: 'data', count: 2 },
];
const idOf = (row: Row): string => row.name;

describe('rows of a table', () => {
  it('sorts inside groups and orders the groups', () => {
    const items = flattenRows(rows, {
      idOf,
      columns,
      sort: { key: 'count', descending: false },
      groupOf: (row) => row.stack,
      compareGroups: (a, b) => a.id.localeCompare(b.id),
    });
    expect(items.map((item) => `${item.kind}:${item.id}`)).toEqual([
      'group:data',
      'row:db',
      'group:shop',
      'row:api',
      'row:web',
    ]);
  });
  it('folds groups but keeps what they count', () => {
    const items = flattenRows(rows, { idOf, columns, groupOf: (row) => row.stack, collapsed: ['shop'] });
    expect(items.map((item) => item.id)).toEqual(['shop', 'data', 'db']);
    expect(items[0]?.kind === 'group' && items[0].rows.length).toBe(2);
  });
  it('goes ascending, descending, unsorted', () => {
    const first = nextSort(undefined, 'name');
    expect(first).toEqual({ key: 'name', descending: false });
    expect(nextSort(first, 'name')).toEqual({ key: 'name', descending: true });
    expect(nextSort({ key: 'name', descending: true }, 'name')).toBeUndefined();
    expect(nextSort(first, 'count')).toEqual({ key: 'count', descending: false });
  });
  it('selects ranges in drawn order', () => {
    const items = flattenRows(rows, { idOf, columns, groupOf: (row) => row.stack });
    expect(idsBetween(items, 'db', 'web')).toEqual(['web', 'api', 'db']);
    expect(idsBetween(items, 'gone', 'web')).toEqual(['web']);
  });
  it('fills its place: a growing column takes the rest, else all grow in proportion', () => {
    expect(gridColumns(columns, { lead: 38, actions: 90 })).toBe('38px 100px minmax(90px, 1fr) 90px');
    expect(gridColumns(columns.slice(0, 1), { lead: 0, actions: 0 })).toBe('minmax(100px, 100fr)');
  });
});

describe('DataTable', () => {
  let restore: () => void;
  beforeEach(() => (restore = giveSize()));
  afterEach(() => {
    restore();
    document.body.replaceChildren();
  });
  async function table(props: Record<string, unknown> = {}) {
    const { wrapper } = await mountWith(DataTable as unknown as Component, {
      props: { rows, columns, idOf, label: 'Services', selectable: true, ...props },
    });
    // The virtual list measures its place before it draws
    await new Promise((done) => setTimeout(done, 20));
    const names = (): string[] => wrapper.findAll('.line.row').map((line) => line.findAll('.cell')[1]?.text() ?? '');
    const press = (key: string, more: Record<string, unknown> = {}): Promise<void> =>
      wrapper.get('.table').trigger('keydown', { key, ...more });
    return { wrapper, names, press };
  }

  it('draws rows and sorts by a click on a head, with the sort said aloud', async () => {
    const { wrapper, names } = await table();
    expect(names()).toEqual(['web', 'api', 'db']);
    await wrapper.get('.sorter').trigger('click');
    expect(names()).toEqual(['api', 'db', 'web']);
    expect(wrapper.get('[aria-sort="ascending"]').text()).toContain('Name');
  });
  it('draws only what is seen of many rows', async () => {
    const many = Array.from({ length: 20_000 }, (_, index) => ({ name: `n${index}`, stack: 's', count: index }));
    const { names } = await table({ rows: many });
    expect(names().length).toBeGreaterThan(10);
    expect(names().length).toBeLessThan(60);
  });
  it('is used by keyboard: move, select, extend, open, clear', async () => {
    const { wrapper, press } = await table();
    await press('ArrowDown');
    await press(' ');
    await press('ArrowDown', { shiftKey: true });
    expect(wrapper.emitted('update:selected')?.at(-1)).toEqual([['web', 'api']]);
    await press('Enter');
    expect(wrapper.emitted('open')).toEqual([[rows[1]]]);
    expect(wrapper.get('[role="grid"]').attributes('aria-activedescendant')).toMatch(/row:api$/);
    await press('Escape');
    expect(wrapper.emitted('update:selected')?.at(-1)).toEqual([[]]);
    await press('a', { ctrlKey: true });
    expect(wrapper.emitted('update:selected')?.at(-1)).toEqual([['web', 'api', 'db']]);
  });
  it('folds a group by keyboard', async () => {
    const { names, press } = await table({ groupOf: (row: Row) => row.stack });
    await press('ArrowDown');
    await press('ArrowLeft');
    expect(names()).toEqual(['db']);
    await press('ArrowRight');
    expect(names()).toEqual(['web', 'api', 'db']);
  });
  it('drops rows from the selection when they are gone', async () => {
    const { wrapper } = await table({ selected: ['web', 'db'] });
    await wrapper.setProps({ rows: rows.slice(1) });
    expect(wrapper.emitted('update:selected')?.at(-1)).toEqual([['db']]);
  });
  it('marks severity on the row and leaves keys inside cells alone', async () => {
    const { wrapper } = await table({ severityOf: (row: Row) => (row.name === 'api' ? 'critical' : 'ok') });
    expect(wrapper.findAll('.line.critical')).toHaveLength(1);
    await wrapper.get('.line .box').trigger('keydown', { key: 'Enter' });
    expect(wrapper.emitted('open')).toBeUndefined();
  });
});
