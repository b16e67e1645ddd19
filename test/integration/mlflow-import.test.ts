import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { type CliResult, prescore, startPrescore } from '../harness/cli.ts';
import { type ImportedVersion, strayBits } from '../harness/imported-answers.ts';
import { askMlflow, type LoggedModels, logModels, type MlflowServer, startMlflow } from '../harness/mlflow-server.ts';
import { adminClient, makeBucket } from '../harness/s3-test-store.ts';
import { tcpFront } from '../harness/tcp-fronts.ts';
import { tempFolder } from '../harness/temp-job.ts';

const ROWS = 300;
let server: MlflowServer;
let logged: LoggedModels;
let folder: string;
let registry: string;

// Packages are installed once, which takes a minute.
beforeAll(async () => {
  server = await startMlflow();
  folder = mkdtempSync(join(tmpdir(), 'prescore-test-'));
  registry = join(folder, 'registry');
  logged = await logModels(server.url, join(folder, 'logged'), ROWS, 1);
}, 300_000);
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const models = (...args: readonly string[]): Promise<CliResult> =>
  prescore(['models', ...args], { env: { MLFLOW_TRACKING_URI: server.url, PRESCORE_REGISTRY: registry } });

async function imported(
  source: string,
  ...more: readonly string[]
): Promise<ImportedVersion & Record<string, unknown>> {
  const { code, stderr, events } = await models('import', source, ...more, '--json');
  expect([code, stderr]).toEqual([0, '']);
  return events[0] as unknown as ImportedVersion & Record<string, unknown>;
}

it.each([
  ['lgb', 'mlflow:models:/lgb@champion', 'lightgbm', 'model.txt'],
  ['xgb_ubj', 'mlflow:models:/xgb_ubj/Production', 'xgboost', 'model.ubj'],
  ['xgb_json', 'mlflow:models:/xgb_json/1', 'xgboost', 'model.json'],
  ['net', 'mlflow:models:/net@champion', 'onnx', 'model.onnx'],
])('%s of %s answers with the bits of its own flavour', async (name, source, kind, main) => {
  const version = await imported(source);
  expect(version).toMatchObject({ name, version: 1, kind, main, isNew: true, contradictions: [] });
  const { runId } = logged.made[name]!;
  expect(version['lineage']).toMatchObject({
    params: { seed: '1', flavour: name },
    metrics: { loss: 0.25 },
    source: { kind: 'mlflow', runId, version: '1', uri: `${server.url}/#/models/${name}/versions/1` },
  });
  expect(await strayBits(registry, version, logged, name)).toEqual([]);
});

it('keeps the dataset and the commit of the run', async () => {
  const { events } = await models('show', 'lgb/1', '--json');
  expect(JSON.stringify(events)).toContain('"uri":"s3://lake/flights/2026"');
  const net = await models('show', 'net/1', '--json');
  expect(net.stdout).toContain(`"commit":"c0ffee${'0'.repeat(34)}"`);
});

it('tells both where a signature contradicts the graph, and takes the graph', async () => {
  const second = logged.made['net']!.second!;
  const { code, stdout, stderr } = await models('import', `mlflow:models:/net/${second}`, 'contradicted');
  expect([code, stdout]).toEqual([0, expect.stringContaining('contradicted/1 is new')]);
  expect(stderr).toContain(
    'input other: MLmodel says float64[?, 9], the file has no such input; there is features float32[?, 8]',
  );
  const { stdout: shown } = await models('show', 'contradicted/1');
  expect(shown).toContain('features float32');
});

it('refuses other flavours by name, with the line that converts them', async () => {
  const { code, stderr } = await models('import', 'mlflow:models:/logit/1');
  expect([code, stderr]).toEqual([
    5,
    expect.stringContaining('IMPORT_REFUSED: models of flavour sklearn are not taken'),
  ]);
  expect(stderr).toContain(
    'mlflow.sklearn.load_model("models:/logit/1"); mlflow.onnx.log_model(skl2onnx.to_onnx(model, X[:1])',
  );
});

it.each([
  ['lgb@nobody', 'alias nobody not found'],
  ['nobody@champion', 'nobody not found'],
  ['lgb/99', 'version=99'],
  ['lgb/Staging', 'no version of lgb is in Staging'],
])('says what is not there: %s', async (name, says) => {
  const { code, stderr } = await models('import', `mlflow:models:/${name}`);
  expect([code, stderr]).toEqual([5, expect.stringContaining(says)]);
});

it('a folder with an MLmodel file, here and on S3, is the same model', async () => {
  const all = join(server.artifacts, '1', 'models');
  const folders = readdirSync(all).map((one) => join(all, one, 'artifacts'));
  const found = folders.find((one) => readFileSync(join(one, 'MLmodel'), 'utf8').includes(logged.made['net']!.runId))!;
  const own = join(tempFolder(), 'saved');
  cpSync(found, own, { recursive: true });
  const here = await imported(own, 'net');
  expect(here).toMatchObject({ version: 1, isNew: false });
  const s3 = inject('s3');
  const bucket = await makeBucket(s3, 'mlmodel');
  for (const name of readdirSync(own)) {
    const put = { Bucket: bucket, Key: `m/${name}`, Body: readFileSync(join(own, name)) };
    await adminClient(s3).send(new PutObjectCommand(put));
  }
  const args = ['models', 'import', `s3://${bucket}/m`, 'net', '--json', '--endpoint', s3.endpoint];
  const env = {
    PRESCORE_REGISTRY: registry,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    AWS_REGION: s3.region,
  };
  const there = await prescore(args, { env });
  expect([there.code, there.stderr]).toEqual([0, '']);
  expect(there.events[0]).toMatchObject({ version: 1, isNew: false, digest: here.digest });
});

it('an artifact that is overwritten on the server changes nothing here', async () => {
  const before = await imported('mlflow:models:/xgb_ubj@champion', 'kept');
  const uri = `${server.url}/api/2.0/mlflow/model-versions/get-download-uri?name=xgb_ubj&version=1`;
  const { artifact_uri: artifacts } = (await (await fetch(uri)).json()) as { artifact_uri: string };
  const path = artifacts.replace('mlflow-artifacts:/', '');
  await askMlflow(server.url, 'PUT', `mlflow-artifacts/artifacts/${path}/model.ubj`, 'not a model any more');
  expect(await strayBits(registry, before, logged, 'xgb_ubj')).toEqual([]);
  const again = await models('import', 'mlflow:models:/xgb_ubj@champion', 'kept');
  expect([again.code, again.stderr]).toEqual([5, expect.stringContaining('the file of flavour xgboost is')]);
});

async function until(isThere: () => boolean, what: () => string): Promise<void> {
  for (let i = 0; i < 300; i++) {
    if (isThere()) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`it did not come: ${what()}`);
}

it('a label follows an alias, over a server that goes away, and leaves a rollback alone', async () => {
  let isAway = false;
  const open = new Set<Socket>();
  const front = await tcpFront((socket) => {
    if (isAway) return socket.destroy();
    open.add(socket);
    const upstream = connect(server.port, '127.0.0.1');
    upstream.on('error', () => socket.destroy());
    socket.on('close', () => upstream.destroy());
    socket.pipe(upstream).pipe(socket);
  });
  const source = 'mlflow:models:/net@champion';
  const place = ['--label', 'stable', '--tracking', `http://127.0.0.1:${front.port}`];
  const env = { PRESCORE_REGISTRY: registry };
  const watch = startPrescore(['models', 'watch', source, 'watched', ...place, '--every', '1s'], { env });
  let log = '';
  watch.child.stderr!.on('data', (text: Buffer) => {
    log += text;
  });
  const moveAlias = (version: number): Promise<void> =>
    askMlflow(server.url, 'POST', 'mlflow/registered-models/alias', {
      name: 'net',
      alias: 'champion',
      version: String(version),
    });
  await until(
    () => log.includes('watched@stable names version 1'),
    () => log,
  );
  isAway = true;
  for (const socket of open) socket.destroy();
  await moveAlias(logged.made['net']!.second!);
  await until(
    () => log.includes('IMPORT_UNAVAILABLE'),
    () => log,
  );
  isAway = false;
  await until(
    () => log.includes('watched@stable names version 2'),
    () => log,
  );
  const back = await models('label', 'watched@stable', '1', '--reason', 'too many alarms');
  expect(back.code).toBe(0);
  await until(
    () => log.includes('somebody moved the label'),
    () => log,
  );
  watch.child.kill('SIGTERM');
  expect((await watch.result).code).toBe(143);
  // One that is started anew knows it from the chain.
  const once = await prescore(['models', 'watch', source, 'watched', ...place, '--once'], { env });
  expect([once.code, once.stderr]).toEqual([0, expect.stringContaining('somebody moved the label')]);
  const { stdout } = await models('history', 'watched');
  expect(stdout).toContain(`${source} is version 2`);
  await moveAlias(1);
  await front.close();
});
