import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { liveLaunch } from '../../src/cli/live-launch.ts';
import type { LiveModelHost } from '../../src/inference/live-model-host.ts';
import { openModelHost } from '../../src/inference/model-host.ts';
import { createStoreResolver } from '../../src/object-store/open-store.ts';
import { modelFolder } from '../harness/model-files.ts';
import { putModel } from '../harness/model-store.ts';
import { type ProtocolServer, startProtocols } from '../harness/protocol-server.ts';
import { runPython } from '../harness/python.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { fixtures } from '../harness/temp-job.ts';

describe('tritonclient, which nobody here wrote', () => {
  const folder = suiteFolder();
  let host: LiveModelHost;
  let server: ProtocolServer;
  let models: string;

  beforeAll(async () => {
    models = await modelFolder();
    const files = {
      lgbm: 'flights/delay_lgbm.onnx',
      mlp: 'models/delay_mlp.onnx',
      fp16: 'models/delay_mlp_fp16_io32.onnx',
      mixed: 'models/delay_mixed.onnx',
    };
    for (const [name, file] of Object.entries(files)) putModel(folder, name, '1', join(fixtures, file));
    putModel(folder, 'types', '1', join(models, 'types.onnx'));
    host = openModelHost({
      launch: liveLaunch(),
      scratchDir: suiteFolder(),
      folder: createStoreResolver({}, { env: {} }).at(`file://${folder}`),
    });
    server = await startProtocols(host);
  });
  afterAll(async () => {
    await server.close();
    await host.close();
  });

  it('gets the bits that Python predicts, over HTTP with JSON and with bytes, and over gRPC', async () => {
    const args = [server.url.slice('http://'.length), `127.0.0.1:${server.grpcPort}`, fixtures, models];
    const found = JSON.parse(await runPython('triton_client.py', args, 'triton-requirements.txt')) as Readonly<
      Record<string, { readonly rows: number; readonly differences: readonly string[] }>
    >;
    const wrong = Object.entries(found).filter(([, { differences }]) => differences.length > 0);
    expect(wrong).toEqual([]);
    const rows = Object.fromEntries(Object.entries(found).map(([name, { rows }]) => [name, rows]));
    expect(rows).toEqual({
      'lgbm binary and grpc': 27_004,
      'lgbm json': 3000,
      'mlp json': 1024,
      'mlp binary': 8192,
      'mlp grpc': 8192,
      'fp16 json': 1024,
      'fp16 binary': 8192,
      'fp16 grpc': 8192,
      'mixed binary': 8192,
      'mixed grpc': 8192,
      'mixed typed': 2048,
      'mixed json': 2048,
      'types binary': 300,
      'types grpc': 300,
      'types json': 300,
    });
  });
});
