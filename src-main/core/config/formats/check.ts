/** Is a text what its format says, and does it follow its schema? */
import { parse as parseToml, TomlError } from 'smol-toml';
import { parseAllDocuments } from 'yaml';
import type { ConfigFormat } from '../../../contract/api/config';
import type { Problem } from '../../../contract/errors';
import { limits } from '../limits';
import { parseJson } from './json';
import { parseEnv, parseProperties, type Pairs } from './properties';
import { checkSchema } from './schema';
import { faultIn } from './spot';
import { checkXml } from './xml';

/** What is wrong with the text, in order; bounded. An empty text is right in formats that have an empty document. */
export function checkText(text: string, format: ConfigFormat, schema = ''): Problem[] {
  const { value, problems } = read(text, format);
  const found = problems.length > 0 || schema.trim() === '' ? problems : checkSchema(schema, value, format);
  return found.slice(0, limits.problems);
}

/** The keys of a text whose format has keys. */
export function pairsOf(text: string, format: ConfigFormat): Pairs | undefined {
  if (format === 'properties') return parseProperties(text);
  if (format === 'env') return parseEnv(text);
  return undefined;
}

/** The text as data for a schema: documents as they are, keys as an object of texts, everything else as one text. */
function read(text: string, format: ConfigFormat): { value?: unknown; problems: Problem[] } {
  switch (format) {
    case 'text':
      return { value: text, problems: [] };
    case 'json': {
      const parsed = parseJson(text);
      return 'problem' in parsed ? { problems: [parsed.problem] } : { value: parsed.value, problems: [] };
    }
    case 'yaml':
      return readYaml(text);
    case 'toml':
      return readToml(text);
    case 'xml': {
      const problem = checkXml(text);
      return { value: text, problems: problem ? [problem] : [] };
    }
    case 'properties':
    case 'env': {
      const { pairs, problems } = format === 'env' ? parseEnv(text) : parseProperties(text);
      return { value: Object.fromEntries(pairs), problems };
    }
  }
}

function readYaml(text: string): { value?: unknown; problems: Problem[] } {
  const documents = parseAllDocuments(text, { prettyErrors: true, stringKeys: true });
  if (!Array.isArray(documents)) return { value: null, problems: [] };
  const problems = documents.flatMap((document) =>
    document.errors.map((error) => {
      const place = error.linePos?.[0];
      return faultIn(
        place?.line ?? 1,
        place?.col ?? 1,
        error.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? '',
      );
    }),
  );
  if (problems.length > 0) return { problems };
  try {
    // Aliases may not make more of the text than it is: a hundred is what Compose files of this world need at most.
    const values = documents.map((document) => document.toJS({ maxAliasCount: 100 }) as unknown);
    return { value: values.length === 1 ? values[0] : values, problems: [] };
  } catch (thrown) {
    return { problems: [faultIn(1, 1, thrown instanceof Error ? thrown.message : String(thrown))] };
  }
}

function readToml(text: string): { value?: unknown; problems: Problem[] } {
  try {
    return { value: parseToml(text), problems: [] };
  } catch (thrown) {
    if (thrown instanceof TomlError) {
      const message = thrown.message.split('\n')[0]?.replace(/^Invalid TOML document: /, '') ?? '';
      return { problems: [faultIn(thrown.line, thrown.column, message)] };
    }
    return { problems: [faultIn(1, 1, thrown instanceof Error ? thrown.message : String(thrown))] };
  }
}
