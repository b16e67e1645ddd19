/*
 * Everything that needs a GPU, in one command and without a network:
 *
 *   node scripts/gpu-check.ts [--from FILE|DIR] [--runtime-from DIR] [--python PATH] [--device cuda:0|webgpu]
 *                             [--models A,B] [--rows N] [--batches N,N] [--scale F] [--runs N] [--no-bench] [--out FILE]
 *
 * Puts the CUDA provider of --from in place (a wheel, or parts of one, which are joined), takes the CUDA 13 libraries of a Python
 * installation, then compares batch sizes, reruns and CPU against GPU for five models, and measures three beside Python (whose onnxruntime
 * is that of the wheel, where it has none for CUDA). Prints a table and,
 * as its last line, one JSON object. Exit codes: 0 all models agree, 1 one does not, 2 usage, 3 the device cannot be used here:
 * nothing was measured, and the JSON says what is missing.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchModel, type GpuFigure } from '../bench/gpu/bench-models.ts';
import { BATCHES, checkModel, type ModelCheck } from '../bench/gpu/check-models.ts';
import { CheckReport } from '../bench/gpu/check-report.ts';
import { type FoundDevice, findDevice } from '../bench/gpu/find-device.ts';
import { printFigures } from '../bench/gpu/gpu-case.ts';
import { pythonPeer } from '../bench/gpu/python-peer.ts';
import { capture } from '../bench/gpu/run-job.ts';
import { benchSubjects, CHECKED, checkSubjects } from '../bench/gpu/subjects.ts';
import { note } from '../bench/paths.ts';
import { printTable } from '../bench/report.ts';
import { cudaFolders, cudaFoldersOf, findPython } from '../src/model/gpu/python-runtime.ts';

const USAGE = `gpu-check [--from FILE|DIR] [--runtime-from DIR] [--python PATH] [--device D] [--models A,B] [--rows N] [--batches N,N] [--scale F] [--runs N] [--no-bench] [--out FILE]`;
const PRESCORE = join(import.meta.dirname, 'prescore.ts');

interface CheckOptions {
  readonly from: string | null;
  readonly runtimeFrom: string | null;
  /** Its CUDA libraries are used and its onnxruntime is measured; null: the one on PATH. */
  readonly python: string | null;
  readonly device: string;
  /** Those to compare. */
  readonly models: readonly string[];
  readonly rows: number;
  /** Sizes to compare with the first of them, beside `auto`. */
  readonly batches: readonly number[];
  readonly scale: number;
  readonly runs: number;
  readonly isBenched: boolean;
  readonly out: string | null;
}

function readOptions(args: readonly string[]): CheckOptions | null {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        from: text,
        'runtime-from': text,
        python: text,
        device: text,
        models: text,
        rows: text,
        batches: text,
        scale: text,
        runs: text,
        out: text,
        'no-bench': flag,
      },
    });
    const [rows, scale, runs] = [values.rows ?? 8192, values.scale ?? 1, values.runs ?? 3].map(Number) as [
      number,
      number,
      number,
    ];
    if (!(Number.isInteger(rows) && rows >= 1 && scale > 0 && Number.isInteger(runs) && runs >= 1)) return null;
    const models = values.models?.split(',') ?? CHECKED;
    if (!models.every((model) => CHECKED.includes(model))) return null;
    const batches = values.batches?.split(',').map(Number) ?? BATCHES;
    if (!batches.every((size) => Number.isInteger(size) && size >= 1)) return null;
    return {
      from: values.from ?? null,
      runtimeFrom: values['runtime-from'] ?? null,
      python: values.python ?? null,
      device: values.device ?? 'cuda:0',
      models,
      batches,
      isBenched: values['no-bench'] !== true,
      out: values.out ?? null,
      rows,
      scale,
      runs,
    };
  } catch {
    return null;
  }
}

async function main(options: CheckOptions): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'prescore-gpu-check-'));
  const report = new CheckReport(options.out);
  try {
    const cuda = findCuda(options);
    const facts = { event: 'gpu-check', asked: options.device, node: process.versions.node, cuda };
    report.add({ ...facts, isMeasured: false, checks: [], figures: [] });
    report.add({ nvidiaSmi: await askNvidia(), install: await install(options) });
    report.add({ status: await prescoreJson(['gpu', 'status', '--json']) });
    const device = await findDevice(options.device, folder);
    report.add({ device });
    if (!device.isUsable) {
      process.stdout.write(`${options.device} cannot be used here: ${device.why}\nNothing was measured.\n`);
      return report.end(3);
    }
    report.add({ isMeasured: true });
    sayDevice(device);
    const checks = await check(options, folder, report);
    if (options.isBenched) await bench(options, folder, report);
    return report.end(checks.every((c) => c.verdict !== 'FAILED') ? 0 : 1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// Libraries of CUDA 13 that were given, or of the Python installation, for this command's own processes; what `gpu install` recorded comes
// after them.
function findCuda({ python, runtimeFrom }: CheckOptions): readonly string[] {
  if (process.env['PRESCORE_CUDA_PATH'] !== undefined) return [];
  const folders = runtimeFrom === null ? cudaFoldersOf(python ?? findPython(process.env)) : cudaFolders(runtimeFrom);
  if (folders.length > 0) process.env['PRESCORE_CUDA_PATH'] = folders.join(delimiter);
  return folders;
}

// The provider that is in place already is used when no other is given.
async function install({ from, runtimeFrom }: CheckOptions): Promise<unknown> {
  if (from === null) return null;
  const runtime = runtimeFrom === null ? [] : ['--runtime-from', runtimeFrom];
  const done = await prescoreJson(['gpu', 'install', '--json', '--from', from, ...runtime]);
  if (done.code !== 0) process.stdout.write(`gpu install failed: ${done.stderr.trim()}\n`);
  return done;
}

// Where it is: the system does not name the GPU to everyone.
async function askNvidia(): Promise<string | null> {
  const query = ['--query-gpu=name,driver_version,memory.total,uuid', '--format=csv,noheader'];
  const told = await capture('nvidia-smi', query).catch(() => null);
  return told?.code === 0 ? told.stdout.trim() : null;
}

async function prescoreJson(args: readonly string[]) {
  const { code, stdout, stderr } = await capture(process.execPath, [PRESCORE, ...args]);
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  return { code, events: lines.map((line) => JSON.parse(line) as unknown), stderr: stderr.slice(-2000) };
}

function sayDevice({ granted }: FoundDevice): void {
  for (const { device, hardware, driver, libraries } of granted)
    process.stdout.write(
      `${device}: ${hardware ?? 'name unknown'}, driver ${driver ?? 'unknown'}, ${libraries.join(' ')}\n`,
    );
}

async function check(options: CheckOptions, folder: string, report: CheckReport): Promise<ModelCheck[]> {
  const checks: ModelCheck[] = [];
  for (const subject of await checkSubjects(folder, options.rows)) {
    if (!options.models.includes(subject.name)) continue;
    note(`comparing ${subject.name}`);
    checks.push(await checkModel(subject, options.device, join(folder, 'checks'), options.batches));
    report.add({ checks });
  }
  const sizes = [...options.batches.slice(1).map(String), 'auto'];
  const bits = (d: { differing: number; largest: number } | null): string =>
    d === null ? '' : d.differing === 0 ? 'same bits' : `${d.differing} rows, ${d.largest.toExponential(1)}`;
  printTable([
    ['model', 'rerun', ...sizes.map((size, i) => (i === 0 ? `batches of ${size}` : `of ${size}`)), 'CPU', 'verdict'],
    ...checks.map((c) => [
      c.model,
      bits(c.rerun),
      ...sizes.map((size) => bits(c.batches[size] ?? null)),
      bits(c.cpu),
      c.refusal === null ? c.verdict : `${c.verdict}: ${c.refusal}`,
    ]),
  ]);
  return checks;
}

async function bench(
  { device, runs, from, scale, ...options }: CheckOptions,
  folder: string,
  report: CheckReport,
): Promise<void> {
  const path = options.python ?? findPython(process.env);
  const python = await pythonPeer(path, device, from, join(folder, 'python'));
  const figures: GpuFigure[] = [];
  for (const subject of await benchSubjects(join(folder, 'bench'), scale)) {
    note(`measuring ${subject.name}`);
    figures.push(...(await benchModel(subject, device, join(folder, 'bench'), { runs, python })));
    report.add({ figures });
  }
  process.stdout.write('\n');
  printFigures(figures);
}

const options = readOptions(process.argv.slice(2));
if (options === null) {
  process.stderr.write(`${USAGE}\n`);
  process.exitCode = 2;
} else process.exitCode = await main(options);
