// Imports go in one direction, left to right in docs/design.md: a folder imports only from folders to its left.
const order = [
  ['tensor', 'random'],
  ['graph'],
  ['autodiff'],
  ['nn'],
  ['optim'],
  ['tract'],
  ['models'],
  ['engine'],
  ['data'],
  ['mpi'],
  ['train'],
  ['compare'],
  ['cli', 'bench', 'evidence', 'fuzz', 'studio'],
];
const test = '\\.test\\.ts$';

const direction = order.slice(0, -1).map((folders, position) => ({
  name: `${folders.join('-')}-imports-only-to-its-left`,
  severity: 'error',
  from: { path: `^src/(${folders.join('|')})/`, pathNot: test },
  to: {
    path: `^src/(${order
      .slice(position + 1)
      .flat()
      .join('|')}|index\\.ts|node\\.ts)`,
  },
}));

export default {
  forbidden: [
    ...direction,
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'browser-entry-is-free-of-node',
      comment: 'What src/index.ts reaches runs in a browser unchanged.',
      severity: 'error',
      from: { path: '^src/index\\.ts$' },
      to: { path: '^(node:|fs|path|os|crypto|stream|worker_threads|url|process)', reachable: true },
    },
    {
      name: 'only-engine-imports-onnxruntime',
      severity: 'error',
      from: { pathNot: '^src/engine/' },
      to: { path: 'onnxruntime' },
    },
    {
      name: 'testing-helpers-stay-in-tests',
      comment: 'and in the bench, which is not published either',
      severity: 'error',
      from: { pathNot: `${test}|^src/(testing|bench)/` },
      to: { path: '^src/testing/' },
    },
  ],
  options: {
    // What `#platform` leads to is compiled, and looked at where it is written.
    doNotFollow: { path: 'node_modules|^dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { conditionNames: ['node', 'import'], exportsFields: ['exports'] },
  },
};
