import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Checked } from './check.ts';
import type { ContenderName } from './contenders.ts';
import type { Measured } from './measure.ts';
import type { MemoryPeak } from './memory.ts';
import { ROOT, WORK } from './paths.ts';
import { type Spread, speedRatio, spread } from './statistics.ts';
import type { Tuned } from './tune.ts';

/** All that was found out about one contender. */
export interface Outcome {
  readonly name: ContenderName;
  readonly tuned: Tuned;
  readonly runs: Measured[];
  readonly checks: Checked[];
  memory?: MemoryPeak;
}

/** Prints a table of texts, the first column to the left, the others to the right. */
export function printTable(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]!.map((_, k) => Math.max(...rows.map((row) => row[k]!.length)));
  for (const row of rows) {
    const cells = row.map((cell, k) => (k === 0 ? cell.padEnd(widths[k]!) : cell.padStart(widths[k]!)));
    process.stdout.write(`${cells.join('   ')}\n`);
  }
}

/** The medians of all contenders and, below, how prescore compares with each. */
export function printOutcomes(outcomes: readonly Outcome[], rows: number): void {
  const head = ['', 'rows/s', 'wall s', 'min - max', 'CPU s', 'peak MiB', 'rows with other bits', 'largest difference'];
  printTable([head, ...outcomes.map((o) => outcomeRow(o, rows))]);
  process.stdout.write('\n');
  for (const [name, ratio] of Object.entries(ratiosOf(outcomes))) {
    const range = `(${ratio.min.toFixed(3)} - ${ratio.max.toFixed(3)} within a round)`;
    process.stdout.write(`prescore's throughput is ${ratio.median.toFixed(3)} of ${name}'s ${range}\n`);
  }
  for (const { name, tuned } of outcomes) {
    if (tuned.tried.length > 0) process.stdout.write(`${name}: ${JSON.stringify(tuned.settings)}\n`);
  }
}

/** Contender -> prescore's throughput as a multiple of its. */
export function ratiosOf(outcomes: readonly Outcome[]): Record<string, Spread> {
  const ours = outcomes.find((o) => o.name === 'prescore');
  if (ours === undefined) return {};
  const others = outcomes.filter((o) => o !== ours);
  return Object.fromEntries(
    others.map((o) => {
      const { median, min, max } = speedRatio(wallsOf(ours), wallsOf(o));
      return [o.name, { median: thousandths(median), min: thousandths(min), max: thousandths(max) }];
    }),
  );
}

/**
 * Writes `<date>-<name>.json`: to `bench/results` in the repository's format when the case was whole, else to
 * `.bench/results`, so that a trial never looks like a result. Answers with its path.
 */
export function writeResults(name: string, isWhole: boolean, results: object): string {
  const folder = join(isWhole ? join(ROOT, 'bench') : WORK, 'results');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${new Date().toISOString().slice(0, 10)}-${name}.json`);
  writeFileSync(path, `${JSON.stringify(results, null, 2)}\n`);
  const biome = join(ROOT, 'node_modules', '.bin', 'biome');
  if (isWhole) execFileSync(biome, ['format', '--write', path], { cwd: ROOT, stdio: 'ignore' });
  return relative(ROOT, path);
}

/** An outcome as it is kept in the results. */
export function outcomeJson(outcome: Outcome, rows: number): object {
  const { name, tuned, runs, checks, memory } = outcome;
  const wall = spread(wallsOf(outcome));
  return {
    name,
    rowsPerSecond: Math.round(rows / wall.median),
    wall: { median: thousandths(wall.median), min: thousandths(wall.min), max: thousandths(wall.max) },
    cpuMedian: thousandths(spread(runs.map((r) => r.user + r.system)).median),
    runs: runs.map((r) => ({ wall: thousandths(r.wall), user: thousandths(r.user), system: thousandths(r.system) })),
    ...(memory === undefined ? {} : { memory }),
    ...(name === 'prescore' ? { done: ownAccount(runs.at(-1)!.log) } : {}),
    ...(tuned.tried.length === 0 ? {} : { tuned }),
    checks,
  };
}

/** The last line of prescore's own account, rows and stages, without the folder of this machine. */
function ownAccount(log: string): object {
  const {
    output: _,
    rejectsUri: __,
    ...account
  } = JSON.parse(log.trim().split('\n').at(-1)!) as Record<string, unknown>;
  return account;
}

function outcomeRow(outcome: Outcome, rows: number): string[] {
  const wall = spread(wallsOf(outcome));
  const cpu = spread(outcome.runs.map((r) => r.user + r.system)).median;
  const differing = outcome.checks.map((c) => c.differing).filter((n) => n !== null);
  const largest = outcome.checks.map((c) => c.largest).filter((n) => n !== null);
  return [
    outcome.name,
    Math.round(rows / wall.median).toString(),
    wall.median.toFixed(2),
    `${wall.min.toFixed(2)} - ${wall.max.toFixed(2)}`,
    cpu.toFixed(2),
    outcome.memory === undefined ? '-' : Math.round(outcome.memory.bytes / 2 ** 20).toString(),
    differing.length === 0 ? '-' : Math.max(...differing).toString(),
    largest.length === 0 ? '-' : Math.max(...largest).toExponential(1),
  ];
}

function thousandths(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function wallsOf(outcome: Outcome): number[] {
  return outcome.runs.map((run) => run.wall);
}

/** A median with its range. */
export function hundredths({ median, min, max }: Spread): string {
  return `${median.toFixed(2)} (${min.toFixed(2)} - ${max.toFixed(2)})`;
}

/** A figure with one decimal; a dash for none. */
export function tenths(value: number | null): string {
  return value === null ? '-' : value.toFixed(1);
}
