// Imports run one way. This list is the order: each package may import only packages before it.
// ARCHITECTURE names the layers; a planted bad import in test/gate proves that the check sees it.
const order = [
  // foundations
  'errors',
  'config',
  'lifecycle',
  'telemetry',
  // domain, no I/O
  'issuance',
  'pki',
  // what steps back
  'breaker',
  // contracts
  'registry-protocol',
  'queue',
  // adapters
  'ledger',
  'registry-client',
  'key-store',
  // for clients
  'client',
  // tooling
  'local-stack',
  'testkit',
];
const domain = ['issuance', 'pki'];
const tooling = ['local-stack', 'testkit'];
const unitTests = '\\.test(-support)?\\.ts$';

const oneWay = order.slice(0, -1).map((name, place) => ({
  name: `one-way-${name}`,
  comment: `packages/${name} may import only what stands before it in the order.`,
  severity: 'error',
  from: { path: `^packages/${name}/` },
  to: { path: `^packages/(${order.slice(place + 1).join('|')})/` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...oneWay,
    {
      name: 'package-without-a-place',
      comment: 'Every package has its place in the order above: add it there.',
      severity: 'error',
      from: {},
      to: { path: '^packages/', pathNot: `^packages/(${order.join('|')})/` },
    },
    {
      name: 'packages-never-import-services',
      severity: 'error',
      from: { path: '^packages/' },
      to: { path: '^(services|test)/' },
    },
    {
      name: 'services-never-import-services',
      severity: 'error',
      from: { path: '^services/([^/]+)/' },
      to: { path: '^(services|test)/', pathNot: '^services/$1/' },
    },
    {
      name: 'production-never-imports-tooling',
      comment: 'Only tests and the tooling itself (the launcher behind npm start) may.',
      severity: 'error',
      from: { path: '^(packages|services)/', pathNot: [`^packages/(${tooling.join('|')})/`, unitTests] },
      to: { path: `^packages/(${tooling.join('|')})/` },
    },
    {
      name: 'domain-has-no-io',
      severity: 'error',
      from: { path: `^packages/(${domain.join('|')})/`, pathNot: unitTests },
      to: {
        path: [
          '^(node:)?(fs|fs/promises|tls|dgram|dns|dns/promises|http|https|http2|child_process|cluster|worker_threads)$',
          'node_modules/(express|bullmq|ioredis|pg|pino|prom-client|undici)/',
        ],
      },
    },
    {
      name: 'domain-opens-no-socket',
      comment: 'The exceptions: isIP and BlockList of node:net are functions of texts alone.',
      severity: 'error',
      from: {
        path: `^packages/(${domain.join('|')})/`,
        pathNot: [unitTests, '^packages/pki/src/(subject-alternative-names|reserved-names|uri-fault)\\.ts$'],
      },
      to: { path: '^(node:)?net$' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'only-the-door',
      comment: 'Another package is entered by its name, through its index, not by a path into its sources.',
      severity: 'error',
      from: { path: '^(packages|services|test)/([^/]+)/' },
      to: {
        path: '^(packages|services)/[^/]+/src/',
        pathNot: '^$1/$2/',
      },
    },
    {
      name: 'resolvable',
      comment: 'What cannot be resolved cannot be checked. Build first.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '/dist/'] },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['types', 'import', 'node', 'default'] },
  },
};
