import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { grpcClient, grpcFault } from '../harness/grpc-client.ts';
import { openHost, putVersion } from '../harness/live-host.ts';
import { startProtocols } from '../harness/protocol-server.ts';
import { ask } from '../harness/serve-process.ts';
import { fixtures, tempFolder } from '../harness/temp-job.ts';

const MLP = join(fixtures, 'models/delay_mlp.onnx');
const WHY = /^the model cannot be loaded: MODEL_INVALID: model file is a web page, not ONNX$/;
const ROW = new Array<number>(256).fill(0.5);
const INFER = { inputs: [{ name: 'features', datatype: 'FP32', shape: [1, 256], data: ROW }] };

async function serve(folder: string) {
  const server = await startProtocols(openHost(folder));
  onTestFinished(() => server.close(0));
  const index = async () => (await ask(`${server.url}/v2/repository/index`, {})).body as unknown;
  return { ...server, url: server.url, index, grpc: grpcClient(server.grpcPort) };
}

describe('a model of the folder that cannot be loaded', () => {
  it('is told with its reason, without places, by V1, V2 and gRPC; the index has all of it', async () => {
    const folder = tempFolder();
    const page = join(tempFolder(), 'page.onnx');
    writeFileSync(page, '<!DOCTYPE html><html></html>');
    putVersion(folder, 'bad', '1', page);
    const { url, grpc, index } = await serve(folder);
    const answers = [
      await ask(`${url}/v1/models/bad:predict`, { instances: [ROW] }),
      await ask(`${url}/v2/models/bad/infer`, INFER),
      await ask(`${url}/v2/models/bad`),
      await ask(`${url}/v2/repository/models/bad/load`, {}),
    ];
    for (const answer of answers) {
      expect([answer.status, answer.body]).toEqual([503, { error: expect.stringMatching(WHY) }]);
    }
    for (const [call, body] of [
      ['ModelInfer', { model_name: 'bad', inputs: [] }],
      ['ModelMetadata', { name: 'bad' }],
    ] as const) {
      const fault = await grpcFault(grpc(call, body));
      expect([fault.code, fault.details]).toEqual([status.FAILED_PRECONDITION, expect.stringMatching(WHY)]);
      expect(fault.metadata.get('prescore-code')).toEqual(['LIVE_MODEL_BROKEN']);
    }
    expect((await ask(`${url}/v1/models/bad`)).body).toMatchObject({
      ready: false,
      model_version_status: [
        { state: 'END', status: { error_code: 'UNKNOWN', error_message: expect.stringMatching(WHY) } },
      ],
    });
    const entry = {
      name: 'bad',
      state: 'UNAVAILABLE',
      reason: expect.stringContaining(`at ${folder}/bad/1/model.onnx`),
    };
    expect(await index()).toMatchObject([entry]);
    expect(await grpc('RepositoryIndex', {})).toMatchObject({ models: [entry] });
  });

  it('is served again when its files are mended, and then has no reason', async () => {
    const folder = tempFolder();
    putVersion(folder, 'm', '1', MLP, '0'.repeat(64));
    const { url, index } = await serve(folder);
    const refused = await ask(`${url}/v2/models/m/infer`, INFER);
    expect(refused).toMatchObject({ status: 503, body: { error: expect.stringContaining('MODEL_CHECKSUM') } });
    putVersion(folder, 'm', '1', MLP);
    expect((await ask(`${url}/v2/repository/models/m/load`, {})).status).toBe(200);
    expect((await ask(`${url}/v2/models/m/infer`, INFER)).status).toBe(200);
    expect(await index()).toEqual([{ name: 'm', version: '1', state: 'READY', reason: '' }]);
  });
});

describe('a model that is merely not loaded', () => {
  it('says so, before it was first asked for and after it was unloaded', async () => {
    const folder = tempFolder();
    putVersion(folder, 'm', '1', MLP);
    const { url, index } = await serve(folder);
    const entry = (reason: string) => [{ name: 'm', version: '1', state: 'UNAVAILABLE', reason }];
    expect(await index()).toEqual(entry('not loaded yet; the next request for it loads it'));
    const v1 = (await ask(`${url}/v1/models/m`)).body;
    expect(v1).toMatchObject({
      model_version_status: [{ status: { error_message: expect.stringMatching('not loaded') } }],
    });
    expect((await ask(`${url}/v2/models/m/infer`, INFER)).status).toBe(200);
    expect((await ask(`${url}/v2/repository/models/m/unload`, {})).status).toBe(200);
    expect(await index()).toEqual(entry('unloaded: asked; the next request for it loads it'));
  });
});
