/** PromQL's text to an expression, on Prometheus' own grammar. What we do not evaluate is refused by name and place. */
import { parser } from '@prometheus-io/lezer-promql';
import type { Aggregate, Binary, Expression, Matcher, Selector } from './ast';
import { functions } from './functions';
import { parseDuration, parseNumber, parseText } from './literals';
import { queryProblem } from './problem';
import { checkTypes } from './types';
import { windowFunctions } from './windows';

type Node = ReturnType<typeof parser.parse>['topNode'];

const longestQuery = 10_000;
const deepest = 100;

/** Parses and checks a query. Throws `bad-input` with line and column. */
export function parsePromql(text: string): Expression {
  if (text.length > longestQuery) throw queryProblem(text, 0, `A query may have at most ${longestQuery} characters.`);
  if (text.trim() === '') throw queryProblem(text, 0, 'The query is empty.');
  const tree = parser.parse(text);
  const cursor = tree.cursor();
  do {
    if (cursor.type.isError) {
      const found = text.slice(cursor.from, cursor.to === cursor.from ? cursor.from + 1 : cursor.to).trim();
      const message = found === '' ? 'The query ends too early.' : `Unexpected ${JSON.stringify(found)}.`;
      throw queryProblem(text, Math.min(cursor.from, text.trimEnd().length), message);
    }
  } while (cursor.next());
  const root = children(tree.topNode)[0];
  if (!root) throw queryProblem(text, 0, 'The query is empty.');
  const expression = new Reader(text).expression(root, 0);
  const kind = checkTypes(text, expression);
  if (kind === 'matrix')
    throw queryProblem(text, 0, 'This gives a range vector, which is no result: apply a function to it.');
  if (kind === 'string') throw queryProblem(text, 0, 'A text has no value over time.');
  return expression;
}

class Reader {
  constructor(private readonly text: string) {}

  expression(node: Node, depth: number): Expression {
    if (depth > deepest) throw this.wrong(node, 'The query is nested too deeply.');
    const next = depth + 1;
    switch (node.name) {
      case 'ParenExpr':
        return this.expression(this.only(node), next);
      case 'NumberDurationLiteral':
        return { kind: 'number', value: parseNumber(this.of(node)), at: node.from };
      case 'StringLiteral':
        return { kind: 'string', value: this.quoted(node), at: node.from };
      case 'VectorSelector':
        return this.selector(node);
      case 'MatrixSelector':
        return this.matrix(node);
      case 'SubqueryExpr':
        return this.subquery(node, next);
      case 'OffsetExpr':
        return this.offset(node, next);
      case 'UnaryExpr': {
        const inner = this.expression(this.only(node), next);
        return this.of(node).startsWith('-') ? { kind: 'negative', inner, at: node.from } : inner;
      }
      case 'FunctionCall':
        return this.call(node, next);
      case 'AggregateExpr':
        return this.aggregate(node, next);
      case 'BinaryExpr':
        return this.binary(node, next);
      default:
        throw this.wrong(node, `${node.name.replace(/Expr$/, '')} is not supported here.`);
    }
  }

  private selector(node: Node): Selector {
    const name = node.getChild('Identifier');
    const matchers: Matcher[] = [];
    let metric = name ? this.of(name) : undefined;
    for (const child of children(node.getChild('LabelMatchers'))) {
      if (child.name === 'QuotedLabelName') {
        metric = this.quoted(this.only(child));
        continue;
      }
      if (child.name !== 'UnquotedLabelMatcher' && child.name !== 'QuotedLabelMatcher') continue;
      const [label, operator, value] = children(child);
      if (!label || !operator || !value) throw this.wrong(child, 'This is not a label matcher.');
      const matcher: Matcher = {
        label: label.name === 'QuotedLabelName' ? this.quoted(this.only(label)) : this.of(label),
        operator: this.of(operator) as Matcher['operator'],
        value: this.quoted(value),
      };
      if (matcher.label === '__name__' && matcher.operator === '=') metric = matcher.value;
      else matchers.push(matcher);
    }
    if (metric === undefined && matchers.every(({ operator, value }) => operator.startsWith('!') || value === ''))
      throw this.wrong(node, 'Say at least which metric or label to select.');
    return { kind: 'selector', name: metric, matchers, offset: 0, at: node.from };
  }

  private matrix(node: Node): Expression {
    const [inner, range] = children(node);
    if (!inner || !range) throw this.wrong(node, 'The range is missing.');
    const selector = this.expression(inner, 0);
    if (selector.kind !== 'selector')
      throw this.wrong(node, 'Only a selector can have a range; write [5m:] for a subquery.');
    return { kind: 'matrix', selector, range: this.duration(range), at: node.from };
  }

  private subquery(node: Node, depth: number): Expression {
    const [inner, range, step] = children(node);
    if (!inner || !range) throw this.wrong(node, 'The range is missing.');
    const every = step ? this.duration(step) : 0;
    return {
      kind: 'subquery',
      inner: this.expression(inner, depth),
      range: this.duration(range),
      step: every,
      offset: 0,
      at: node.from,
    };
  }

  private offset(node: Node, depth: number): Expression {
    const [inner, , by] = children(node);
    if (!inner || !by) throw this.wrong(node, 'The offset is missing.');
    const expression = this.expression(inner, depth);
    const offset = this.duration(by);
    if (expression.kind === 'selector' || expression.kind === 'subquery') return { ...expression, offset };
    if (expression.kind === 'matrix') return { ...expression, selector: { ...expression.selector, offset } };
    throw this.wrong(node, 'Only a selector or a subquery can have an offset.');
  }

  private call(node: Node, depth: number): Expression {
    const name = this.of(node.firstChild ?? node);
    if (!Object.hasOwn(functions, name) && !Object.hasOwn(windowFunctions, name))
      throw this.wrong(node, `The function ${name} is not supported.`);
    return { kind: 'call', name, arguments: this.argumentsOf(node, depth), at: node.from };
  }

  private argumentsOf(node: Node, depth: number): Expression[] {
    return children(node.getChild('FunctionCallBody'))
      .filter(isExpression)
      .map((child) => this.expression(child, depth));
  }

  private aggregate(node: Node, depth: number): Aggregate {
    const operator = this.of(node.firstChild ?? node).toLowerCase();
    const modifier = node.getChild('AggregateModifier');
    const given = this.argumentsOf(node, depth);
    const takes = ['topk', 'bottomk', 'quantile', 'count_values'].includes(operator);
    if (operator.startsWith('limit')) throw this.wrong(node, `${operator} is not supported.`);
    if (given.length !== (takes ? 2 : 1))
      throw this.wrong(node, `${operator} takes ${takes ? 'two arguments' : 'one argument'}.`);
    return {
      kind: 'aggregate',
      operator,
      parameter: takes ? given[0] : undefined,
      inner: given.at(-1) as Expression,
      without: modifier?.firstChild?.name === 'Without',
      labels: this.labels(modifier?.getChild('GroupingLabels')),
      at: node.from,
    };
  }

  private binary(node: Node, depth: number): Binary {
    const parts = children(node);
    const [left, right] = parts.filter(isExpression);
    const operator = parts.find((part) => part !== left && part !== right);
    if (!left || !right || !operator) throw this.wrong(node, 'An operand is missing.');
    if (node.getChild('FillModifier')) throw this.wrong(node, 'fill is not supported.');
    const clause = node.getChild('MatchingModifierClause');
    const groupings = clause?.getChildren('GroupingLabels') ?? [];
    const many = clause?.getChild('GroupLeft') ? 'left' : clause?.getChild('GroupRight') ? 'right' : undefined;
    const symbol = this.of(operator).toLowerCase();
    if (symbol === '</' || symbol === '>/') throw this.wrong(operator, `${symbol} is not supported.`);
    return {
      kind: 'binary',
      operator: symbol,
      left: this.expression(left, depth),
      right: this.expression(right, depth),
      bool: node.getChild('BoolModifier') !== null,
      on: clause?.getChild('On') !== null && clause?.getChild('On') !== undefined,
      labels: this.labels(groupings[0]),
      many,
      include: this.labels(groupings[1]),
      at: operator.from,
    };
  }

  private labels(node: Node | null | undefined): string[] {
    return children(node).map((child) =>
      child.name === 'QuotedLabelName' ? this.quoted(this.only(child)) : this.of(child),
    );
  }

  /** A duration, or a number of seconds; arithmetic on durations is not ours. */
  private duration(node: Node): number {
    const text = this.of(node).replace(/\s/g, '');
    const negative = text.startsWith('-');
    const body = text.replace(/^[+-]/, '');
    const value = parseDuration(body) ?? (/^\d+(\.\d+)?$/.test(body) ? Number(body) * 1000 : undefined);
    if (value === undefined) throw this.wrong(node, `${JSON.stringify(this.of(node))} is not a duration, such as 5m.`);
    if (value > 10 * 365 * 86_400_000) throw this.wrong(node, 'A duration may be at most ten years.');
    return negative ? -value : value;
  }

  private quoted(node: Node): string {
    const text = this.of(node);
    if (text.length < 2 || text.at(0) !== text.at(-1)) throw this.wrong(node, 'A quote is missing.');
    return parseText(text);
  }

  private only(node: Node): Node {
    const child = node.lastChild;
    if (!child) throw this.wrong(node, 'Something is missing here.');
    return node.name === 'ParenExpr' ? (children(node).find(isExpression) ?? child) : child;
  }

  private of(node: Node): string {
    return this.text.slice(node.from, node.to);
  }

  private wrong(node: Node, message: string): Error {
    return queryProblem(this.text, node.from, message);
  }
}

function isExpression(node: Node): boolean {
  return node.type.is('Expr');
}

function children(node: Node | null | undefined): Node[] {
  const all: Node[] = [];
  for (let child = node?.firstChild ?? null; child; child = child.nextSibling)
    if (child.name !== 'LineComment') all.push(child);
  return all;
}
