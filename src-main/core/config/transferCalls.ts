/** The calls that take the config center out of an installation and into another: as one text, or as a zip of files. */
import { z } from 'zod';
import type { CallHandlers } from '../../contract/api';
import type { ConfigItemId, configCalls } from '../../contract/api/config';
import { fail } from '../../contract/errors';
import type { ConfigItemRow, Store, Transaction } from '../store';
import { answer } from './answers';
import { itemKey } from './keys';
import { limits } from './limits';
import { exportText, importText, type Transferred } from './transfer';
import { importZip, zipOf } from './zip';

type Handlers = CallHandlers<typeof configCalls>;
/** The calls of this file. */
export type TransferCalls = Pick<Handlers, 'config.export' | 'config.import' | 'config.exportZip' | 'config.importZip'>;

/** What the room lends. */
export interface TransferWorld {
  store: Store;
  now: () => number;
  /** Items of a namespace, or all, by key. */
  sorted: (namespace: string | undefined) => ConfigItemRow[];
  /** The active text. */
  active: (row: ConfigItemRow) => string | undefined;
  find: (item: ConfigItemId) => ConfigItemRow | undefined;
  putNamespace: (transaction: Transaction, name: string, description: string) => void;
  /** A row for an item that is not there yet. */
  fresh: (transaction: Transaction, item: ConfigItemId, format: ConfigItemRow['format']) => ConfigItemRow;
}

/** Makes the handlers. */
export function transferCalls(world: TransferWorld): TransferCalls {
  const text = (namespace: string | undefined): string => {
    const namespaces = world.store.all('configNamespaces').filter(({ name }) => name === (namespace ?? name));
    return exportText(namespaces, world.sorted(namespace), world.active);
  };
  const nameOf = (namespace: string | undefined, ending: string): string =>
    `${namespace ?? 'config'}.pilothouse.${ending}`;
  return {
    'config.export': ({ namespace }) => answer(() => ({ name: nameOf(namespace, 'json'), text: text(namespace) })),
    'config.import': (input) => answer(() => take(world, importText(input.text), input.apply)),
    'config.exportZip': ({ namespace }) =>
      answer(() => {
        const content = z.core.util.uint8ArrayToBase64(zipOf(text(namespace)));
        return { name: nameOf(namespace, 'zip'), content };
      }),
    'config.importZip': ({ content, namespace, apply }) =>
      answer(() => take(world, importZip(z.core.util.base64ToUint8Array(content), namespace), apply)),
  };
}

/** What would become drafts, and with `apply` does, all or none. */
function take(
  world: TransferWorld,
  { namespaces, items, problems }: Transferred,
  apply: boolean,
): Awaited<ReturnType<Handlers['config.import']>> {
  const { store } = world;
  const steps = items.map((item) => {
    const { namespace, group, name } = item;
    const row = world.find(item);
    const same =
      row !== undefined &&
      (row.draft ?? world.active(row) ?? '') === item.text &&
      row.format === item.format &&
      row.schema === item.schema;
    const act = row === undefined ? ('create' as const) : same ? ('same' as const) : ('change' as const);
    return { key: itemKey(item), namespace, group, name, act };
  });
  if (!apply || problems.length > 0) return { steps, problems, applied: false };
  if (store.keys('configItems').length + steps.filter((step) => step.act === 'create').length > limits.items)
    throw fail('too-many', `There may be at most ${limits.items} items.`);
  store.transact((transaction) => {
    for (const { name, description } of namespaces) world.putNamespace(transaction, name, description);
    for (const [index, item] of items.entries()) {
      if (steps[index]?.act === 'same') continue;
      const { namespace, group, name, format, schema, description } = item;
      const row = world.find(item) ?? world.fresh(transaction, { namespace, group, name }, format);
      const draftVersion = row.draftVersion + 1;
      const next = { ...row, format, schema, description, draft: item.text, draftVersion, updatedAt: world.now() };
      transaction.put('configItems', row.key, next);
    }
  });
  return { steps, problems, applied: true };
}
