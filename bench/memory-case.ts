import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buildPrograms, type Programs } from './build.ts';
import { FULL_ROWS } from './cases.ts';
import { commandOf } from './contenders.ts';
import { caseOver, makeInputs, type PreparedCase } from './data.ts';
import { machineFacts } from './machine.ts';
import { measure } from './measure.ts';
import type { MemoryPeak } from './memory.ts';
import type { Options } from './options.ts';
import { note, WORK } from './paths.ts';
import { printTable, writeResults } from './report.ts';

const FILES = [1, 10] as const;
const MIB = 2 ** 20;

interface Sampled {
  readonly rows: number;
  readonly wall: number;
  readonly memory: MemoryPeak;
}

/** Shows that prescore's memory does not grow with its input: heavy, and ten times heavy, under the same budget. */
export async function memoryCase(options: Options): Promise<void> {
  const machine = machineFacts();
  const programs = await buildPrograms(true);
  const peaks: Sampled[] = [];
  for (const files of FILES) {
    const prepared = await inputsOnly(options.rows, files);
    let highest: Sampled | null = null;
    for (let run = 0; run < options.runs; run++) {
      const sampled = await runSampled(options, programs, prepared);
      note(`${sampled.rows} rows: ${mib(sampled.memory.bytes)} MiB in ${sampled.wall.toFixed(1)} s`);
      if (highest === null || sampled.memory.bytes > highest.memory.bytes) highest = sampled;
    }
    peaks.push(highest!);
  }
  report(options, machine, peaks);
}

// The reference is not needed: the comparison of predictions is the other cases' matter.
async function inputsOnly(rows: number, files: number): Promise<PreparedCase> {
  const file = await caseOver('heavy', await makeInputs('heavy', rows, files), rows * files);
  return { file, path: '', rowsFolder: '', reference: '' };
}

async function runSampled(options: Options, programs: Programs, prepared: PreparedCase): Promise<Sampled> {
  const folder = join(WORK, 'out', `${process.pid}-memory`);
  const place = { prepared, folder, settings: {}, programs, s3: null, memory: options.memory };
  try {
    const { log, wall, memory } = await measure(await commandOf('prescore', place), join(folder, 'log'), true);
    const done = JSON.parse(log.trim().split('\n').at(-1)!) as { rows: number };
    if (done.rows !== prepared.file.rows) throw new Error(`prescore scored ${done.rows} of ${prepared.file.rows} rows`);
    return { rows: done.rows, wall, memory: memory! };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function report(options: Options, machine: Record<string, string>, peaks: readonly Sampled[]): void {
  const [small, large] = peaks as [Sampled, Sampled];
  const ratio = large.memory.bytes / small.memory.bytes;
  printTable(Object.entries(machine));
  process.stdout.write(
    `\nmemory: prescore under execution.memory ${options.memory}, highest of ${options.runs} run(s)\n\n`,
  );
  printTable([
    ['rows', 'peak MiB', 'processes', 'samples', 'wall s'],
    ...peaks.map((p) => [
      `${p.rows}`,
      mib(p.memory.bytes),
      `${p.memory.processes}`,
      `${p.memory.samples}`,
      p.wall.toFixed(1),
    ]),
  ]);
  process.stdout.write(`\nten times the rows take ${ratio.toFixed(3)} times the memory\n`);
  const date = new Date().toISOString();
  const results = { case: 'memory', date, memoryBudget: options.memory, machine, peaks, ratio };
  const path = writeResults('memory', options.rows === FULL_ROWS.heavy, results);
  process.stdout.write(`${path}\n`);
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(0);
}
