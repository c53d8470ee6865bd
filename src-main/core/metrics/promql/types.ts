/** Which kind of value each part of a query gives and takes, checked before anything is read. */
import type { Expression } from './ast';
import { functions, type ArgumentKind } from './functions';
import { queryProblem } from './problem';
import { windowFunctions } from './windows';

type Kind = 'scalar' | 'vector' | 'matrix' | 'string';

const names: Record<Kind, string> = {
  scalar: 'a number',
  vector: 'an instant vector',
  matrix: 'a range vector',
  string: 'a text',
};

/** The kind of the whole query. Throws `bad-input` where parts do not fit. */
export function checkTypes(text: string, expression: Expression): Kind {
  const check = (inner: Expression): Kind => checkTypes(text, inner);
  const expect = (inner: Expression, kinds: readonly Kind[], who: string): Kind => {
    const kind = check(inner);
    if (!kinds.includes(kind)) {
      const wanted = kinds.map((one) => names[one]).join(' or ');
      throw queryProblem(text, inner.at, `${who} takes ${wanted}, not ${names[kind]}.`);
    }
    return kind;
  };
  switch (expression.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'selector':
      return 'vector';
    case 'matrix':
      return 'matrix';
    case 'negative':
      return expect(expression.inner, ['scalar', 'vector'], 'The sign');
    case 'subquery':
      expect(expression.inner, ['scalar', 'vector'], 'A subquery');
      return 'matrix';
    case 'aggregate':
      if (expression.parameter) {
        const kinds: Kind[] = expression.operator === 'count_values' ? ['string'] : ['scalar'];
        expect(expression.parameter, kinds, expression.operator);
      }
      expect(expression.inner, ['vector'], expression.operator);
      return 'vector';
    case 'binary': {
      const sides = [expression.left, expression.right].map((side) =>
        expect(side, ['scalar', 'vector'], expression.operator),
      );
      const scalars = sides.every((kind) => kind === 'scalar');
      const { operator } = expression;
      if (['and', 'or', 'unless'].includes(operator) && sides.includes('scalar'))
        throw queryProblem(text, expression.at, `${operator} takes two instant vectors.`);
      if (scalars && isComparison(operator) && !expression.bool)
        throw queryProblem(text, expression.at, 'Comparing two numbers needs bool.');
      return scalars ? 'scalar' : 'vector';
    }
    case 'call': {
      const { name } = expression;
      const known = windowFunctions[name];
      const takes: readonly ArgumentKind[] = known ? known.takes : (functions[name]?.takes ?? []);
      const least = takes.filter((kind) => !kind.endsWith('?')).length;
      if (
        expression.arguments.length < least ||
        (expression.arguments.length > takes.length && !functions[name]?.repeats)
      )
        throw queryProblem(text, expression.at, `${name} takes ${countText(least, takes.length)}.`);
      expression.arguments.forEach((argument, index) => {
        expect(argument, [(takes[Math.min(index, takes.length - 1)] as string).replace('?', '') as Kind], name);
      });
      return known ? 'vector' : (functions[name]?.gives ?? 'vector');
    }
  }
}

export function isComparison(operator: string): boolean {
  return ['==', '!=', '<', '>', '<=', '>='].includes(operator);
}

function countText(least: number, most: number): string {
  if (least === most) return most === 1 ? 'one argument' : `${most} arguments`;
  return `${least} to ${most} arguments`;
}
