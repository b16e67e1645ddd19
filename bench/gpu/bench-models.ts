import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PYTHON } from '../paths.ts';
import { type Spread, spread } from '../statistics.ts';
import type { PythonPeer } from './python-peer.ts';
import { capture, runPrescore } from './run-job.ts';
import type { Subject } from './subjects.ts';

/** One contender over one table: the median of its runs by wall time. */
export interface GpuFigure {
  readonly model: string;
  readonly contender: 'prescore' | 'python' | 'prescore, CPU';
  readonly rows: number;
  /** Of the whole process, start-up included. */
  readonly rowsPerSecond: number;
  /** Of the time in which chunks were scored: the model's start is left out. */
  readonly scoringRowsPerSecond: number | null;
  /** Share of that time in which a batch ran on the device, 0 to 1. */
  readonly busy: number | null;
  readonly wallSeconds: readonly number[];
  /** Why there is no figure. */
  readonly failed: string | null;
}

/** Measures prescore on the device, prescore on the CPU, and the Python script on the device, in turn. */
export async function benchModel(
  subject: Subject,
  device: string,
  folder: string,
  options: { readonly runs: number; readonly python: PythonPeer },
): Promise<GpuFigure[]> {
  const [onDevice, onCpu, byPython]: [Scored[], Scored[], PythonRan[]] = [[], [], []];
  for (let i = 0; i < options.runs; i++) {
    onDevice.push(await scored(subject, folder, device));
    onCpu.push(await scored(subject, folder, 'cpu'));
    byPython.push(await runPython(subject, folder, device, options.python));
  }
  return [
    prescoreFigure(subject, 'prescore', onDevice),
    prescoreFigure(subject, 'prescore, CPU', onCpu),
    pythonFigure(subject, byPython),
  ];
}

/** Python's wall time over prescore's on the device, of each round; null where one has failed. */
export function gpuRatio(figures: readonly GpuFigure[], model: string): Spread | null {
  const of = (contender: GpuFigure['contender']): GpuFigure | undefined =>
    figures.find((f) => f.model === model && f.contender === contender && f.failed === null);
  const [prescore, python] = [of('prescore'), of('python')];
  if (prescore === undefined || python === undefined) return null;
  return spread(prescore.wallSeconds.map((own, i) => python.wallSeconds[i]! / own));
}

const scored = (subject: Subject, folder: string, device: string) => runPrescore(subject, folder, { device });

type Scored = Awaited<ReturnType<typeof runPrescore>>;

function prescoreFigure(subject: Subject, contender: GpuFigure['contender'], ran: readonly Scored[]): GpuFigure {
  const wallSeconds = ran.map((r) => r.wallSeconds);
  const { rows } = subject.file;
  const failed = ran.find((r) => r.done === null);
  const base = { model: subject.name, contender, rows, wallSeconds };
  if (failed !== undefined) {
    return {
      ...base,
      rowsPerSecond: 0,
      scoringRowsPerSecond: null,
      busy: null,
      failed: failed.error?.what ?? `exit code ${failed.code}`,
    };
  }
  const median = middle(ran, (r) => r.wallSeconds);
  const { gpuIdle, scoringSeconds } = median.done!;
  return {
    ...base,
    rowsPerSecond: rows / median.wallSeconds,
    scoringRowsPerSecond: scoringSeconds === null ? null : rows / scoringSeconds,
    busy: gpuIdle === null ? null : 1 - gpuIdle,
    failed: null,
  };
}

interface PythonRan {
  readonly wallSeconds: number;
  readonly scoringSeconds: number;
  readonly runSeconds: number;
  readonly failed: string | null;
}

async function runPython(
  subject: Subject,
  folder: string,
  device: string,
  { path: python, env }: PythonPeer,
): Promise<PythonRan> {
  const path = join(folder, `${subject.name}-case.json`);
  writeFileSync(path, JSON.stringify(subject.file));
  const started = performance.now();
  const args = [join(PYTHON, 'score_gpu.py'), path, join(folder, 'python.parquet'), '--device', device];
  const { code, stdout, stderr } = await capture(python, args, env);
  const wallSeconds = (performance.now() - started) / 1000;
  const last = stderr.trim().split('\n').at(-1) ?? '';
  if (code !== 0) return { wallSeconds, scoringSeconds: 0, runSeconds: 0, failed: last || `exit code ${code}` };
  return { wallSeconds, failed: null, ...(JSON.parse(stdout) as { scoringSeconds: number; runSeconds: number }) };
}

function pythonFigure({ name: model, file: { rows } }: Subject, ran: readonly PythonRan[]): GpuFigure {
  const wallSeconds = ran.map((r) => r.wallSeconds);
  const failed = ran.find((r) => r.failed !== null)?.failed ?? null;
  const { wallSeconds: wall, scoringSeconds, runSeconds } = middle(ran, (r) => r.wallSeconds);
  const base = { model, contender: 'python', rows, wallSeconds, failed } as const;
  if (failed !== null) return { ...base, rowsPerSecond: 0, scoringRowsPerSecond: null, busy: null };
  const busy = runSeconds / scoringSeconds;
  return { ...base, rowsPerSecond: rows / wall, scoringRowsPerSecond: rows / scoringSeconds, busy };
}

function middle<T>(items: readonly T[], by: (item: T) => number): T {
  return [...items].sort((a, b) => by(a) - by(b))[items.length >> 1]!;
}
