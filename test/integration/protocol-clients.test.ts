import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { liveLaunch } from '../../src/cli/processes/live-launch.ts';
import { createStoreResolver } from '../../src/cli/wiring/open-store.ts';
import type { LiveModelHost } from '../../src/inference/host/live-model-host.ts';
import { openModelHost } from '../../src/inference/host/model-host.ts';
import { modelFolder } from '../harness/model-files.ts';
import { putModel } from '../harness/model-store.ts';
import { type ProtocolServer, startProtocols } from '../harness/protocol-server.ts';
import { runPython } from '../harness/python.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { fixtures } from '../harness/temp-job.ts';

/** What `calls` of triton_client.py gives. */
interface Calls extends Readonly<Record<string, unknown>> {
  readonly errors: Readonly<Record<string, readonly [status: string, message: string]>>;
}

describe('tritonclient, which nobody here wrote', () => {
  const folder = suiteFolder();
  let host: LiveModelHost;
  let server: ProtocolServer;
  let values: Readonly<Record<string, { readonly rows: number; readonly differences: readonly string[] }>>;
  let calls: readonly Calls[];

  beforeAll(async () => {
    const models = await modelFolder();
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
    const args = [server.url.slice('http://'.length), `127.0.0.1:${server.grpcPort}`, fixtures, models];
    const said = await runPython('triton_client.py', args, 'triton-requirements.txt');
    ({ values, calls } = JSON.parse(said) as { values: typeof values; calls: typeof calls });
  });
  afterAll(async () => {
    await server.close();
    await host.close();
  });

  it('gets the bits that Python predicts, over HTTP with JSON and with bytes, and over gRPC', () => {
    const wrong = Object.entries(values).filter(([, { differences }]) => differences.length > 0);
    expect(wrong).toEqual([]);
    const rows = Object.fromEntries(Object.entries(values).map(([name, { rows }]) => [name, rows]));
    expect(rows).toEqual({
      'lgbm binary and grpc': 27_004,
      'lgbm json': 2048,
      'mlp json': 1024,
      'mlp binary': 4096,
      'mlp grpc': 4096,
      'fp16 json': 1024,
      'fp16 binary': 4096,
      'fp16 grpc': 4096,
      'mixed binary': 4096,
      'mixed grpc': 4096,
      'mixed typed': 2048,
      'mixed json': 2048,
      'types binary': 300,
      'types grpc': 300,
      'types json': 300,
    });
  });

  it('finds health, metadata, the repository and statistics, and its errors in the words of each protocol', () => {
    for (const { errors: _, ...found } of calls) {
      expect(found).toEqual({
        live: true,
        ready: true,
        server: {
          name: 'prescore',
          version: '0.0.0',
          extensions: ['binary_tensor_data', 'model_repository', 'statistics', 'schedule_policy'],
        },
        model: [
          { name: 'label', datatype: 'INT64', shape: expect.toSatisfy((s: unknown[]) => String(s) === '-1') },
          { name: 'probabilities', datatype: 'FP32', shape: expect.toSatisfy((s: unknown[]) => String(s) === '-1,2') },
        ],
        unloaded: ['UNAVAILABLE', false],
        loaded: ['READY', true, true],
        stats: ['mlp', '1', true],
        priority: [1, 1],
      });
    }
    const [http, grpc] = calls.map(({ errors }) => errors);
    const statuses = Object.entries(http!).map(([name, [status]]) => [name, status, grpc![name]![0]]);
    expect(statuses).toEqual([
      ['model', '404', 'StatusCode.NOT_FOUND'],
      ['version', '404', 'StatusCode.NOT_FOUND'],
      ['input', '400', 'StatusCode.INVALID_ARGUMENT'],
      ['shape', '400', 'StatusCode.INVALID_ARGUMENT'],
      ['load', '404', 'StatusCode.NOT_FOUND'],
      ['override', '400', 'StatusCode.INVALID_ARGUMENT'],
    ]);
    expect(http!['shape']![1]).toBe('input features: another shape; expected [-1, 256]; got [2, 255]');
    for (const name of Object.keys(http!)) expect(grpc![name]![1]).toBe(http![name]![1]);
  });
});
