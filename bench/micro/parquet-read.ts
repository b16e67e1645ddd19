/*
 * Compares DuckDB, as prescore uses it, with hyparquet and parquetjs-lite as readers of one Parquet file that all three can
 * read: `node bench/micro/parquet-read.ts [--rows 200000] [--runs 3]`. Whole processes, start included.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeInputs, warmPageCache } from '../data.ts';
import { machineFacts } from '../machine.ts';
import { type Measured, measure } from '../measure.ts';
import { madeOnce, ROOT, WORK } from '../paths.ts';
import { runPython } from '../python-env.ts';
import { printTable, writeResults } from '../report.ts';
import { spread } from '../statistics.ts';

const READERS = ['duckdb', 'hyparquet', 'parquetjs-lite'] as const;

const ROWS = 200_000;

const text = { type: 'string' } as const;
const { values } = parseArgs({ options: { rows: { ...text, default: `${ROWS}` }, runs: { ...text, default: '3' } } });
const [rows, rounds] = [Number(values.rows), Number(values.runs)];

const [input] = (await makeInputs('light', rows, 1)) as [string];
const folder = await madeOnce(`data/plain-${rows}`, [input], async (building) => {
  await mkdir(building, { recursive: true });
  await runPython('base', 'make_plain.py', [input, join(building, 'plain.parquet')]);
});
const path = join(folder, 'plain.parquet');
await warmPageCache([path]);

const machine = machineFacts();
const runs = new Map<string, Measured[]>(READERS.map((reader) => [reader, []]));
const sums = new Set<string>();
const log = join(WORK, `micro-${process.pid}.log`);
await mkdir(WORK, { recursive: true });
for (let round = 0; round < rounds; round++) {
  for (const reader of READERS) {
    const args = [process.execPath, join(ROOT, 'bench/micro/read-with.ts'), reader, path];
    const run = await measure({ args, env: {} }, log, false);
    const read = JSON.parse(run.log.trim().split('\n').at(-1)!) as { rows: number; sum: number };
    if (read.rows !== rows) throw new Error(`${reader} read ${read.rows} of ${rows} rows`);
    // The order of the additions differs between readers, so the last digits do too.
    sums.add(read.sum.toPrecision(9));
    runs.get(reader)!.push(run);
  }
}
await rm(log);
if (sums.size !== 1) throw new Error(`the readers disagree: ${[...sums].join(', ')}`);

const results = READERS.map((reader) => {
  const wall = spread(runs.get(reader)!.map((r) => r.wall));
  const cpu = spread(runs.get(reader)!.map((r) => r.user + r.system));
  return { reader, wall, cpu };
});
printTable(Object.entries(machine));
process.stdout.write(`\n${rows} rows x 21 columns, ${rounds} rounds\n\n`);
printTable([
  ['', 'rows/s', 'wall s', 'min - max', 'CPU s', 'CPU of duckdb'],
  ...results.map(({ reader, wall, cpu }) => [
    reader,
    Math.round(rows / wall.median).toString(),
    wall.median.toFixed(2),
    `${wall.min.toFixed(2)} - ${wall.max.toFixed(2)}`,
    cpu.median.toFixed(2),
    `${(cpu.median / results[0]!.cpu.median).toFixed(1)} x`,
  ]),
]);
const written = writeResults('parquet-read', rows === ROWS, { case: 'parquet-read', rows, rounds, machine, results });
process.stdout.write(`\n${written}\n`);
