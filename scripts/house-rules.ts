/**
 * The walls of the house (ARCHITECTURE.md draws them): which rooms a room may import, who may import a package that does
 * I/O, and how files are kept. Pure: takes the sources, gives the faults, so that a planted fault can be tried in a test.
 */
export interface SourceFile {
  /** Relative to src/, such as `ledger/lease.ts`. */
  readonly path: string;
  readonly text: string;
}

export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  contract: ['errors'],
  disk: [],
  heap: [],
  telemetry: ['errors', 'contract'],
  spec: ['errors', 'contract'],
  'object-store': ['errors', 'contract', 'telemetry'],
  columnar: ['errors', 'contract'],
  gpu: ['errors', 'contract', 'disk'],
  model: ['errors', 'contract', 'gpu', 'tensor'],
  tensor: ['errors', 'contract', 'spec', 'columnar'],
  plan: ['errors', 'contract', 'spec', 'columnar', 'tensor'],
  ledger: ['errors', 'contract', 'spec'],
  scorer: ['errors', 'contract', 'disk', 'telemetry', 'columnar', 'model', 'tensor'],
  'prediction-set': ['errors', 'contract'],
  lmdb: ['errors', 'contract', 'disk', 'prediction-set'],
  redis: ['errors', 'contract', 'heap', 'prediction-set'],
  reader: ['errors', 'contract', 'prediction-set'],
  publish: ['errors', 'contract', 'telemetry', 'columnar', 'ledger', 'spec', 'prediction-set'],
  pipeline: ['errors', 'contract', 'telemetry', 'spec', 'plan', 'ledger', 'scorer', 'tensor'],
  queue: ['errors', 'contract', 'telemetry', 'spec', 'plan', 'ledger', 'redis', 'scorer', 'pipeline'],
  backfill: ['errors', 'contract', 'spec', 'plan', 'ledger'],
  schedule: ['errors', 'contract', 'telemetry', 'spec', 'ledger'],
  notify: ['errors', 'contract'],
  inference: [
    'errors',
    'contract',
    'disk',
    'heap',
    'telemetry',
    'columnar',
    'model',
    'tensor',
    'scorer',
    'prediction-set',
  ],
  serve: [
    'errors',
    'contract',
    'heap',
    'telemetry',
    'spec',
    'tensor',
    'inference',
    'prediction-set',
    'reader',
    'redis',
  ],
  protocol: ['errors', 'contract', 'telemetry', 'tensor', 'serve'],
  stream: ['errors', 'contract', 'telemetry', 'spec', 'prediction-set', 'redis'],
  cli: [
    'errors',
    'contract',
    'disk',
    'heap',
    'telemetry',
    'spec',
    'object-store',
    'columnar',
    'model',
    'gpu',
    'tensor',
    'plan',
    'ledger',
    'scorer',
    'pipeline',
    'backfill',
    'prediction-set',
    'lmdb',
    'redis',
    'publish',
    'reader',
    'queue',
    'schedule',
    'notify',
    'inference',
    'serve',
    'protocol',
    'stream',
  ],
};

/** Packages that do I/O or native work, and where they may be imported: a file, or a room where one file is too few. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'onnxruntime-node': ['model/onnx-session.ts'],
  '@aws-sdk/client-s3': ['object-store/s3-client.ts'],
  '@duckdb/node-api': ['columnar/'],
  '@duckdb/node-bindings': ['columnar/'],
  lmdb: ['lmdb/lmdb-env.ts'],
  ioredis: ['redis/connection.ts'],
  bullmq: ['queue/'],
  yaml: ['spec/', 'cli/init-command.ts'],
  croner: ['spec/cron.ts'],
  pino: ['telemetry/logger.ts'],
  'prom-client': ['telemetry/'],
  fastify: ['serve/', 'protocol/', 'cli/serve-command.ts'],
  '@grpc/grpc-js': ['protocol/'],
  '@grpc/proto-loader': ['protocol/'],
  commander: [
    'cli/program.ts',
    'cli/parse-options.ts',
    'cli/backfill-options.ts',
    'cli/gpu-options.ts',
    'cli/queue-options.ts',
    'cli/runs-options.ts',
    'cli/serve-options.ts',
    'cli/stream-options.ts',
    'cli/sets-options.ts',
  ],
};

const MAX_LINES = 300;
/** One table is one concept, however many rows it has. */
const TABLES = new Set(['errors/error-codes.ts']);
const FEWEST_FILES = 60;
const BANNED_NAMES = /(^|[-/])(utils?|helpers?|common|misc|manager|v\d+)(?=[-./]|$)/;
const BANNED_TEXT: readonly (readonly [RegExp, string])[] = [
  [/\bas any\b|: any\b|<any>/, 'any'],
  [/\bas unknown as\b/, 'a cast through unknown'],
  [/\bthrow new Error\(/, 'a plain Error; use PrescoreError'],
  [/@ts-(ignore|expect-error|nocheck)/, 'a switched-off type check'],
  [/biome-ignore/, 'a switched-off lint rule'],
];

/** All faults, one line each; empty when the house is in order. */
export function findFaults(files: readonly SourceFile[], fewestFiles = FEWEST_FILES): string[] {
  const faults: string[] = [];
  if (files.length < fewestFiles) faults.push(`only ${files.length} files seen: the check itself is broken`);
  const graph = new Map<string, string[]>();
  for (const file of files) {
    const room = file.path.split('/')[0]!;
    const isDoor = !file.path.includes('/');
    if (!isDoor && ROOMS[room] === undefined) faults.push(`${file.path}: room ${room} is not in the table`);
    if (BANNED_NAMES.test(file.path)) faults.push(`${file.path}: a name that says nothing`);
    const lines = file.text.split('\n').length;
    if (lines > MAX_LINES && !TABLES.has(file.path)) faults.push(`${file.path}: ${lines} lines, over ${MAX_LINES}`);
    for (const [pattern, what] of BANNED_TEXT)
      if (pattern.test(withoutComments(file.text))) faults.push(`${file.path}: ${what}`);
    const targets: string[] = [];
    for (const name of imports(file.text)) {
      if (!name.startsWith('.')) faults.push(...packageFaults(file.path, name));
      else {
        const target = resolvePath(file.path, name);
        targets.push(target);
        const to = target.split('/')[0]!;
        if (!isDoor && to !== room && !(ROOMS[room] ?? []).includes(to))
          faults.push(`${file.path}: ${room} may not import ${to} (${target})`);
      }
    }
    graph.set(file.path, targets);
  }
  return [...faults, ...findCycles(graph)];
}

/** Module names of import and export lines, dynamic imports and types included. */
export function imports(text: string): string[] {
  const code = withoutComments(text);
  const names = [...code.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((m) => m[1]!);
  return [...new Set(names)].filter((name) => name.startsWith('.') || /^[@\w]/.test(name));
}

function packageFaults(path: string, name: string): string[] {
  const known = Object.keys(PACKAGES).find((p) => name === p || name.startsWith(`${p}/`));
  if (known === undefined) {
    if (name.startsWith('node:')) return [];
    return [`${path}: package ${name} is not in the table`];
  }
  const allowed = PACKAGES[known]!;
  if (allowed.some((place) => (place.endsWith('/') ? path.startsWith(place) : path === place))) return [];
  return [`${path}: only ${allowed.join(', ')} may import ${known}`];
}

function resolvePath(from: string, to: string): string {
  const parts = from.split('/').slice(0, -1);
  for (const part of to.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const state = new Map<string, 'open' | 'done'>();
  const faults: string[] = [];
  const visit = (node: string, path: readonly string[]): void => {
    if (state.get(node) === 'done') return;
    if (state.get(node) === 'open') {
      faults.push(`cycle: ${[...path.slice(path.indexOf(node)), node].join(' -> ')}`);
      return;
    }
    state.set(node, 'open');
    for (const next of graph.get(node) ?? []) visit(next, [...path, node]);
    state.set(node, 'done');
  };
  for (const node of graph.keys()) visit(node, []);
  return faults;
}
