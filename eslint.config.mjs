/** What the compiler does not see: promises nobody waits for, clocks and chance in the core, ways around the sandbox, house style. */
import typescript from 'typescript-eslint';
import vue from 'eslint-plugin-vue';

/** The core is handed its world: a clock, a seeded random, a disk. In these rooms nothing may find it by itself. */
const deterministic = ['src-main/base/**', 'src-main/contract/**', 'src-main/core/**', 'src-main/engine/memory/**'];

const noDefaultExport = {
  selector: 'ExportDefaultDeclaration, ExportSpecifier[exported.name="default"]',
  message: 'Name it: a default export has a different name in every file that imports it.',
};
const noShell = {
  selector: 'Property[key.name="shell"][value.value=true]',
  message: 'No shell anywhere: pass argv (S27).',
};
const noHtml = {
  selector: 'MemberExpression[property.name=/^(innerHTML|outerHTML|insertAdjacentHTML|srcdoc)$/]',
  message: 'Text nodes only: what is shown comes from containers (S1).',
};
const noClock = [
  {
    selector: 'NewExpression[callee.name="Date"][arguments.length=0], CallExpression[callee.name="Date"]',
    message: 'Take a Clock.',
  },
];

const base = {
  files: ['**/*.{ts,mts,vue,mjs}'],
  plugins: { '@typescript-eslint': typescript.plugin },
  languageOptions: { parser: typescript.parser, parserOptions: { ecmaVersion: 'latest', sourceType: 'module' } },
  linterOptions: { reportUnusedDisableDirectives: 'error' },
  rules: {
    eqeqeq: ['error', 'always'],
    'no-constant-binary-expression': 'error',
    'no-control-regex': 'error',
    'no-debugger': 'error',
    'no-duplicate-imports': ['error', { allowSeparateTypeImports: true }],
    'no-eval': 'error',
    'no-fallthrough': 'error',
    'no-implied-eval': 'error',
    'no-misleading-character-class': 'error',
    'no-new-func': 'error',
    'no-prototype-builtins': 'error',
    'no-script-url': 'error',
    'no-self-compare': 'error',
    'no-template-curly-in-string': 'off',
    'no-unmodified-loop-condition': 'error',
    'no-unsafe-finally': 'error',
    'no-unreachable': 'error',
    'no-var': 'error',
    'object-shorthand': 'error',
    'prefer-const': 'error',
    'no-restricted-imports': [
      'error',
      {
        paths: ['node:child_process', 'child_process'].map((name) => ({
          name,
          importNames: ['exec', 'execSync'],
          message: 'No shell anywhere: execFile or spawn with argv (S27).',
        })),
      },
    ],
    'no-restricted-syntax': ['error', noDefaultExport, noShell],
  },
};

/** TypeScript's own rules that need no types: quick, so they run everywhere. */
const typed = {
  files: ['**/*.{ts,mts,vue}'],
  rules: {
    '@typescript-eslint/ban-ts-comment': 'error',
    '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
    '@typescript-eslint/explicit-module-boundary-types': 'error',
    '@typescript-eslint/no-empty-object-type': 'error',
    '@typescript-eslint/no-explicit-any': 'error',
    '@typescript-eslint/no-extraneous-class': 'error',
    '@typescript-eslint/no-unused-expressions': 'error',
    '@typescript-eslint/no-unsafe-function-type': 'error',
    '@typescript-eslint/no-useless-constructor': 'error',
    '@typescript-eslint/unified-signatures': 'error',
    // House style is an options object after two; this catches what has clearly outgrown that.
    '@typescript-eslint/max-params': ['error', { max: 4 }],
  },
};

/** Rules that know types. They cost seconds, so only the rooms that wait for things pay: there a lost promise is a lost container. */
const typeAware = {
  files: ['src-main/**/*.ts'],
  ignores: ['src-main/contract/api/**', 'src-main/core/stack/**', 'src-main/core/store/**'],
  languageOptions: { parserOptions: { project: 'src-main/tsconfig.json', tsconfigRootDir: import.meta.dirname } },
  rules: {
    '@typescript-eslint/await-thenable': 'error',
    '@typescript-eslint/no-floating-promises': 'error',
    '@typescript-eslint/no-for-in-array': 'error',
    '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false, attributes: false } }],
    '@typescript-eslint/only-throw-error': 'error',
    '@typescript-eslint/prefer-promise-reject-errors': 'error',
    '@typescript-eslint/restrict-plus-operands': 'error',
    '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
  },
};

export default [
  {
    ignores: [
      '**/node_modules/**',
      'out/**',
      'dist/**',
      '.cache/**',
      'test-results/**',
      'docs/**',
      'test/**/fixtures/**',
    ],
  },
  base,
  typed,
  typeAware,
  {
    files: ['src-main/**/*.ts'],
    rules: { 'no-console': 'error', 'no-restricted-syntax': ['error', noDefaultExport, noShell] },
  },
  {
    files: deterministic.map((folder) => `${folder}/*.ts`),
    rules: {
      'no-restricted-globals': [
        'error',
        ...[
          'setTimeout',
          'setInterval',
          'setImmediate',
          'clearTimeout',
          'clearInterval',
          'performance',
          'process',
          'crypto',
          'fetch',
        ].map((name) => ({
          name,
          message: 'The core is handed its world: take a Clock, a Random, an Engine, a disk.',
        })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Take a Clock.' },
        { object: 'Math', property: 'random', message: 'Take a Random.' },
        { object: 'globalThis', message: 'The core is handed its world.' },
      ],
      'no-restricted-syntax': ['error', noDefaultExport, noShell, ...noClock],
    },
  },
  ...vue.configs['flat/essential'].map((config) => ({ ...config, files: ['src-renderer/**/*.vue', 'test/**/*.vue'] })),
  {
    files: ['**/*.vue'],
    languageOptions: { parserOptions: { parser: typescript.parser, ecmaVersion: 'latest', sourceType: 'module' } },
    rules: {
      'vue/block-lang': ['error', { script: { lang: 'ts' } }],
      'vue/component-api-style': ['error', ['script-setup']],
      'vue/define-emits-declaration': 'error',
      'vue/define-props-declaration': 'error',
      'vue/html-button-has-type': 'error',
      'vue/no-static-inline-styles': ['error', { allowBinding: true }],
      'vue/no-template-target-blank': 'error',
      'vue/no-unused-refs': 'error',
      'vue/no-useless-v-bind': 'error',
      'vue/no-v-html': 'error',
      'vue/no-v-text-v-html-on-component': 'error',
      'vue/prefer-true-attribute-shorthand': 'error',
      'vue/require-typed-ref': 'error',
      // `Icon`, `Panel`: parts are our vocabulary, and the templates are compiled, so no element can take their name.
      'vue/multi-word-component-names': 'off',
    },
  },
  {
    files: ['src-renderer/**/*.{ts,vue}'],
    rules: { 'no-console': 'error', 'no-restricted-syntax': ['error', noDefaultExport, noShell, noHtml] },
  },
  {
    files: ['*.config.{ts,mjs}', 'test/**/*.config.ts'],
    rules: { 'no-restricted-syntax': ['error', noShell] },
  },
  {
    // Tests say what they mean with long argument lists now and then, and their helpers are theirs alone.
    files: ['test/**/*.{ts,mjs,vue}'],
    rules: {
      '@typescript-eslint/explicit-module-boundary-types': 'off',
      '@typescript-eslint/max-params': 'off',
      'no-restricted-syntax': ['error', noShell],
      'no-eval': 'off',
      'no-new-func': 'off',
      'no-script-url': 'off',
      'vue/no-static-inline-styles': 'off',
    },
  },
];
