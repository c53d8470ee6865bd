/** Lists of what lies on several nodes: a column and a filter that appear once there is more than one node. */
import { computed, ref, type ComputedRef, type Ref } from 'vue';
import { useI18n } from 'vue-i18n';
import type { NodeRef } from '../../src-main/contract/nouns';
import { call } from '../bridge';
import type { Column } from '../parts/tableRows';
import { useListing } from '../streams/useListing';

export interface Places<Row> {
  /** Every node; empty while there is only one. */
  nodes: ComputedRef<NodeRef[]>;
  /** The node that is filtered by; undefined for all. */
  chosen: Ref<string | undefined>;
  /** The node to act on where nothing else says one: the chosen one, else the engine that is worked on. */
  target: ComputedRef<{ node?: string }>;
  shown: ComputedRef<Row[]>;
  column: ComputedRef<Column<Row>[]>;
  /** Names of nodes that do not answer: what lies there is not in the list. */
  away: ComputedRef<string>;
}

export function usePlaces<Row extends { node?: NodeRef }>(rows: Ref<Row[]>): Places<Row> {
  const { t } = useI18n();
  const { rows: views } = useListing(() => call('nodes.list', {}));
  const chosen = ref<string>();
  const nodes = computed(() => (views.value.length > 1 ? views.value.map(({ id, name }) => ({ id, name })) : []));
  const valid = computed(() => nodes.value.find(({ id }) => id === chosen.value)?.id);
  return {
    nodes,
    chosen,
    target: computed(() => (valid.value === undefined ? {} : { node: valid.value })),
    shown: computed(() =>
      valid.value === undefined ? rows.value : rows.value.filter((row) => row.node?.id === valid.value),
    ),
    column: computed(() =>
      nodes.value.length === 0
        ? []
        : [
            {
              key: 'node',
              title: t('resources.column.node'),
              width: 120,
              quiet: true,
              value: (row) => row.node?.name ?? '',
              compare: (left, right) => (left.node?.name ?? '').localeCompare(right.node?.name ?? ''),
            },
          ],
    ),
    away: computed(() =>
      nodes.value.length === 0
        ? ''
        : views.value
            .filter(({ state }) => state === 'away')
            .map(({ name }) => name)
            .join(', '),
    ),
  };
}

/** Names of one thing on several nodes are told apart by the node. */
export function placedId(id: string, { node }: { node?: NodeRef }): string {
  return node ? `${node.id}/${id}` : id;
}

/** The query of a route that leads to something on a node. */
export function placedQuery({ node }: { node?: NodeRef }): Record<string, string> {
  return node ? { node: node.id } : {};
}
