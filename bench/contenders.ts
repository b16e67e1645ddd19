import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Programs } from './build.ts';
import { type CaseName, jobFile } from './cases.ts';
import type { PreparedCase } from './data.ts';
import { lleavesTwin } from './lleaves.ts';
import type { Command } from './measure.ts';
import { PYTHON } from './paths.ts';
import { type PythonKind, pythonEnv } from './python-env.ts';
import type { S3Bench } from './s3.ts';

export const CONTENDERS = ['prescore', 'limit', 'python', 'python-2p', 'lleaves', 'daft', 'ray'] as const;
export type ContenderName = (typeof CONTENDERS)[number];

const MANY = 64;

/** Command line settings of a Python contender, such as { batch: 4096 }. */
export type Settings = Readonly<Record<string, number>>;

/** What a contender needs to know for one run. */
export interface RunPlace {
  readonly prepared: PreparedCase;
  /** Fresh for each run; the output goes below it. */
  readonly folder: string;
  readonly settings: Settings;
  readonly programs: Programs;
  /** Where prescore's input and output are when not on the file system. */
  readonly s3: S3Bench | null;
  readonly memory: string;
}

/** The command of one run; writes the job file or makes the folder that it needs. */
export async function commandOf(name: ContenderName, place: RunPlace): Promise<Command> {
  mkdirSync(place.folder, { recursive: true });
  if (name === 'prescore') return prescoreCommand(place);
  if (name === 'limit') {
    const { file, rowsFolder } = place.prepared;
    return {
      args: [process.execPath, place.programs.limit, file.model, rowsFolder, String(file.rows)],
      env: {},
    };
  }
  const [script, kind] = PYTHON_SCRIPTS[name];
  const settings = Object.entries(place.settings).flatMap(([key, value]) => [`--${key}`, String(value)]);
  const args = ['python3', join(PYTHON, script), place.prepared.path, join(place.folder, 'output'), ...settings];
  if (name === 'lleaves') args.push('--lleaves', await lleavesTwin(place.prepared.file.model));
  return { args, env: await pythonEnv(kind) };
}

/** Peers of a case when none are named: lleaves scores one LightGBM model, which heavy's has a twin of. */
export function contendersOf(name: string): readonly ContenderName[] {
  return name === 'heavy' ? CONTENDERS : CONTENDERS.filter((peer) => peer !== 'lleaves');
}

/** Settings to try, best guess first, as steps: the best of a step is kept while the next one is tried. */
export const CANDIDATES: Readonly<Partial<Record<ContenderName, readonly (readonly Settings[])[]>>> = {
  // One process and two threads in onnxruntime: what people write.
  python: [[16384, 4096, 65536].map((batch) => ({ batch, threads: 2, processes: 1 }))],
  // The same script with its work split over two processes.
  'python-2p': [[16384, 4096, 65536].map((batch) => ({ batch, threads: 1, processes: 2 }))],
  // Processes or threads of its own; rows in float32, or made float64 as LightGBM has them.
  lleaves: [
    [
      { batch: 65536, threads: 2, processes: 1, double: 0 },
      { batch: 65536, threads: 1, processes: 2, double: 0 },
      { batch: 65536, threads: 1, processes: 2, double: 1 },
    ],
    [{ batch: 16384 }, { batch: 4096 }],
  ],
  daft: [
    [
      { batch: 16384, threads: 1, actors: 2, 'use-process': 0 },
      { batch: 16384, threads: 2, actors: 1, 'use-process': 0 },
      { batch: 16384, threads: 1, actors: 2, 'use-process': 1 },
      { batch: 16384, threads: 2, actors: 1, 'use-process': 1 },
    ],
    [{ batch: 4096 }, { batch: 65536 }],
  ],
  ray: [
    [
      { batch: 16384, threads: 1, actors: 2, blocks: 0 },
      { batch: 16384, threads: 2, actors: 1, blocks: 0 },
      { batch: 16384, threads: 1, actors: 2, blocks: 4 },
    ],
    [{ batch: 4096 }, { batch: 65536 }],
    [{ blocks: 16 }],
  ],
};

/** The same for a case: a batch of 65,536 rows of large activations would be gigabytes. */
export function candidatesOf(name: ContenderName, caseName: CaseName): readonly (readonly Settings[])[] | undefined {
  const steps = CANDIDATES[name];
  if (caseName !== 'activations' || (name !== 'python' && name !== 'python-2p')) return steps;
  return [(steps?.[0] ?? []).map((settings, k) => ({ ...settings, batch: [1024, 256, 4096][k]! }))];
}

/** What each Python contender runs. */
export const PYTHON_SCRIPTS: Readonly<
  Record<Exclude<ContenderName, 'prescore' | 'limit'>, readonly [string, PythonKind]>
> = {
  python: ['score.py', 'base'],
  'python-2p': ['score.py', 'base'],
  lleaves: ['score.py', 'lleaves'],
  daft: ['score_daft.py', 'peers'],
  ray: ['score_ray.py', 'peers'],
};

function prescoreCommand(place: RunPlace): Command {
  const { file } = place.prepared;
  const { s3, folder } = place;
  const output = s3 === null ? join(folder, 'output') : s3.outputUri(folder);
  // Nobody names thousands of files.
  const own = file.inputs.length > MANY ? [join(dirname(file.inputs[0]!), '*.parquet')] : file.inputs;
  const job = jobFile(file, s3 === null ? own : s3.inputUris, output, {
    execution: { memory: place.memory },
    ...(s3 === null ? {} : { stores: s3.stores }),
  });
  const path = join(folder, 'job.json');
  writeFileSync(path, JSON.stringify(job, null, 1));
  return { args: [process.execPath, place.programs.prescore, 'run', path, '--json'], env: s3 === null ? {} : s3.env };
}
