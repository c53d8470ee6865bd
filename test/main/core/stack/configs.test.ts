/** Items of the config center as a Compose file names them. */
import { describe, expect, it } from 'vitest';
import { boundFiles, environmentOf, itemNamed } from '../../../../src-main/contract/configFiles';
import type { ServiceSpec, StackSpec } from '../../../../src-main/contract/spec';
import { hashContainer, parseProject, renderStack } from '../../../../src-main/core/stack';

const parse = (text: string): ReturnType<typeof parseProject> =>
  parseProject({ files: [{ name: 'compose.yaml', text }], environment: { LATER: '${config:a}' } });
function service(section: string): { spec: StackSpec; web: ServiceSpec } {
  const text = `name: shop\nservices:\n  web:\n    image: nginx\n${section.replaceAll(/^/gm, '    ')}\nconfigs:\n  app: { external: true, name: team/app }`;
  const { spec, problems } = parse(text);
  expect(problems).toEqual([]);
  const web = spec?.services['web'];
  if (!spec || !web) throw new Error('no spec');
  return { spec, web };
}
const problemsOf = (section: string): string[] =>
  parse(`name: shop\nservices:\n  web:\n    image: nginx\n${section.replaceAll(/^/gm, '    ')}`).problems.map(
    ({ message }) => message,
  );

describe('names of items', () => {
  it('are whole, in the default group, or in the namespace of the stack', () => {
    expect(itemNamed('a/b/c', 'shop')).toBe('a/b/c');
    expect(itemNamed('a/c', 'shop')).toBe('a/default/c');
    expect(itemNamed('c', 'shop')).toBe('shop/default/c');
    for (const wrong of ['', '/', 'a//c', 'a/b/c/d', '../x', 'a b', '.hidden', `${'x'.repeat(101)}/c`])
      expect(itemNamed(wrong, 'shop')).toBeUndefined();
  });
});

describe('files', () => {
  const section = `configs: [app, { source: app, target: conf/app, mode: 0400, uid: '5' }]
x-pilothouse:
  config:
    - { source: app, signal: HUP }
    - { item: flags, target: /etc/flags, gid: 7, mode: '0440', exec: [nginx, -s, reload] }`;

  it('are external configs and bindings, each with what announces it', () => {
    const { spec, web } = service(section);
    expect(boundFiles(web, spec)).toEqual([
      { item: 'team/default/app', target: '/app', signal: 'SIGHUP' },
      { item: 'team/default/app', target: '/conf/app', mode: 0o400, uid: '5', signal: 'SIGHUP' },
      { item: 'shop/default/flags', target: '/etc/flags', gid: '7', mode: 0o440, exec: ['nginx', '-s', 'reload'] },
    ]);
    expect(parse(renderStack(spec)).spec).toEqual(spec);
  });

  it('do not make another container when their binding changes', () => {
    const { spec, web } = service(section);
    const other = service(section.replace('HUP', 'USR1'));
    expect(hashContainer(other.web, other.spec)).toBe(hashContainer(web, spec));
  });

  it('are refused when they say too little or too much', () => {
    const binding = (text: string): string[] => problemsOf(`x-pilothouse: { config: [${text}] }`);
    expect(binding('{ item: a }')).toEqual([expect.stringMatching(/either a source, or an item and a target/)]);
    expect(binding('{ source: a, target: /b }')).toHaveLength(2);
    expect(binding('{ item: a, target: /b, signal: HUP, exec: [x] }')).toEqual([expect.stringMatching(/not by both/)]);
    expect(binding('{ source: a, signal: HUP }')).toEqual(['The service web has no config a to announce']);
    expect(binding('{ item: a, target: b }')).toHaveLength(1);
    expect(binding('{ item: a, target: /b, signal: "HUP; rm" }')).toHaveLength(1);
    expect(binding('{ item: a, target: /b }, { item: c, target: /b }')).toEqual(['Two things are mounted at /b']);
  });
});

describe('values', () => {
  it('are references in the environment only, and a doubled dollar sign is none', () => {
    const { spec, web } = service(
      "environment:\n  PLAIN: '$${config:a}'\n  ONE: 'x ${config:t/g/a#k.v} y ${config:b}'\n  LATE: ${LATER}",
    );
    expect(web.environment).toEqual({ PLAIN: '${config:a}', LATE: '${config:a}' });
    expect(web.configEnvironment).toEqual({ ONE: ['x ', { item: 't/g/a', key: 'k.v' }, ' y ', { item: 'b' }] });
    expect(renderStack(spec)).toContain('x ${config:t/g/a#k.v} y ${config:b}');
    expect(parse(renderStack(spec)).spec).toEqual(spec);
    expect(problemsOf("labels: { a: '${config:b}' }")).toEqual([
      'web uses a value of the config center outside its environment',
    ]);
    for (const wrong of ['${config:}', '${config:a b}', '${config:-}x${config:a#}'])
      expect(problemsOf(`environment: { A: '${wrong}' }`), wrong).toHaveLength(1);
  });

  it('are filled with what was pinned, which makes another container', () => {
    const { spec, web } = service("environment: { ONE: 'is ${config:b}', TWO: '2' }");
    const pinned = (content: string): StackSpec => ({
      ...spec,
      configs: { 'config:b': { name: 'shop/default/b', external: true, content, version: 1, labels: {} } },
    });
    expect(environmentOf(web, pinned('$x').configs)).toEqual({ ONE: 'is $x', TWO: '2' });
    expect(hashContainer(web, pinned('one'))).not.toBe(hashContainer(web, pinned('two')));
    const again = pinned('one');
    const later = { ...again, configs: { 'config:b': { ...again.configs['config:b']!, version: 9 } } };
    expect(hashContainer(web, later)).toBe(hashContainer(web, again));
  });
});
