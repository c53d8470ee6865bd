/** One column of a DataTable. Cells are drawn by the slot `cell-<key>`, or as text from `value`. */
export interface Column<Row> {
  key: string;
  title: string;
  /** Pixels; a column without a width shares what is left. */
  width?: number;
  /** Least pixels of a growing column. */
  min?: number;
  align?: 'start' | 'end';
  mono?: boolean;
  quiet?: boolean;
  /** Hidden when the window is narrower than 1100 px. */
  hideNarrow?: boolean;
  value?: (row: Row) => string | number;
  /** Makes the column sortable; ascending. */
  compare?: (a: Row, b: Row) => number;
}

export interface Sort {
  key: string;
  descending: boolean;
}

export type TableItem<Row> =
  { kind: 'group'; id: string; rows: readonly Row[]; collapsed: boolean } | { kind: 'row'; id: string; row: Row };

export interface TableShape<Row> {
  idOf: (row: Row) => string;
  columns: readonly Column<Row>[];
  sort?: Sort;
  groupOf?: (row: Row) => string;
  compareGroups?: (a: { id: string; rows: readonly Row[] }, b: { id: string; rows: readonly Row[] }) => number;
  collapsed?: readonly string[];
}

/** Sorts, groups and flattens rows to what the table draws from top to bottom. Sorting is stable. */
export function flattenRows<Row>(rows: readonly Row[], shape: TableShape<Row>): TableItem<Row>[] {
  const { idOf, sort, groupOf } = shape;
  const compare = sort && shape.columns.find((column) => column.key === sort.key)?.compare;
  const sorted = compare ? [...rows].sort((a, b) => (sort.descending ? compare(b, a) : compare(a, b))) : rows;
  if (!groupOf) return sorted.map((row) => ({ kind: 'row', id: idOf(row), row }));
  const groups = new Map<string, Row[]>();
  for (const row of sorted) {
    const id = groupOf(row);
    const group = groups.get(id);
    if (group) group.push(row);
    else groups.set(id, [row]);
  }
  const ordered = [...groups].map(([id, members]) => ({ id, rows: members }));
  if (shape.compareGroups) ordered.sort(shape.compareGroups);
  const closed = new Set(shape.collapsed);
  return ordered.flatMap((group): TableItem<Row>[] => {
    const collapsed = closed.has(group.id);
    const head: TableItem<Row> = { kind: 'group', id: group.id, rows: group.rows, collapsed };
    return collapsed
      ? [head]
      : [head, ...group.rows.map((row): TableItem<Row> => ({ kind: 'row', id: idOf(row), row }))];
  });
}

/** The next sort when a head is clicked: ascending, descending, then none again. */
export function nextSort(sort: Sort | undefined, key: string): Sort | undefined {
  if (sort?.key !== key) return { key, descending: false };
  return sort.descending ? undefined : { key, descending: true };
}

/** The ids of the rows between two of them, both included, in drawn order. */
export function idsBetween<Row>(items: readonly TableItem<Row>[], from: string, to: string): string[] {
  const ids = items.filter((item) => item.kind === 'row').map((item) => item.id);
  const start = ids.indexOf(from);
  const end = ids.indexOf(to);
  if (end < 0) return [];
  if (start < 0) return [to];
  return ids.slice(Math.min(start, end), Math.max(start, end) + 1);
}

/**
 * The CSS grid columns for the table's rows. Columns without a width share what is left; when there is none, all of them grow in
 * proportion, so that a table always fills its place.
 */
export function gridColumns<Row>(columns: readonly Column<Row>[], sides: { lead: number; actions: number }): string {
  const allFixed = columns.every((column) => column.width !== undefined);
  const tracks = columns.map((column) => {
    if (column.width === undefined) return `minmax(${column.min ?? 90}px, 1fr)`;
    return allFixed ? `minmax(${column.width}px, ${column.width}fr)` : `${column.width}px`;
  });
  if (sides.lead > 0) tracks.unshift(`${sides.lead}px`);
  if (sides.actions > 0) tracks.push(`${sides.actions}px`);
  return tracks.join(' ');
}
