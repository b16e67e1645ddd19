import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { grpcClient, grpcFault } from '../harness/grpc-client.ts';
import { putModel } from '../harness/model-store.ts';
import { ask, type ServeProcess, startServe, writeServe } from '../harness/serve-process.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { fixtures } from '../harness/temp-job.ts';

const examples = join(fixtures, '../examples');
const KEY = { authorization: 'Bearer a-key-for-tests' };
const ROW = new Array<number>(256).fill(0.5);

describe('prescore serve with a folder of models', () => {
  const folder = suiteFolder();
  let server: ServeProcess;
  let grpcPort: number;

  beforeAll(async () => {
    putModel(join(folder, 'models'), 'mlp', '1', join(fixtures, 'models/delay_mlp.onnx'));
    const sha256 = createHash('sha256').update('a-key-for-tests').digest('hex');
    writeFileSync(join(folder, 'keys.json'), JSON.stringify({ keys: [{ id: 'test', sha256, scopes: ['score'] }] }));
    const listen = { port: 0, metricsPort: 0, grpcPort: 0 };
    const auth = { keysFile: 'keys.json' };
    server = await startServe(writeServe(folder, { listen, auth, models: { folder: 'models/', pinned: ['mlp'] } }));
    grpcPort = Number(server.lines.find(({ msg }) => msg === 'serving')?.['grpcPort']);
  });
  afterAll(async () => {
    server.child.kill('SIGKILL');
    await server.ended;
  });

  it('gives one answer over V1, V2 and gRPC, with a key', async () => {
    const ready = await ask(`${server.url}/v2/models/mlp/ready`, undefined, KEY);
    expect(ready.body).toEqual({ name: 'mlp', ready: true });
    const v1 = await ask(`${server.url}/v1/models/mlp:predict`, { instances: [ROW] }, KEY);
    const inputs = [{ name: 'features', datatype: 'FP32', shape: [1, 256], data: ROW }];
    const v2 = await ask(`${server.url}/v2/models/mlp/infer`, { inputs }, KEY);
    const typed = [{ name: 'features', datatype: 'FP32', shape: [1, 256], contents: { fp32_contents: ROW } }];
    const grpc = await grpcClient(grpcPort)('ModelInfer', { model_name: 'mlp', inputs: typed }, { metadata: KEY });
    const [[score]] = v1.body['predictions'] as [[number]];
    expect(v2.body['outputs']).toEqual([{ name: 'score', datatype: 'FP32', shape: [1, 1], data: [score] }]);
    expect(grpc['outputs']).toMatchObject([{ name: 'score', contents: { fp32_contents: [score] } }]);
    expect((await ask(`${server.url}/v2/models/mlp/infer`, { inputs })).status).toBe(401);
    expect((await grpcFault(grpcClient(grpcPort)('ModelInfer', {}))).code).toBe(status.UNAUTHENTICATED);
  });

  it('has every metric and label that the dashboard and the alerts ask for', async () => {
    const text = await (await fetch(`${server.metricsUrl}/metrics`)).text();
    const known = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name!, type!]));
    const asked = expressions();
    expect(asked.length).toBeGreaterThan(25);
    for (const expression of asked) {
      const names = [...expression.matchAll(/\b(?:prediction|prescore)_\w+/g)].map(([name]) => name);
      expect(names, expression).not.toEqual([]);
      for (const name of names) {
        const base = known.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
        expect([...known.keys()], expression).toContain(base);
        expect(known.get(base) === 'histogram', expression).toBe(base !== name);
      }
    }
    // Labels of what this server has counted; the names of the others are checked by their own tests.
    const labels = (name: string) => new RegExp(`^${name}\\{(.*)\\} `, 'm').exec(text)?.[1];
    expect(labels('prediction_total')).toBe('model_name="mlp",status="success"');
    expect(labels('prediction_latency_seconds_count')).toMatch(/set="mlp",endpoint="(infer|predict|grpc)"/);
    for (const endpoint of ['infer', 'predict', 'grpc']) expect(text).toContain(`endpoint="${endpoint}"`);
    expect(labels('prescore_batch_rows_count')).toBe('model_name="mlp"');
    expect(labels('prescore_http_requests_total')).toMatch(/method="\w+",status="\d+"/);
  });

  it('ends on SIGTERM with both doors closed', async () => {
    const stopped = await server.stop();
    expect(stopped).toBe(0);
    expect((await grpcFault(grpcClient(grpcPort)('ServerLive', {}, { deadlineMs: 1000 }))).code).not.toBe(status.OK);
  });
});

/** Every expression of the dashboard and of the alerts. */
function expressions(): readonly string[] {
  const dashboard = JSON.parse(readFileSync(join(examples, 'grafana/dashboard.json'), 'utf8')) as {
    readonly panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[];
    readonly templating: { readonly list: readonly { readonly query: string }[] };
  };
  const alerts = parse(readFileSync(join(examples, 'prometheus/alerts.yaml'), 'utf8')) as {
    readonly groups: readonly { readonly rules: readonly { readonly expr: string }[] }[];
  };
  return [
    ...dashboard.panels.flatMap(({ targets }) => (targets ?? []).map(({ expr }) => expr)),
    ...dashboard.templating.list.map(({ query }) => query).filter((query) => query.includes('(')),
    ...alerts.groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)),
  ];
}
