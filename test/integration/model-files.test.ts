import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { bytesField, concatBytes, textField, varintField } from '../../src/base/formats/protobuf-write.ts';
import { loadModelFile } from '../../src/model/engine/load-model.ts';
import { readStructure } from '../../src/model/onnx/model-structure.ts';
import { prescore } from '../harness/cli.ts';
import { floats, openHost, valuesOf } from '../harness/live-host.ts';
import { outsideDigest, outsideModel } from '../harness/model-files.ts';
import { readOutput } from '../harness/read-parquet.ts';
import { adminClient, makeBucket, useCredentials } from '../harness/s3-test-store.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { sha256Of, tempFolder } from '../harness/temp-job.ts';
import { tinyJob, writeTables } from '../harness/tiny-tables.ts';

/** x + [1, 2, 3] for the rows of `writeTables`. */
const expectedRow = (id: number): number[] => [id + 1, (id % 7) + 2, (id % 3) + 3];
const OPTIONS = { intraOpThreads: 1, trees: 'auto', device: 'cpu' } as const;

describe('a model whose weights lie in a file beside the graph', () => {
  const folder = suiteFolder();
  let path = '';
  let sha256 = '';
  beforeAll(async () => {
    await writeTables({ [join(folder, 'in.parquet')]: 100 });
    mkdirSync(join(folder, 'models'));
    path = await outsideModel(join(folder, 'models'));
    sha256 = await outsideDigest(path);
  });

  it('is pinned over all files by init, and runs; plan and manifest list them', async () => {
    const job = join(folder, 'job.yaml');
    expect(
      (await prescore(['init', path, join(folder, 'in.parquet'), '--out', job, '--features', 'c0,c1,c2'])).code,
    ).toBe(0);
    expect(readFileSync(job, 'utf8')).toContain(`sha256: ${sha256}`);
    const { code, stderr } = await prescore(['run', job]);
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('MODEL_')]);
    const rows = await readOutput(join(folder, 'out/model'));
    expect(rows.map((row) => row['y'])).toEqual(rows.map((row) => expectedRow(Number(row['id']))));
    const weights = [{ name: 'weights.bin', bytes: 12, sha256: sha256Of(join(dirname(path), 'weights.bin')) }];
    const manifests = join(folder, 'out/model/_prescore/manifests/_');
    const manifest: unknown = JSON.parse(readFileSync(join(manifests, '1.json'), 'utf8'));
    expect(manifest).toMatchObject({ model: { sha256, weights } });
  });

  it('is read from S3 too', async () => {
    const address = inject('s3');
    const bucket = await makeBucket(address, 'weights');
    useCredentials(address);
    const client = adminClient(address);
    for (const name of ['model.onnx', 'weights.bin']) {
      const Body = readFileSync(join(dirname(path), name));
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: `m/v1/${name}`, Body }));
    }
    client.destroy();
    const job = await tinyJob(tempFolder(), join(folder, 'in.parquet'), {
      model: { uri: `s3://${bucket}/m/v1/model.onnx`, sha256 },
    });
    const env = { PRESCORE_S3_ENDPOINT: address.endpoint, PRESCORE_S3_REGION: address.region };
    const { code, stderr } = await prescore(['run', job], { env });
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('MODEL_')]);
    const rows = await readOutput(join(dirname(job), 'out'));
    expect(rows.map((row) => row['y'])).toEqual(rows.map((row) => expectedRow(Number(row['id']))));
  });

  it('is served out of a model folder, once its digest over all files is written down', async () => {
    const models = tempFolder();
    const place = join(models, 'm/1');
    mkdirSync(place, { recursive: true });
    for (const name of ['model.onnx', 'weights.bin']) copyFileSync(join(dirname(path), name), join(place, name));
    writeFileSync(join(place, 'model.onnx.sha256'), `${sha256}\n`);
    const host = openHost(models);
    const model = await host.model('m', null);
    expect(model.sha256).toBe(sha256);
    expect(valuesOf(await model.infer(floats('x', 3, [1, 2, 3, 4, 5, 6])), 'y')).toEqual([2, 4, 6, 5, 7, 9]);
  });
});

/** [1, 2, 3] in a file beside the graph. */
const BESIDE = concatBytes([
  varintField(1, 3),
  varintField(2, 1),
  textField(8, 'v'),
  bytesField(13, concatBytes([textField(1, 'location'), textField(2, 'v.bin')])),
  varintField(14, 1),
]);

/**
 * An ONNX file whose large initializer `w` [K, 3] is Gathered at its last row and added to x: written field by field, with a node before it.
 * `isMapped`: `v` beside the graph is added too, and y is a list of maps.
 */
function largeModel(rows: number, isMapped = false): Uint8Array {
  const tensor = (name: string, type: number, dims: readonly number[], raw: Uint8Array): Uint8Array =>
    concatBytes([
      ...dims.map((dim) => varintField(1, dim)),
      varintField(2, type),
      textField(8, name),
      bytesField(9, raw),
    ]);
  const node = (inputs: readonly string[], output: string, operator: string): Uint8Array =>
    concatBytes([...inputs.map((one) => textField(1, one)), textField(2, output), textField(4, operator)]);
  const shape = concatBytes([bytesField(1, textField(2, 'N')), bytesField(1, varintField(1, 3))]);
  const floats = bytesField(1, concatBytes([varintField(1, 1), bytesField(2, shape)]));
  const maps = bytesField(4, bytesField(1, bytesField(5, concatBytes([varintField(1, 7), bytesField(2, floats)]))));
  const value = (name: string, type: Uint8Array): Uint8Array => concatBytes([textField(1, name), bytesField(2, type)]);
  const labels = concatBytes([0, 1, 2].map((label) => varintField(8, label)));
  const zipMap = concatBytes([
    node(['s'], 'y', 'ZipMap'),
    bytesField(5, concatBytes([textField(1, 'classlabels_int64s'), labels, varintField(20, 7)])),
    textField(7, 'ai.onnx.ml'),
  ]);
  const weights = Float32Array.from({ length: 3 * rows }, (_, i) => Math.floor(i / 3));
  const graph = concatBytes([
    bytesField(1, node(['w', 'last'], 'row', 'Gather')),
    ...(isMapped
      ? [node(['x', 'row'], 'r', 'Add'), node(['r', 'v'], 's', 'Add'), zipMap]
      : [node(['x', 'row'], 'y', 'Add')]
    ).map((one) => bytesField(1, one)),
    textField(2, 'large'),
    ...(isMapped ? [bytesField(5, BESIDE)] : []),
    bytesField(5, tensor('w', 1, [rows, 3], new Uint8Array(weights.buffer))),
    bytesField(5, tensor('last', 7, [], new Uint8Array(new BigInt64Array([BigInt(rows - 1)]).buffer))),
    bytesField(11, value('x', floats)),
    bytesField(12, value('y', isMapped ? maps : floats)),
  ]);
  const opsets = [varintField(2, 17), concatBytes([textField(1, 'ai.onnx.ml'), varintField(2, 3)])];
  return concatBytes([varintField(1, 8), bytesField(7, graph), ...opsets.map((one) => bytesField(8, one))]);
}

describe('a large model in one file', () => {
  it('is known without its weights, has the digest of all its bytes, and scores with them', async () => {
    const path = join(tempFolder(), 'large.onnx');
    const rows = 1_000_000;
    writeFileSync(path, largeModel(rows));
    const structure = readStructure(path);
    expect([structure.weightBytes, structure.bytes.length]).toEqual([12 * rows, expect.any(Number)]);
    expect(structure.bytes.length).toBeLessThan(1000);
    const sha256 = sha256Of(path);
    const { session, info } = await loadModelFile({ path, where: path, sha256 }, OPTIONS);
    expect(info).toMatchObject({ sha256, bytes: largeModel(rows).length });
    const x = { type: 'float32' as const, dims: [1, 3], data: Float32Array.of(0, 1, 2) };
    expect(Array.from((await session.run(new Map([['x', x]]), ['y'])).get('y')!.data)).toEqual([
      999_999, 1_000_000, 1_000_001,
    ]);
    await session.close();
    await expect(loadModelFile({ path, where: path, sha256: '0'.repeat(64) }, OPTIONS)).rejects.toThrow(
      /^MODEL_CHECKSUM/,
    );
  });

  it('with a list of maps, and other weights beside it, keeps all of them', async () => {
    const folder = tempFolder();
    const path = join(folder, 'mapped.onnx');
    writeFileSync(path, largeModel(1_000_000, true));
    writeFileSync(join(folder, 'v.bin'), new Float32Array([1, 2, 3]));
    const weights = [{ name: 'v.bin', bytes: 12, sha256: sha256Of(join(folder, 'v.bin')) }];
    const { session, info } = await loadModelFile({ path, where: path, sha256: null, weights }, OPTIONS);
    expect(info.signature.outputs).toMatchObject([{ name: 'y', dims: [null, 3], classes: [0, 1, 2] }]);
    const x = { type: 'float32' as const, dims: [1, 3], data: Float32Array.of(0, 1, 2) };
    const y = (await session.run(new Map([['x', x]]), ['y'])).get('y')!;
    expect(Array.from(y.data)).toEqual([1_000_000, 1_000_002, 1_000_004]);
    await session.close();
  });

  it('is refused where it is cut short', async () => {
    const path = join(tempFolder(), 'cut.onnx');
    writeFileSync(path, largeModel(1_000_000).subarray(0, 10_000_000));
    await expect(loadModelFile({ path, where: path, sha256: null }, OPTIONS)).rejects.toThrow(
      /^MODEL_INVALID.*(damaged|cut short)/,
    );
  });
});
