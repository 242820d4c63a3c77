import js from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'runs', 'src/graph/onnx_pb.ts'] },
  js.configs.recommended,
  {
    files: ['src/**/*.{ts,tsx}'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // Indices of loops that have just been bounded are the one place where `!` says something true.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // node:test's describe/it/test return promises that the runner itself awaits.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', name: ['test', 'it', 'describe', 'suite'], package: 'node:test' },
          ],
        },
      ],
    },
  },
  {
    files: ['src/cli/**/*.ts'],
    ignores: ['src/cli/terminal.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'MemberExpression[object.property.name=/^(stdout|stderr)$/][property.name="write"]',
          message: 'What is printed passes through terminal.ts, which makes names from files safe.',
        },
        {
          selector: 'MemberExpression[object.name="console"]',
          message: 'What is printed passes through terminal.ts, which makes names from files safe.',
        },
      ],
    },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: { globals: { console: 'readonly', URL: 'readonly' } },
  },
  {
    files: ['studio/isolation.js'],
    languageOptions: {
      globals: {
        self: 'readonly',
        URL: 'readonly',
        fetch: 'readonly',
        Headers: 'readonly',
        Response: 'readonly',
      },
    },
  },
  {
    files: ['examples/in-a-page.mjs'],
    languageOptions: { globals: { document: 'readonly', fetch: 'readonly' } },
  },
);
