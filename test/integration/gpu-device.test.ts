import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { writeMlp } from '../../bench/gpu/onnx-writer.ts';
import type { Manifest } from '../../src/base/contract/records.ts';
import { tryGpus } from '../../src/cli/processes/try-gpus.ts';
import { type CliResult, prescore } from '../harness/cli.ts';
import { NO_VULKAN, softwareVulkan } from '../harness/obtain-vulkan.ts';
import { readParquet } from '../harness/read-parquet.ts';
import { FLIGHT_FEATURES, fixtures, sha256Of, tempFolder, writeJob } from '../harness/temp-job.ts';

/*
 * Scoring on what is not the CPU. There is no GPU where these tests run: CUDA is tested up to its missing libraries, and a
 * provider of its own is WebGPU over SwiftShader, which gives and refuses nodes as a GPU does.
 */
interface Scored {
  readonly result: CliResult;
  readonly manifest: Manifest | null;
  readonly output: string;
}

/** What a machine with GPUs hides from these tests. */
const NO_GPU = { CUDA_VISIBLE_DEVICES: '' } as const;

let vulkan: Readonly<Record<string, string>>;

beforeAll(async () => {
  vulkan = await softwareVulkan();
}, 120_000);

async function score(job: Readonly<Record<string, unknown>>, execution: object, env: Readonly<Record<string, string>>) {
  const folder = tempFolder();
  const output = join(folder, 'out');
  const path = writeJob(folder, { ...job, output: { uri: output }, execution: { scorers: 1, ...execution } });
  const result = await prescore(['run', path, '--json'], { env });
  const manifestPath = join(output, '_manifest.json');
  const manifest = existsSync(manifestPath) ? (JSON.parse(readFileSync(manifestPath, 'utf8')) as Manifest) : null;
  return { result, manifest, output } satisfies Scored;
}

const failure = ({ result }: Scored) =>
  result.events.find((event) => event['event'] === 'failed')?.['error'] as { code: string; what: string; fix: string };
const done = ({ result }: Scored) => result.events.find((event) => event['event'] === 'done')!;

/** A small network over the flights: 30-2-1. */
function network(): Readonly<Record<string, unknown>> {
  const model = join(tempFolder(), 'mlp.onnx');
  const sha256 = writeMlp(model, [30, 2, 1]);
  return {
    model: { uri: model, sha256 },
    input: { uri: join(fixtures, 'flights/month=02/*.parquet') },
    features: { features: { columns: FLIGHT_FEATURES, nulls: { fill: 0 } } },
    outputs: { score: { tensor: 'score' } },
    id: ['flight_id'],
  };
}

function trees(path: string): Readonly<Record<string, unknown>> {
  const model = join(fixtures, path);
  return {
    model: { uri: model, sha256: sha256Of(model) },
    input: { uri: join(fixtures, 'flights/month=02/*.parquet') },
    features: { input: { columns: FLIGHT_FEATURES } },
    outputs: { prediction: { tensor: 'label' } },
    id: ['flight_id'],
  };
}

describe('a device that is not there', () => {
  test.each([
    ['cuda', 'cuda:0', /libonnxruntime_providers_cuda\.so|libcu\w+\.so|CUDA/, 'gpu install'],
    ['webgpu', 'webgpu', /libvulkan\.so\.1|No supported adapters/, 'Vulkan'],
  ])('%s is an error that names what is missing, and nothing is written', async (asked, name, why, fix) => {
    const scored = await score(network(), { device: asked }, { ...NO_VULKAN, ...NO_GPU });
    expect(scored.result.code).toBe(5);
    expect(failure(scored).code).toBe('PROVIDER_UNAVAILABLE');
    expect(failure(scored).what).toContain(`${name} is not available`);
    expect(failure(scored).what).toMatch(why);
    expect(failure(scored).fix).toContain(fix);
    expect(scored.manifest).toBeNull();
    const written = readdirSync(scored.output, { recursive: true, encoding: 'utf8' });
    expect(written.filter((name) => /plan\.json|chunks|\.parquet$/.test(name))).toEqual([]);
  });

  test('a trial of GPUs says the same as a run', async () => {
    vi.stubEnv('CUDA_VISIBLE_DEVICES', '');
    const scored = await score(network(), { device: 'cuda' }, NO_GPU);
    expect(await tryGpus()).toEqual([{ isOpened: false, says: failure(scored).what }]);
    vi.unstubAllEnvs();
  });

  test('auto takes the CPU, with the bits of cpu, and the manifest says so', async () => {
    const job = network();
    const [auto, cpu] = [
      await score(job, { device: 'auto' }, { ...vulkan, ...NO_GPU }),
      await score(job, { device: 'cpu' }, {}),
    ];
    expect(auto.manifest?.device).toEqual({ asked: 'auto', granted: [expect.objectContaining({ device: 'cpu' })] });
    expect(cpu.manifest?.device?.asked).toBe('cpu');
    expect(auto.manifest?.parts.map((p) => p.sha256)).toEqual(cpu.manifest?.parts.map((p) => p.sha256));
    expect(done(auto)).toMatchObject({ gpuIdle: null, device: auto.manifest?.device });
  });
});

describe('a provider that is not the CPU', () => {
  test('scores every row, near the CPU, and is recorded; its batch is tried out and its idle time told', async () => {
    const job = network();
    const gpu = await score(job, { device: 'webgpu' }, vulkan);
    expect(gpu.result.stderr).not.toContain('PROVIDER');
    expect(gpu.result.code).toBe(0);
    const [granted] = gpu.manifest!.device!.granted;
    expect(granted).toMatchObject({ device: 'webgpu', nodes: null, tf32: null });
    expect(granted!.libraries).toContain('libvk_swiftshader.so');
    const idle = done(gpu)['gpuIdle'] as number;
    expect(idle).toBeGreaterThan(0);
    expect(idle).toBeLessThan(1);
    const run = join(gpu.output, '_prescore/runs', gpu.manifest!.runId);
    const plan = JSON.parse(readFileSync(join(run, 'plan.json'), 'utf8')) as { batchRows: number };
    // A power of two of at least 1,024, as the probe tries them; which one it is, is the clock's matter.
    expect(plan.batchRows).toBeGreaterThanOrEqual(1024);
    expect(Math.log2(plan.batchRows) % 1).toBe(0);

    const cpu = await score(job, { device: 'cpu' }, {});
    const [a, b] = await Promise.all([gpu, cpu].map((s) => scoresOf(s)));
    expect(a!.length).toBe(cpu.manifest!.rows);
    const largest = a!.reduce((most, value, i) => Math.max(most, Math.abs(value - b![i]!)), 0);
    expect(largest).toBeLessThan(1e-5);
  });

  test('without a kernel for the model is an error: nothing falls back to the CPU in silence', async () => {
    const scored = await score(trees('models/delay_histgb.onnx'), { device: 'webgpu', batchRows: 512 }, vulkan);
    expect(scored.result.code).toBe(5);
    expect(failure(scored).code).toBe('PROVIDER_UNAVAILABLE');
    expect(failure(scored).what).toContain('no kernel for any node');
    expect(scored.manifest).toBeNull();
  });

  test('with kernels for a part of the model runs it, says so and records the nodes', async () => {
    const scored = await score(trees('flights/delay_lgbm.onnx'), { device: 'webgpu', batchRows: 4096 }, vulkan);
    expect(scored.result.code).toBe(0);
    const [granted] = scored.manifest!.device!.granted;
    const { CPUExecutionProvider: cpu = 0, WebGpuExecutionProvider: gpu = 0 } = granted!.nodes!;
    expect(cpu).toBeGreaterThan(0);
    expect(gpu).toBeGreaterThan(0);
    expect(scored.result.stderr).toContain(`${cpu} of ${cpu + gpu} nodes of the model run on the CPU`);
  });

  test('that takes a model and cannot run it is an error before any row is rejected', async () => {
    const model = join(fixtures, 'models/delay_mlp_fp16_io32.onnx');
    const job = {
      model: { uri: model, sha256: sha256Of(model) },
      input: { uri: join(fixtures, 'vectors/vector256_8192.parquet') },
      features: { features: { columns: ['features'] } },
      outputs: { score: { tensor: 'score' } },
      id: ['flight_id'],
    };
    const scored = await score(job, { device: 'webgpu', batchRows: 64 }, vulkan);
    expect(scored.result.code).toBe(5);
    expect(failure(scored).what).toMatch(/does not run on it.*f16/);
  });
});

async function scoresOf({ output, manifest }: Scored): Promise<number[]> {
  const rows = await Promise.all(manifest!.parts.map((part) => readParquet(join(output, part.name))));
  return rows.flat().map((row) => Number(row['score']));
}
