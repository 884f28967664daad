// The rooms of the front end, from the ground up: a room imports only rooms below it.
const rooms = [
  { name: 'model', may: ['model'], packages: [] },
  {
    name: 'api',
    may: ['api'],
    packages: ['@jupyterlab/services', '@jupyterlab/coreutils', '@jupyterlab/translation']
  },
  { name: 'look', may: ['look'], packages: ['@jupyterlab/ui-components'] },
  { name: 'layout', may: ['layout', 'model'], packages: ['@hpcc-js/wasm-graphviz'] },
  { name: 'views', may: ['views', 'layout', 'look', 'model'] },
  { name: 'notebook', may: ['notebook', 'api', 'model'] },
  { name: 'plugins', may: ['plugins', 'notebook', 'views', 'layout', 'look', 'api', 'model'] }
];

const boundaries = rooms.map(({ name, may }) => ({
  name: `${name}-imports-rooms-below-it`,
  severity: 'error',
  from: { path: `^src/${name}/` },
  to: {
    path: '^src/',
    pathNot: [...may.map(room => `^src/${room}/`), '^src/api/(types|schema)\\.ts$']
  }
}));

const packages = rooms
  .filter(room => room.packages)
  .map(({ name, packages: allowed }) => ({
    name: `${name}-knows-few-packages`,
    severity: 'error',
    from: { path: `^src/${name}/` },
    to: {
      dependencyTypes: ['npm', 'npm-dev', 'npm-no-pkg', 'npm-unknown'],
      pathNot: allowed.map(one => `node_modules/${one}/`).concat('^$')
    }
  }));

module.exports = {
  forbidden: [
    ...boundaries,
    ...packages,
    {
      name: 'one-network-file',
      comment: 'Requests are made in src/api/client.ts; others may use the types of services.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/api/client\\.ts$' },
      to: { path: 'node_modules/@jupyterlab/services', dependencyTypesNot: ['type-only'] }
    },
    {
      name: 'react-in-views',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/views/' },
      to: { path: 'node_modules/react', dependencyTypesNot: ['type-only'] }
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: '^src/(index|globals\\.d|api/schema|layout/worker)\\.ts$' },
      to: {}
    },
    {
      name: 'nobody-but-the-entry-imports-plugins',
      severity: 'error',
      from: { pathNot: '^src/(index\\.ts|plugins/)' },
      to: { path: '^src/plugins/' }
    }
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'default']
    }
  }
};
