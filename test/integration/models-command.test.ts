import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, inject, test } from 'vitest';
import { prescore } from '../harness/cli.ts';
import { outsideDigest, outsideModel } from '../harness/model-files.ts';
import { makeBucket } from '../harness/s3-test-store.ts';
import { fixtures, sha256Of, tempFolder } from '../harness/temp-job.ts';

const mlp = join(fixtures, 'models/delay_mlp.onnx');
const histgb = join(fixtures, 'models/delay_histgb.onnx');

function registryAt(uri: string, more: Record<string, string> = {}) {
  const env = { PRESCORE_REGISTRY: uri, ...more };
  return async (...args: string[]) => {
    const { code, stdout, stderr, events } = await prescore(['models', ...args], { env, timeoutMs: 120_000 });
    return { code, stdout, stderr, events };
  };
}

test('a model is added, shown, labelled, moved back and collected', { timeout: 180_000 }, async () => {
  const folder = tempFolder();
  const lineage = join(folder, 'lineage.yaml');
  writeFileSync(lineage, 'params: { depth: 6 }\nmetrics: { auc: 0.9 }\ndataset: { uri: s3://lake/x, rows: 7 }\n');
  const card = join(folder, 'card.md');
  writeFileSync(card, '# delay');
  const models = registryAt(join(folder, 'registry'));
  const first = await models(
    'add',
    'delay',
    mlp,
    card,
    '--lineage',
    lineage,
    '--label',
    'stable',
    '--by',
    'ada',
    '--json',
  );
  expect(first.code, first.stderr).toBe(0);
  expect(first.events[0]).toMatchObject({
    isNew: true,
    version: 1,
    digest: sha256Of(mlp),
    main: 'model.onnx',
    modelFiles: 1,
    kind: 'onnx',
    opset: { 'ai.onnx': 17 },
    createdBy: 'ada',
    labels: { stable: 1 },
    signature: { inputs: [{ name: 'features', dims: [null, 256] }] },
    lineage: { metrics: { auc: 0.9 }, params: { depth: '6' }, source: { kind: 'file', uri: mlp } },
  });
  expect(readFileSync(join(folder, 'registry/delay/1/card.md'), 'utf8')).toBe('# delay');
  expect((await models('add', 'delay', mlp, '--json')).events[0]).toMatchObject({ isNew: false, version: 1 });
  expect((await models('add', 'delay', histgb)).stdout).toMatch(/^delay\/2 is new: sha256 [0-9a-f]{64}\n$/);
  expect((await models('list')).stdout).toMatch(/delay +2 +stable: 1 +2, added/);
  expect((await models('list', 'delay')).stdout).toMatch(/2 +ready .*\n +1 +ready +stable/);
  const moved = await models('label', 'delay@stable', '2', '--reason', 'better', '--expect', '1');
  expect(moved.stdout).toBe('delay@stable names version 2, before it 1 (move 2)\n');
  const late = await models('label', 'delay@stable', '2', '--reason', 'too late', '--expect', '1');
  expect(late).toMatchObject({ code: 7, stderr: expect.stringContaining('LABEL_MOVED') });
  expect(late.stderr).toContain('better');
  expect((await models('label', 'delay@stable', '1')).code).toBe(2);
  expect((await models('history', 'delay')).stdout).toMatch(/2 +\S+ +stable: 1 -> 2 .*better\n.*stable: 1 +ada/);
  const difference = (await models('diff', 'delay', '1', 'stable', '--json')).events[0]!;
  expect((difference['differences'] as { what: string }[]).map(({ what }) => what)).toEqual(
    expect.arrayContaining([
      'digest',
      'input features',
      'file model.onnx',
      'file card.md',
      'param depth',
      'metric auc',
    ]),
  );
  const shown = await models('show', 'delay@stable');
  expect(shown.stdout).toContain('delay/2, ready');
  expect((await models('show', 'delay/9')).code).toBe(5);
  const look = await models('gc', 'delay', '--keep', '1', '--dry-run');
  expect(look.stdout).toContain('would be deleted');
  expect(existsSync(join(folder, 'registry/delay/1/model.onnx'))).toBe(true);
  expect((await models('gc', '--all', '--keep', '1')).stdout).toContain('1 version');
  expect(readdirSync(join(folder, 'registry/delay/1')).sort()).toEqual([
    'claim.json',
    'tombstone.json',
    'version.json',
  ]);
  expect((await models('list', 'delay')).stdout).toMatch(/1 +deleted/);
});

test('weights go with the graph, trainers have their own names, and what does not load is refused before anything is written', {
  timeout: 180_000,
}, async () => {
  const folder = tempFolder();
  const models = registryAt(join(folder, 'registry'));
  const apart = join(folder, 'apart');
  mkdirSync(apart);
  const graph = await outsideModel(apart);
  const split = await models('add', 'split', graph, join(apart, 'weights.bin'), '--json');
  expect(split.events[0], split.stderr).toMatchObject({ modelFiles: 2, digest: await outsideDigest(graph) });
  expect(readdirSync(join(folder, 'registry/split/1'))).toContain('weights.bin');
  const text = join(folder, 'lightgbm.bin');
  writeFileSync(text, gunzipSync(readFileSync(join(fixtures, 'trainers/lightgbm_binary.txt.gz'))));
  expect((await models('add', 'trees', text, '--json')).events[0]).toMatchObject({
    main: 'model.txt',
    kind: 'lightgbm',
  });
  const bad = join(folder, 'bad.onnx');
  writeFileSync(bad, readFileSync(mlp).subarray(0, 500_000));
  expect(await models('add', 'bad', bad)).toMatchObject({ code: 5, stdout: '' });
  expect(existsSync(join(folder, 'registry/bad'))).toBe(false);
  const unchecked = await models('add', 'bad', bad, '--unchecked', '--json');
  expect(unchecked.events[0]).toMatchObject({ signature: null, opset: null, version: 1 });
  writeFileSync(join(folder, 'notes.json'), '{}');
  expect((await models('add', 'bad', join(folder, 'notes.json'), '--unchecked')).code).toBe(5);
  expect((await models('add', 'bad', mlp, '--label', 'latest')).code).toBe(2);
  expect((await prescore(['models', 'list'])).stderr).toContain('--registry URI');
});

test('a version that a young commit or an open plan names stays', { timeout: 120_000 }, async () => {
  const folder = tempFolder();
  const models = registryAt(join(folder, 'registry'));
  await models('add', 'delay', mlp);
  await models('add', 'delay', histgb);
  const state = join(folder, 'state');
  mkdirSync(join(state, 'manifests/_'), { recursive: true });
  const manifest = {
    format: 1,
    n: 1,
    runId: 'r',
    model: { name: 'x', version: null, sha256: sha256Of(mlp), uri: mlp },
  };
  writeFileSync(join(state, 'manifests/_/1.json'), JSON.stringify(manifest));
  const kept = await models('gc', 'delay', '--keep', '1', '--state', state, '--json');
  expect(kept.events).toMatchObject([{ version: 1, outcome: 'kept', why: 'run r was scored with it' }]);
  expect((await models('gc', 'delay', '--keep', '1', '--json')).events).toMatchObject([
    { version: 1, outcome: 'deleted' },
  ]);
});

test('the same over S3', { timeout: 120_000 }, async () => {
  const s3 = inject('s3');
  const models = registryAt(`s3://${await makeBucket(s3, 'models')}/registry`, {
    PRESCORE_S3_ENDPOINT: s3.endpoint,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
  });
  const added = await models('add', 'delay', mlp, '--label', 'stable');
  expect(added.code, added.stderr).toBe(0);
  expect((await models('show', 'delay@stable', '--json')).events[0]).toMatchObject({ digest: sha256Of(mlp) });
  expect((await models('history', 'delay')).stdout).toContain('1 of 1 records follow');
});

test('words of others reach no terminal as they are, and a registry may be read only', async () => {
  const folder = tempFolder();
  const models = registryAt(join(folder, 'registry'));
  await models('add', 'delay', mlp, '--label', 'stable', '--reason', '\u001b[2Jgone', '--note', 'a\u001b[31mb');
  for (const look of [
    ['list', 'delay'],
    ['show', 'delay'],
    ['history', 'delay'],
  ]) {
    const { code, stdout } = await models(...look);
    expect(code).toBe(0);
    expect(stdout).not.toContain('\u001b');
  }
  const before = readdirSync(join(folder, 'registry'), { recursive: true }).sort();
  await models('gc', '--all', '--keep', '1', '--dry-run');
  expect(readdirSync(join(folder, 'registry'), { recursive: true }).sort()).toEqual(before);
});
