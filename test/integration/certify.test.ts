import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Certificate } from '../../src/base/contract/exact.ts';
import { featureRow } from '../../src/base/contract/job-scorer.ts';
import type { Plan } from '../../src/base/contract/plan.ts';
import { createStoreResolver } from '../../src/cli/wiring/open-store.ts';
import { readVersions } from '../../src/cli/wiring/versions.ts';
import { scanGraph } from '../../src/model/certify/scan-graph.ts';
import { LiveLane } from '../../src/online/live/live-lane.ts';
import { SpotCheck, type SpotOutcome } from '../../src/online/lookup/spot-check.ts';
import { checkHost } from '../../src/run/pipeline/exactness.ts';
import { otherFields } from '../../src/run/pipeline/prepare-plan.ts';
import { LmdbStore } from '../../src/sets/lmdb/lmdb-store.ts';
import { type Prediction, PredictionReader } from '../../src/sets/reader/prediction-reader.ts';
import { prescore } from '../harness/cli.ts';
import { liveJob } from '../harness/live-job.ts';
import { modelFolder } from '../harness/model-files.ts';
import { runPython } from '../harness/python.ts';
import { readParquet } from '../harness/read-parquet.ts';
import { FLIGHT_FEATURES, fixtures, sha256Of, tempFolder, writeJob } from '../harness/temp-job.ts';

const INT8 = join(fixtures, 'models/delay_mlp_int8dyn.onnx');
const VECTORS = join(fixtures, 'vectors/vector256_8192.parquet');
const LOGARITHMS = join(fixtures, 'certify/logarithms.onnx');
const FLIGHTS = join(fixtures, 'flights/month=02/part-0.parquet');

const lastLine = (text: string): Record<string, unknown> =>
  JSON.parse(text.trim().split('\n').at(-1)!) as Record<string, unknown>;

function jobOf(folder: string, model: string, input: string, changes: Readonly<Record<string, unknown>> = {}): string {
  return writeJob(folder, {
    model: { uri: model, sha256: sha256Of(model) },
    ...{ input: { uri: input }, id: ['flight_id'], output: { uri: join(folder, 'out') } },
    ...changes,
  });
}

const logJob = (folder: string, execution: Readonly<Record<string, unknown>> = {}): string =>
  jobOf(folder, LOGARITHMS, FLIGHTS, {
    features: { x: ['dest_lat', 'dest_lon', 'dest_alt'] },
    execution: { scorers: 1, ...execution },
    predictions: { store: 'lmdb:set', set: 'rows', key: 'flight_id' },
    rejects: { limit: '100%' },
  });

const planOf = (folder: string): Plan => {
  const runs = join(folder, 'out/_prescore/runs');
  return JSON.parse(readFileSync(join(runs, readdirSync(runs)[0]!, 'plan.json'), 'utf8')) as Plan;
};

describe('certify', () => {
  it('a model whose bits go by the size of its batch: filled up, with the costs, in a file', async () => {
    const out = join(tempFolder(), 'certificate.json');
    const { code, stdout } = await prescore(['certify', logJob(tempFolder()), '--out', out]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/pad8 {5}holds/)]);
    const certificate = JSON.parse(readFileSync(out, 'utf8')) as Certificate;
    expect(certificate).toMatchObject({
      ...{ format: 1, policy: 'pad8', processes: 2, realRows: 4096, depth: 'full', threads: 1 },
      trials: [
        { policy: 'plain', holds: false },
        { policy: 'pad8', holds: true },
      ],
    });
    expect(certificate.sizes.at(-1)).toBe(4096);
    expect(new Set(certificate.costs.map(({ policy }) => policy)).size).toBe(4);
  });

  it('dynamic quantization: no policy, and a proof that Python reproduces', async () => {
    const out = join(tempFolder(), 'certificate.json');
    const { code, stdout } = await prescore(['certify', INT8, '--out', out, '--json']);
    expect(code).toBe(5);
    expect(lastLine(stdout)).toMatchObject({ event: 'certified', why: 'quantization', kept: [out] });
    const { counterexample: proof, graph } = JSON.parse(readFileSync(out, 'utf8')) as Certificate;
    expect(graph.map(({ why }) => why)).toContain('quantization');
    const [a, b] = JSON.parse(await runPython('check_proof.py', [INT8, out])) as [number[], number[]];
    expect(a).not.toEqual(b);
    expect([a, b]).toEqual([proof!.a.values, proof!.b.values]);
  });

  it('keeps the certificate of a job where its runs look', async () => {
    const folder = tempFolder();
    const path = logJob(folder);
    expect((await prescore(['certify', path])).code).toBe(0);
    const kept = join(folder, 'out/_prescore/certificates');
    const [name = ''] = readdirSync(kept);
    const before = readFileSync(join(kept, name), 'utf8');
    expect((await prescore(['run', path])).code).toBeOneOf([0, 3]);
    expect([readdirSync(kept), readFileSync(join(kept, name), 'utf8')]).toEqual([[name], before]);
    expect(planOf(folder).exact?.policy).toBe('pad8');
  });
});

describe('execution.exact', () => {
  it('require refuses dynamic quantization, with the two batches; prefer and off go on', async () => {
    for (const [exact, code, words] of [
      ['require', 5, /MODEL_NOT_EXACT/],
      ['prefer', 0, /quantizes dynamically/],
      ['off', 0, /^(?!.*quantizes dynamically)/s],
    ] as const) {
      const folder = tempFolder();
      const path = jobOf(folder, INT8, VECTORS, { execution: { scorers: 1, exact } });
      const result = await prescore(['run', path, '--json']);
      expect([exact, result.code, result.stderr]).toEqual([exact, code, expect.stringMatching(words)]);
      expect(existsSync(join(folder, 'out/_prescore/certificates'))).toBe(exact !== 'off');
      if (exact !== 'require') continue;
      const { error } = lastLine(result.stdout) as { error: { data: Pick<Certificate, 'counterexample'> } };
      expect(error.data.counterexample?.a.values).not.toEqual(error.data.counterexample?.b.values);
    }
  });

  it('several threads must give the bits of one', async () => {
    const model = join(fixtures, 'models/delay_histgb.onnx');
    for (const [exact, code, words] of [
      ['require', 5, /MODEL_NOT_EXACT: .*several threads.*Set execution.intraOpThreads: 1/],
      ['prefer', 0, /several threads/],
    ] as const) {
      const folder = tempFolder();
      const path = jobOf(folder, model, FLIGHTS, {
        features: { input: { columns: FLIGHT_FEATURES } },
        execution: { scorers: 1, intraOpThreads: 2, exact },
      });
      const result = await prescore(['run', path]);
      expect([exact, result.code, result.stderr]).toEqual([exact, code, expect.stringMatching(words)]);
    }
  });

  it('the policy decides whether an unfinished run goes on, and is told on another kind of processor', async () => {
    const folder = tempFolder();
    await prescore(['run', logJob(folder)]);
    const plan = planOf(folder);
    const { job, model } = plan;
    const versions = readVersions();
    const off = { ...job, execution: { ...job.execution, exact: 'off' as const } };
    expect(otherFields(job, plan, model.sha256, versions)).toBeNull();
    expect(otherFields(off, plan, model.sha256, versions)).toEqual(['execution.exact']);

    const stores = createStoreResolver({}, { env: process.env });
    const told: string[] = [];
    const deps = { stores, versions, warn: (text: string) => told.push(text) };
    await checkHost(plan, model, deps);
    expect(told).toEqual([]);
    const { policy, answers } = plan.exact!;
    // Another machine whose certificate has the same answers, then one that has others.
    await checkHost({ ...plan, exact: { policy, answers, host: 'arm64 asimd' } }, model, deps);
    expect(told).toEqual([]);
    const elsewhere: Plan = { ...plan, exact: { policy, answers: 'others', host: 'arm64 asimd' } };
    await checkHost(elsewhere, model, deps);
    expect(told).toEqual([expect.stringMatching(/not certified here/)]);
    const required = { ...elsewhere, job: { ...job, execution: { ...job.execution, exact: 'require' as const } } };
    await expect(checkHost(required, model, deps)).rejects.toMatchObject({ code: 'MODEL_NOT_EXACT' });
    await stores.close();
  });
});

describe('the graph', () => {
  let models = '';
  beforeAll(async () => {
    models = await modelFolder();
  });
  it.each([
    ['softmax_rows', 'batch axis'],
    ['mean_rows', 'batch axis'],
    ['random_rows', 'random'],
    // Its axis is computed.
    ['running_rows', null],
    ['sum', null],
    ['log', null],
  ])('%s: %s', (name, why) => {
    const found = scanGraph(new Uint8Array(readFileSync(join(models, `${name}.onnx`))));
    expect(found.map((finding) => finding.why)).toEqual(why === null ? [] : [why]);
  });
});

describe('a kept answer that is scored again', () => {
  it('is equal, or differs by its model, by rounding, by its features', async () => {
    const folder = tempFolder();
    const path = logJob(folder);
    expect((await prescore(['run', path])).code).toBeOneOf([0, 3]);
    const scorer = await liveJob(path, folder);
    const options = { hashes: null, deadlineMs: 10_000, queueTimeMs: 1000, maxRows: 256, negativeForMs: 0 };
    const lane = new LiveLane({ ...options, scorer, onScored: () => expect.fail('nobody is told') });
    const row = (await readParquet(FLIGHTS)).find((r) => r['dest_lat'] !== null);
    const key = String(row!['flight_id']);
    const store = new LmdbStore(join(folder, 'set'));
    const [hit] = await new PredictionReader(store, 'rows').getMany([key]);
    await store.close();
    const features = featureRow(Object.fromEntries(scorer.features.map(({ name }) => [name, row![name]])));
    const outcomeOf = (kept: Prediction): Promise<SpotOutcome> =>
      new Promise((resolve) => {
        const spot = new SpotCheck({ lane, onChecked: resolve, every: 1 });
        for (let i = 0; i < 2; i++) spot.saw({ key, id: key, name: key, features }, kept);
      });
    const [first = 0, ...others] = hit!.values['y'] as readonly number[];
    const other = (by: number): Prediction => ({ ...hit!, values: { y: [first + by, ...others] } });
    expect(await outcomeOf(hit!)).toBe('equal');
    expect(await outcomeOf(other(1e-6))).toBe('rounding');
    expect(await outcomeOf(other(1))).toBe('features');
    expect(await outcomeOf({ ...other(1), model: { ...hit!.model, sha256: '0'.repeat(64) } })).toBe('model');
  });
});
