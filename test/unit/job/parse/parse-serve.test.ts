import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { EXAMPLE_SERVE, serveFilePage } from '../../../../scripts/gen-docs.ts';
import type { ServeConfig } from '../../../../src/base/contract/serve-config.ts';
import { isPrescoreError } from '../../../../src/base/errors/prescore-error.ts';
import { loadServe } from '../../../../src/cli/load/load-serve.ts';
import type { Field, Shape } from '../../../../src/job/fields/field.ts';
import { SERVE_SHAPE } from '../../../../src/job/fields/serve-fields.ts';
import { parseServe } from '../../../../src/job/parse/parse-serve.ts';

const parse = (text: string): ServeConfig =>
  parseServe(text, {
    path: 'serve.yaml',
    baseUri: '/srv',
    resolveUri: (t, base) => (t.startsWith('s3:') ? t : join(base, t)),
  });

function problemsOf(file: object): string[] {
  try {
    parse(JSON.stringify({ 'prescore-serve': 1, ...file }));
    return [];
  } catch (error) {
    if (!isPrescoreError(error)) throw error;
    const { issues } = error.details.data as { issues: readonly { path: string; what: string }[] };
    return issues.map(({ path, what }) => `${path}: ${what}`);
  }
}

const set = (more: object = {}): object => ({ sets: { s: { store: 'redis://h:1/0', ...more } } });

test.each(['prescore: 1\nname: a\n', 'prescore-stream: 1\njob: a.yaml\n'])(
  'a file for another command is told as such, in one line: %j',
  (text) => {
    const kind = text.startsWith('prescore:') ? 'job file' : 'stream file';
    expect(() => parse(text)).toThrow(
      expect.objectContaining({ code: 'SPEC_INVALID', message: expect.stringContaining(`this is a ${kind}`) }),
    );
  },
);

test('the example is a serve file, and its defaults are filled in', () => {
  const config = parse(EXAMPLE_SERVE);
  expect(serveFilePage()).toContain(EXAMPLE_SERVE);
  expect(config).toMatchObject({
    listen: { host: '127.0.0.1', port: 8080, grpcPort: null, metricsPort: 9090 },
    sets: {
      'flight-delay': {
        store: 'redis://localhost:6379/0',
        job: '/jobs/flight-delay.yaml',
        order: ['cache', 'live', 'stale', 'default'],
        maxAgeMs: 36 * 3_600_000,
        staleForMs: 12 * 3_600_000,
        features: { kind: 'request' },
        defaults: { prediction: 0, probability: 0.2 },
        writeBack: { ttlMs: 600_000 },
        negativeForMs: 1000,
      },
    },
    keysFile: '/srv/keys.json',
    tls: null,
    batcher: { maxBatchRows: 256, maxQueueDelayMicros: 0, maxQueueRows: 4096, deadlineMs: 200 },
    limits: {
      bodyBytes: 2 ** 20,
      rows: 256,
      keys: 1024,
      depth: 16,
      stringBytes: 65_536,
      headerBytes: 8192,
      connections: 512,
    },
  });
});

test('what of a registry is served: references, read at once, and how often labels are looked up', () => {
  const models = { registry: 's3://models/', serve: ['delay@stable', 'delay/7'], keep: '1h' };
  const { models: served } = parse(JSON.stringify({ 'prescore-serve': 1, models }));
  expect(served).toMatchObject({
    folder: null,
    registry: {
      uri: 's3://models/',
      serve: [
        { name: 'delay', by: 'label', label: 'stable' },
        { name: 'delay', by: 'version', version: 7 },
      ],
      pollMs: 2000,
      keepMs: 3_600_000,
    },
  });
});

test.each([
  [{}, 'models: names no models'],
  [{ folder: 'm/', serve: ['delay@stable'] }, 'models.serve: is given beside folder'],
  [{ folder: 'm/', poll: '5s' }, 'models.poll: has no meaning without serve'],
  [{ registry: 'm/' }, 'models.registry: has no meaning without serve'],
  [{ serve: ['delay@stable'], pinned: ['delay'] }, 'models.pinned: has no meaning with serve'],
  [{ serve: ['delay'] }, 'models.serve[0]: '],
  [{ serve: ['delay@latest'] }, 'models.serve[0]: '],
])('models %j are refused: %s', (models, problem) => {
  expect(problemsOf({ models })).toContainEqual(expect.stringContaining(problem));
});

test('every key has a sentence and an example', () => {
  const fieldsOf = (shape: Shape): readonly Field[] => {
    if (shape.kind === 'list' || shape.kind === 'map') return fieldsOf(shape.of);
    if (shape.kind !== 'object') return [];
    return Object.values<Field>(shape.fields).flatMap((field) => [field, ...fieldsOf(field.type)]);
  };
  const fields = fieldsOf(SERVE_SHAPE);
  expect(fields.length).toBeGreaterThan(45);
  for (const field of fields) {
    expect(field.doc).toMatch(/\.$/);
    expect(parseYaml(`x: ${field.example}`)).toHaveProperty('x');
  }
});

describe('rules between keys', () => {
  it('the order follows from what there is', () => {
    const orderOf = (more: object): readonly string[] =>
      parse(JSON.stringify({ 'prescore-serve': 1, ...set(more) })).sets['s']!.order;
    expect(orderOf({})).toEqual(['cache']);
    expect(orderOf({ job: 'j.yaml', maxAge: '1h', staleFor: '1h', default: { y: 0 } })).toEqual([
      'cache',
      'live',
      'stale',
      'default',
    ]);
  });

  it.each<[string, object, string[]]>([
    ['nothing to serve', {}, ['the file: serves nothing']],
    [
      'two services on one port',
      { listen: { port: 9, metricsPort: 9 }, ...set() },
      ['listen: gives two services one port'],
    ],
    ['no store', { sets: { s: {} } }, ['sets.s: has neither a store nor a job']],
    ['live without job', set({ order: ['cache', 'live'] }), ['sets.s.order: holds live, but there is no job']],
    [
      'stale without staleFor',
      set({ order: ['cache', 'stale'] }),
      ['sets.s.order: holds stale, but there is no staleFor'],
    ],
    ['staleFor without maxAge', set({ staleFor: '1h' }), ['sets.s.staleFor: has no meaning without maxAge']],
    [
      'default not last',
      set({ order: ['cache', 'default', 'live'], job: 'j', default: { y: 0 } }),
      ['sets.s.order: has something after default, which always has an answer'],
    ],
    [
      'default not used',
      set({ order: ['cache'], default: { y: 0 } }),
      ['sets.s.default: is never used: order does not hold default'],
    ],
    [
      'write-back not used',
      set({ writeBack: { ttl: '1m' } }),
      ['sets.s.writeBack: is never used: order does not hold live'],
    ],
    [
      'hashes without {key}',
      set({ job: 'j', features: { redis: 'redis://h:1', key: 'features' } }),
      ['sets.s.features.key: must hold {key} once'],
    ],
    [
      'hashes in lmdb',
      set({ job: 'j', features: { redis: 'lmdb:x', key: '{key}' } }),
      ['sets.s.features.redis: is no Redis'],
    ],
    [
      'both kinds of features',
      set({ features: { from: 'request', redis: 'redis://h:1', key: '{key}' } }),
      [expect.stringMatching(/^sets\.s\.features/) as unknown as string],
    ],
    ['half of tls', { tls: { cert: 'c' }, ...set() }, [expect.stringMatching(/^tls/) as unknown as string]],
    [
      'header time',
      { limits: { headerTime: '20s' }, ...set() },
      ['limits.headerTime: is longer than limits.requestTime, which counts from the same moment'],
    ],
    ['a password', set({ store: 'redis://u:p@h:1' }), [expect.stringMatching(/^sets\.s\.store/) as unknown as string]],
    ['an unknown key', { ...set(), limit: {} }, [expect.stringMatching(/limit/) as unknown as string]],
  ])('%s', (_, file, problems) => {
    expect(problemsOf(file)).toEqual(problems);
  });
});

test('serve files of the repository are serve files', () => {
  const jobs = fileURLToPath(new URL('../../../../jobs/', import.meta.url));
  const names = readdirSync(jobs).filter((name) => name.startsWith('serve'));
  expect(names).toEqual(['serve.yaml']);
  expect(loadServe(join(jobs, 'serve.yaml')).warnings).toEqual([]);
});
