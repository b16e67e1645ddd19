import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buildPrograms, type Programs } from './build.ts';
import { type CaseName, FULL_ROWS } from './cases.ts';
import { checkOutput } from './check.ts';
import { commandOf } from './contenders.ts';
import { type PreparedCase, prepareCase, warmPageCache } from './data.ts';
import { whyNoLleaves } from './lleaves.ts';
import { machineFacts } from './machine.ts';
import { type Measured, measure } from './measure.ts';
import type { Options } from './options.ts';
import { note, WORK } from './paths.ts';
import { type Outcome, outcomeJson, printOutcomes, printTable, ratiosOf, writeResults } from './report.ts';
import { type S3Bench, startS3Bench } from './s3.ts';
import { tune } from './tune.ts';

interface Setting {
  readonly options: Options;
  readonly prepared: PreparedCase;
  readonly programs: Programs;
  readonly s3: S3Bench | null;
}

/** Measures every contender on a case, round after round, and reports. */
export async function compare(options: Options, name: CaseName): Promise<void> {
  const machine = machineFacts();
  const prepared = await prepareCase(name, options.rows);
  const programs = await buildPrograms(options.peers.includes('prescore'));
  const outcomes: Outcome[] = [];
  const why = options.peers.includes('lleaves') ? await whyNoLleaves() : null;
  if (why !== null) note(`lleaves is left out: ${why}`);
  for (const peer of options.peers) {
    if (peer === 'lleaves' && why !== null) continue;
    const tuned = await tune(peer, name, options.rows, options.tunesAgain);
    outcomes.push({ name: peer, tuned, runs: [], checks: [] });
  }
  await warmPageCache([...prepared.file.inputs, prepared.file.model]);
  const s3 = options.store === 's3' ? await startS3Bench(prepared.file.inputs) : null;
  try {
    await runRounds({ options, prepared, programs, s3 }, outcomes);
  } finally {
    await s3?.stop();
  }
  report(options, prepared, machine, outcomes);
}

async function runRounds(setting: Setting, outcomes: readonly Outcome[]): Promise<void> {
  const { runs, samplesMemory } = setting.options;
  for (let round = 0; round < runs; round++) {
    // Each round starts with another contender, so that nobody always runs in the wake of the same one.
    const order = outcomes.map((_, k) => outcomes[(k + round) % outcomes.length]!);
    for (const outcome of order) {
      const run = await runOnce(setting, outcome, false);
      note(`round ${round + 1}: ${outcome.name} ${run.wall.toFixed(2)} s`);
      outcome.runs.push(run);
    }
  }
  // Sampling takes a little of the machine, so timed runs are never sampled.
  for (const outcome of samplesMemory ? outcomes : []) outcome.memory = (await runOnce(setting, outcome, true)).memory!;
}

async function runOnce(setting: Setting, outcome: Outcome, sampled: boolean): Promise<Measured> {
  const { prepared, programs, s3, options } = setting;
  const folder = join(WORK, 'out', `${process.pid}-${outcome.name}-${outcome.checks.length}`);
  const { settings } = outcome.tuned;
  const place = { prepared, folder, settings, programs, s3, memory: options.memory };
  try {
    const run = await measure(await commandOf(outcome.name, place), join(folder, 'log'), sampled);
    if (s3 !== null && outcome.name === 'prescore') await s3.download(folder, join(folder, 'output'));
    outcome.checks.push(await checkOutput(outcome.name, prepared, folder, run.log));
    return run;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function report(
  options: Options,
  prepared: PreparedCase,
  machine: Record<string, string>,
  outcomes: readonly Outcome[],
): void {
  const { name } = prepared.file;
  const { store, runs } = options;
  const { rows } = prepared.file;
  const head = { case: name, rows, store, runs, date: new Date().toISOString(), memoryBudget: options.memory, machine };
  printTable(Object.entries(machine));
  process.stdout.write(`\n${name}: ${rows} rows, ${runs} rounds, prescore on ${store}\n\n`);
  printOutcomes(outcomes, rows);
  const contenders = outcomes.map((outcome) => outcomeJson(outcome, rows));
  const results = { ...head, prescoreThroughputRatio: ratiosOf(outcomes), contenders };
  const path = writeResults(store === 's3' ? `${name}-s3` : name, rows === FULL_ROWS[name], results);
  process.stdout.write(`\n${path}\n`);
}
