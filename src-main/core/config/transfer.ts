/** The config center as one text, and back. What comes in is foreign until it was parsed here. */
import { z } from 'zod';
import { configFormat, configItemId, longestConfig, type ConfigItemId } from '../../contract/api/config';
import type { Problem } from '../../contract/errors';
import type { ConfigItemRow, ConfigNamespaceRow } from '../store';
import { parseJson } from './formats/json';
import { limits } from './limits';

const body = z.string().max(longestConfig);
const transferred = z.strictObject({
  kind: z.literal('pilothouse-config'),
  version: z.literal(1),
  namespaces: z
    .array(z.strictObject({ name: z.string().max(100), description: z.string().max(500).default('') }))
    .max(limits.namespaces)
    .default([]),
  items: z
    .array(
      configItemId.extend({
        format: configFormat,
        description: z.string().max(500).default(''),
        schema: body.default(''),
        /** What is edited. */
        text: body,
        /** What was active, when it differs; for reading, not imported. */
        released: body.optional(),
      }),
    )
    .max(limits.items),
});
export type TransferredItem = z.output<typeof transferred>['items'][number];

/** The rows as a text that people can read and keep in a repository: sorted, indented, without times. */
export function exportText(
  namespaces: readonly ConfigNamespaceRow[],
  items: readonly ConfigItemRow[],
  released: (item: ConfigItemRow) => string | undefined,
): string {
  const order = (one: string, two: string): number => (one < two ? -1 : one > two ? 1 : 0);
  const content = {
    kind: 'pilothouse-config',
    version: 1,
    namespaces: [...namespaces]
      .sort((one, two) => order(one.name, two.name))
      .map(({ name, description }) => ({ name, description })),
    items: [...items]
      .sort((one, two) => order(one.key, two.key))
      .map((item) => {
        const active = released(item);
        const text = item.draft ?? active ?? '';
        const { namespace, group, name, format, description, schema } = item;
        return {
          namespace,
          group,
          name,
          format,
          description,
          schema,
          text,
          ...(active === undefined || active === text ? {} : { released: active }),
        };
      }),
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

export interface Transferred {
  namespaces: { name: string; description: string }[];
  items: TransferredItem[];
  problems: Problem[];
}

/** Reads what `exportText` wrote. */
export function importText(text: string): Transferred {
  const nothing = { namespaces: [], items: [] };
  const parsed = parseJson(text);
  if ('problem' in parsed) return { ...nothing, problems: [parsed.problem] };
  const result = transferred.safeParse(parsed.value);
  if (!result.success) {
    const problems = result.error.issues.slice(0, limits.problems).map((issue): Problem => {
      const path = issue.path.map(String).join('.');
      return { code: 'bad-input', message: `${path || 'The whole'}: ${issue.message}`, where: { path } };
    });
    return { ...nothing, problems };
  }
  const seen = new Set<string>();
  const problems: Problem[] = [];
  for (const item of result.data.items) {
    const key = nameOf(item);
    if (seen.has(key)) problems.push({ code: 'bad-input', message: `${key} is there twice.` });
    seen.add(key);
  }
  return { namespaces: result.data.namespaces, items: problems.length > 0 ? [] : result.data.items, problems };
}

/** `<namespace>/<group>/<item>`. */
export function nameOf(item: ConfigItemId): string {
  return `${item.namespace}/${item.group}/${item.name}`;
}
