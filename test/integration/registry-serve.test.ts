import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import type { RegistryWriter } from '../../src/base/contract/registry.ts';
import { FaultProxy } from '../harness/fault-proxy.ts';
import { grpcClient, grpcFault } from '../harness/grpc-client.ts';
import { until } from '../harness/live-host.ts';
import { modelFolder } from '../harness/model-files.ts';
import { addModel, moveLabel, registryIn } from '../harness/registry-files.ts';
import { makeBucket, openBucket } from '../harness/s3-test-store.ts';
import { ask, type ServeProcess, serveFor, writeServe } from '../harness/serve-process.ts';
import { switchUnderLoad } from '../harness/switch-under-load.ts';
import { tempFolder } from '../harness/temp-job.ts';

let models = '';
beforeAll(async () => {
  models = await modelFolder();
});
const made = (name: string): string => join(models, `${name}.onnx`);
const INPUT = { name: 'x', datatype: 'FP32', shape: [1, 3] };
const V1 = { inputs: { x: [[1, 2, 3]] } };
const V2 = { inputs: [{ ...INPUT, data: [1, 2, 3] }] };
const LISTEN = { port: 0, metricsPort: 0, grpcPort: 0 };

/** delay/1 adds a row up, delay/2 doubles it. */
async function twoVersions(registry: RegistryWriter): Promise<void> {
  await addModel(registry, 'delay', made('sum'));
  await addModel(registry, 'delay', made('own_function'));
  await moveLabel(registry, 'delay', 'stable', 1);
}

async function serveRegistry(serve: readonly string[], registry: string, env = {}): Promise<ServeProcess> {
  const models = { registry, serve, poll: '100ms' };
  return serveFor(writeServe(tempFolder(), { listen: LISTEN, models }), [], env);
}

const grpcPortOf = (server: ServeProcess): number =>
  Number(server.lines.find(({ msg }) => msg === 'serving')?.['grpcPort']);
const metricsOf = async (server: ServeProcess): Promise<string> => (await fetch(`${server.metricsUrl}/metrics`)).text();

describe('prescore serve of a registry', () => {
  it('answers by version and label over V1, V2 and gRPC, and says which version it was', async () => {
    const place = tempFolder();
    const registry = registryIn(place);
    await twoVersions(registry);
    await moveLabel(registry, 'delay', 'canary', 2);
    // Named by the environment.
    const file = writeServe(tempFolder(), { listen: LISTEN, models: { serve: ['delay@stable', 'delay@canary'] } });
    const server = await serveFor(file, [], { PRESCORE_REGISTRY: place });
    const v1 = async (path: string) => {
      const { status, headers, body } = await ask(`${server.url}/v1/models/${path}:predict`, V1);
      return [status, headers.get('x-model-version'), body['outputs'] ?? body['error']];
    };
    expect(await v1('delay')).toEqual([200, '1', [[6]]]);
    expect(await v1('delay/labels/stable')).toEqual([200, '1', [[6]]]);
    expect(await v1('delay/labels/canary')).toEqual([200, '2', [[2, 4, 6]]]);
    expect(await v1('delay/versions/2')).toEqual([200, '2', [[2, 4, 6]]]);
    for (const path of ['delay/labels/none', 'delay/labels/2', 'delay/versions/3'])
      expect((await v1(path))[0]).toBe(404);
    const status = await ask(`${server.url}/v1/models/delay/labels/canary`);
    expect(status.body['model_version_status']).toMatchObject([{ version: '2', state: 'AVAILABLE' }]);

    const v2 = async (path: string) => (await ask(`${server.url}/v2/models/delay${path}/infer`, V2)).body;
    expect(await v2('')).toMatchObject({ model_name: 'delay', model_version: '1', outputs: [{ data: [6] }] });
    for (const version of ['2', 'canary'])
      expect(await v2(`/versions/${version}`)).toMatchObject({ model_version: '2', outputs: [{ data: [2, 4, 6] }] });
    expect((await ask(`${server.url}/v2/models/delay/versions/canary/ready`)).status).toBe(200);
    expect((await ask(`${server.url}/v2/models/delay/versions/canary`)).body['versions']).toEqual(['1', '2']);

    const call = grpcClient(grpcPortOf(server));
    const inputs = [{ ...INPUT, contents: { fp32_contents: [1, 2, 3] } }];
    const grpc = (version: string) => call('ModelInfer', { model_name: 'delay', model_version: version, inputs });
    expect(await grpc('')).toMatchObject({ model_version: '1', outputs: [{ contents: { fp32_contents: [6] } }] });
    for (const version of ['2', 'canary'])
      expect(await grpc(version)).toMatchObject({
        model_version: '2',
        outputs: [{ contents: { fp32_contents: [2, 4, 6] } }],
      });
    expect((await grpcFault(grpc('none'))).code).toBe(5);

    const index = await ask(`${server.url}/v2/repository/index`, {});
    expect(index.body).toEqual([
      { name: 'delay', version: '1', state: 'READY', reason: '', labels: ['stable'] },
      { name: 'delay', version: '2', state: 'READY', reason: '', labels: ['canary'] },
    ]);
    expect(await metricsOf(server)).toContain('prescore_label_version{model_name="delay",label="canary"} 2');
  });

  it('a label that is moved 100 times under load: no failed request, none with the name of one version and the values of another', async () => {
    const place = tempFolder();
    const registry = registryIn(place);
    await twoVersions(registry);
    const server = await serveRegistry(['delay@stable'], place);
    const result = await switchUnderLoad({
      url: server.url,
      grpcPort: grpcPortOf(server),
      registry,
      moves: 100,
      versions: { 1: [6], 2: [2, 4, 6] },
    });
    expect(result).toMatchObject({ failed: [], mixed: [], moves: 100 });
    expect(result.requests).toBeGreaterThan(1000);
    // From the move to the first answer: the poll of 100 ms, and what two busy cores add.
    expect(result.medianMs).toBeLessThan(1000);
    const metrics = await metricsOf(server);
    expect(metrics).toContain('prescore_label_switches_total{model_name="delay",label="stable"} 100');
    expect(metrics).toMatch(/prescore_label_switch_seconds_count\{model_name="delay"\} (9\d|100)/);
    expect(await server.stop()).toBe(0);
  }, 60_000);

  it('from S3, which it only reads, and goes on while that is away or a version is broken', async () => {
    const address = inject('s3');
    const bucket = await makeBucket(address, 'registry-serve');
    const { store, stores } = openBucket(address, bucket);
    const registry = registryIn({ store, key: 'models/', uri: store.uriOf('models/') });
    await twoVersions(registry);
    await addModel(registry, 'delay', made('custom'));
    const proxy = await FaultProxy.start(address.endpoint);
    const env = {
      PRESCORE_S3_ENDPOINT: proxy.endpoint,
      AWS_ACCESS_KEY_ID: address.accessKeyId,
      AWS_SECRET_ACCESS_KEY: address.secretAccessKey,
      AWS_EC2_METADATA_DISABLED: 'true',
    };
    const server = await serveRegistry(['delay@stable'], `s3://${bucket}/models`, env);
    const version = async (): Promise<string | null> => {
      const { status, headers } = await ask(`${server.url}/v1/models/delay:predict`, V1);
      expect(status).toBe(200);
      return headers.get('x-model-version');
    };
    const ready = async (): Promise<unknown> => (await ask(`${server.url}/health/ready`)).body;
    const log = (msg: string) => server.lines.filter((line) => String(line['msg']).startsWith(msg));
    expect(await version()).toBe('1');
    expect(await ready()).toEqual({ status: 'ok' });
    await moveLabel(registry, 'delay', 'stable', 2);
    await until(async () => (await version()) === '2');
    await moveLabel(registry, 'delay', 'stable', 3);
    await until(() => log('label is not followed').length > 0);
    expect(log('label is not followed')).toMatchObject([{ model: 'delay', label: 'stable', version: 3, serving: '2' }]);
    expect(await version()).toBe('2');
    expect(await ready()).toMatchObject({ status: 'ok', note: expect.stringContaining('1 of 1 entries') });
    const metrics = await metricsOf(server);
    expect(metrics).toContain(
      'prescore_label_failures_total{model_name="delay",label="stable",code="MODEL_CUSTOM_OP"} 1',
    );
    expect(metrics).toContain('prescore_label_version{model_name="delay",label="stable"} 2');
    expect(metrics).toContain('prescore_label_named_version{model_name="delay",label="stable"} 3');
    expect(
      proxy.seen.filter(({ operation }) => !['GetObject', 'HeadObject', 'ListObjects'].includes(operation)),
    ).toEqual([]);

    proxy.script({ operation: 'any', fault: { kind: 'status', status: 403, code: 'AccessDenied' } });
    await until(() => log('labels cannot be looked up').length > 0);
    await moveLabel(registry, 'delay', 'stable', 1);
    await sleep(200);
    expect(await version()).toBe('2');
    proxy.script({ operation: 'any', fault: { kind: 'reset' } });
    await sleep(300);
    expect(await version()).toBe('2');
    proxy.script();
    await until(async () => (await version()) === '1');
    expect(await ready()).toEqual({ status: 'ok' });
    expect(log('labels cannot be looked up')).toHaveLength(1);
    expect(log('registry answers again')).toHaveLength(1);
    expect(await server.stop()).toBe(0);
    await proxy.close();
    await stores.close();
  });

  it('is not ready while the first of a name has nothing that answers', async () => {
    const place = tempFolder();
    const server = await serveRegistry(['delay@stable'], place);
    const ready = async () => ask(`${server.url}/health/ready`);
    expect(await ready()).toMatchObject({ status: 503, body: { status: 'models are not loaded' } });
    const registry = registryIn(place);
    await twoVersions(registry);
    await until(async () => (await ready()).status === 200);
    expect((await ask(`${server.url}/v1/models/delay:predict`, V1)).body).toEqual({ outputs: [[6]] });
  });
});
