/**
 * YAML text to nodes. The `yaml` library is used up to its syntax tree; anchors, aliases and merge keys are resolved here, because a
 * hostile file must not cost more than its size allows: alias bombs and merge floods are counted before anything is expanded, nesting
 * is measured while reading, and keys that name parts of Object.prototype are refused.
 */
import { Composer, Lexer, LineCounter, Parser } from 'yaml';
import type { CST, Document, Node as YamlNode } from 'yaml';
import type { Budget } from './limits';
import { limits } from './limits';
import type { Node, SourceFile } from './node';
import type { Report } from './report';
import type { Lookup } from './variables';
import { YamlReader } from './yamlReader';

/** Starts a source file. */
export function sourceFile(name: string, lookup: Lookup, directory?: string): SourceFile {
  return { name, lookup, lines: new LineCounter(), ...(directory === undefined ? {} : { directory }) };
}

/**
 * The documents of a YAML text, without empty ones. Everything wrong is reported; what could still be read is returned, so that more
 * problems are found in one go.
 */
export function readYaml(source: SourceFile, text: string, context: { report: Report; budget: Budget }): Node[] {
  const { report } = context;
  const place = { file: source.name };
  if (text.length > limits.textLength) {
    report.problem('compose.tooLarge', { file: source.name, limit: '1 MiB' }, { place }, 'too-large');
    return [];
  }
  const plain = text.startsWith('\uFEFF') ? text.slice(1) : text;
  source.lines.addNewLine(0);
  const zero = plain.indexOf('\0');
  if (zero >= 0) {
    for (let next = plain.indexOf('\n'); next >= 0 && next < zero; next = plain.indexOf('\n', next + 1)) {
      source.lines.addNewLine(next + 1);
    }
    report.problem('compose.zeroByte', {}, { at: { source, offset: zero } });
    return [];
  }
  const documents = compose(source, plain, report);
  const nodes: Node[] = [];
  for (const document of documents) {
    const errors = document.errors.slice(0, 3);
    for (const error of errors) {
      const reason = error.message.replace(/\s+at line \d+[\s\S]*$/, '');
      report.problem('compose.yamlSyntax', { reason }, { at: { source, offset: error.pos[0] } });
    }
    if (errors.length > 0 || document.contents === null) continue;
    const node = new YamlReader(source, context).read(document.contents as YamlNode);
    if (node !== undefined && !(node.kind === 'scalar' && node.value === null)) nodes.push(node);
  }
  return nodes;
}

function compose(source: SourceFile, text: string, report: Report): Document.Parsed[] {
  const lines = source.lines;
  const parser = new Parser((offset) => {
    if (offset > 0) lines.addNewLine(offset);
  });
  const tokens: CST.Token[] = [];
  let count = 0;
  let lexemes = 0;
  try {
    for (const lexeme of new Lexer().lex(text)) {
      lexemes += 1;
      for (const token of parser.next(lexeme)) {
        tokens.push(token);
        if (token.type === 'document') count += 1;
      }
      if (parser.stack.length > limits.depth) {
        report.problem(
          'compose.tooDeep',
          { limit: limits.depth },
          { at: { source, offset: parser.offset } },
          'too-large',
        );
        return [];
      }
      if (lexemes > limits.tokens) {
        report.problem(
          'compose.tooManyTokens',
          { limit: limits.tokens },
          { at: { source, offset: parser.offset } },
          'too-large',
        );
        return [];
      }
      if (count > limits.documents) {
        report.problem(
          'compose.tooManyDocuments',
          { limit: limits.documents },
          { at: { source, offset: parser.offset } },
          'too-large',
        );
        return [];
      }
    }
    tokens.push(...parser.end());
    // uniqueKeys is off because it compares every key with every other; the reader below does it in one pass.
    const composer = new Composer({
      version: '1.2',
      schema: 'failsafe',
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'silent',
      strict: true,
    });
    return [...composer.compose(tokens, true, text.length)] as Document.Parsed[];
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    report.problem('compose.tooDeep', { limit: limits.depth }, { place: { file: source.name } }, 'too-large');
    return [];
  }
}
