/** JSON Schema (drafts 7 and 2019-09/2020-12 in what they share) over the data of a text. */
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020';
import { RE2JS } from 're2js';
import type { ConfigFormat } from '../../../contract/api/config';
import type { Problem } from '../../../contract/errors';
import { limits } from '../limits';
import { parseJson } from './json';

/** Patterns run in linear time: a schema comes from outside as much as a text does. Ajv tells them apart by their `toString`. */
const linear = Object.assign(
  (pattern: string): { test: (text: string) => boolean; toString: () => string } => {
    const compiled = RE2JS.compile(pattern);
    return { test: (text) => compiled.test(text), toString: () => pattern };
  },
  { code: 'pilothouseLinear' },
);

/** What the schema says against the value. A schema that is wrong itself is a problem, too. */
export function checkSchema(schema: string, value: unknown, format: ConfigFormat): Problem[] {
  const parsed = parseJson(schema);
  if ('problem' in parsed) return [{ ...parsed.problem, message: `The schema is no JSON: ${parsed.problem.message}` }];
  const given = parsed.value;
  if (typeof given !== 'boolean' && (typeof given !== 'object' || given === null || Array.isArray(given)))
    return [{ code: 'bad-input', message: 'The schema must be an object.' }];
  try {
    const ajv = new Ajv2020({
      strict: false,
      allErrors: true,
      // Values of keys are texts; a schema that wants a number means a text that is one.
      coerceTypes: format === 'properties' || format === 'env',
      validateFormats: false,
      logger: false,
      code: { regExp: linear },
    });
    // The draft is not what is checked here; a schema's own identity would only lead to remote references.
    const plain =
      typeof given === 'boolean'
        ? given
        : Object.fromEntries(Object.entries(given).filter(([key]) => key !== '$schema' && key !== '$id'));
    const validate = ajv.compile(plain as object);
    if (validate(value)) return [];
    return (validate.errors ?? []).slice(0, limits.problems).map(problemOf);
  } catch (thrown) {
    return [
      { code: 'bad-input', message: `The schema cannot be used: ${thrown instanceof Error ? thrown.message : ''}` },
    ];
  }
}

function problemOf(error: ErrorObject): Problem {
  const path = error.instancePath.replace(/^\//, '').replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~');
  const extra = error.keyword === 'additionalProperties' ? ` (${String(error.params['additionalProperty'])})` : '';
  const allowed = error.keyword === 'enum' ? `: ${JSON.stringify(error.params['allowedValues'])}` : '';
  return {
    code: 'bad-input',
    message: `${path === '' ? 'The whole' : path} ${error.message ?? 'is wrong'}${extra}${allowed}`,
    where: { path },
  };
}
