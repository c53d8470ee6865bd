import { describe, expect, it } from 'vitest';
import type { ForeignContainer } from '../../../src-main/contract/nouns';
import { groupForeign, stackNameOf } from '../../../src-renderer/views/stacks/adoptGroups';

function container(name: string, given: Partial<ForeignContainer> = {}): ForeignContainer {
  return { id: `id-${name}`, name, image: 'busybox', state: 'running', createdAt: 0, ...given };
}

describe('containers offered for adoption', () => {
  const rows = [
    container('single'),
    container('b-web-1', { composeProject: 'b' }),
    container('a-db-1', { composeProject: 'a', state: 'exited' }),
    container('a-web-1', { composeProject: 'a', state: 'paused' }),
  ];

  it('are grouped by project, single ones last; only those that run can be chosen', () => {
    const groups = groupForeign(rows);
    expect(groups.map((group) => group.project)).toEqual(['a', 'b', undefined]);
    expect(groups[0]?.rows).toHaveLength(2);
    expect(groups[0]?.able.map((row) => row.name)).toEqual(['a-web-1']);
  });

  it('give the stack its name: the project, else the first container, as Compose allows it', () => {
    const groups = groupForeign([...rows, container('_My App!')]);
    expect(stackNameOf(groups, new Set(['id-b-web-1']))).toBe('b');
    expect(stackNameOf(groups, new Set(['id-b-web-1', 'id-single']))).toBe('b-web-1');
    expect(stackNameOf(groups, new Set(['id-_My App!']))).toBe('my-app-');
    expect(stackNameOf(groups, new Set())).toBe('');
  });
});
