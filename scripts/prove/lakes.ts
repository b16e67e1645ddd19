import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prescore } from '../../test/harness/cli.ts';
import { runPython } from '../../test/harness/python.ts';
import type { ProofOptions, SaidOutcome } from './proof.ts';

/** Tables that are made, scored and compared by one start of each program. */
const TOGETHER = 20;
const PINS = 'lakes-requirements.txt';

/**
 * Scores tables whose columns change their types from file to file, each written by several tools in several ways, and compares every kept
 * value and every prediction with the rows that were written. See test/python/lakes.py. Errors: those of Python.
 */
export async function proveLakes(options: ProofOptions<SaidOutcome>): Promise<void> {
  const { cases, seed } = options;
  for (let at = 0; at < cases.length; at += TOGETHER) {
    const numbers = cases.slice(at, at + TOGETHER);
    const folder = join(options.folder, `${numbers[0]}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const faults = await faultsOf(folder, seed, numbers);
    for (const index of numbers) {
      const own = Object.entries(faults).filter(([name]) => name.startsWith(`${index}-`));
      options.onOutcome({
        index,
        fault: own.map(([name, fault]) => `${name}: ${fault}`).join('; '),
        say: `table ${index}`,
      });
    }
    if (Object.keys(faults).length === 0) rmSync(folder, { recursive: true, force: true });
  }
}

async function faultsOf(folder: string, seed: number, numbers: readonly number[]): Promise<Record<string, string>> {
  const ask = (what: string): Promise<string> =>
    runPython('lakes.py', [what, folder, `${seed}`, numbers.join(',')], PINS);
  const names = JSON.parse(await ask('make')) as string[];
  const job = join(folder, 'job.yaml');
  writeFileSync(job, JSON.stringify(jobOver(folder, names, numbers[0] ?? 0)));
  const { events, stderr } = await prescore(['run', job, '--json'], { timeoutMs: 600_000 });
  const failed = events.filter((e) => e['event'] === 'failed');
  const told = failed.map((e) => [String(e['partition']), (e['error'] as { message: string }).message]);
  if (events.every((e) => e['event'] !== 'done')) throw new TypeError(`nothing was scored: ${stderr}`);
  return { ...(JSON.parse(await ask('check')) as Record<string, string>), ...Object.fromEntries(told) };
}

/** Sizes of chunks and batches change with the tables, so that files are cut and joined in many ways. */
function jobOver(folder: string, names: readonly string[], number: number): Readonly<Record<string, unknown>> {
  const model = join(folder, 'model.onnx');
  return {
    prescore: 1,
    name: 'lakes',
    model: { uri: model, sha256: createHash('sha256').update(readFileSync(model)).digest('hex') },
    input: { uri: join(folder, 'in/{partition}/') },
    partitions: { values: names },
    features: { x: { columns: ['f0', 'f1'], nulls: { fill: -1 } }, s: { columns: ['s'] } },
    outputs: { y: 'y', t: 't' },
    id: ['k'],
    passthrough: Array.from({ length: 6 }, (_, i) => `c${i}`),
    output: { uri: join(folder, 'out/{partition}') },
    execution: {
      scorers: 1,
      chunkRows: [100_000, 10, 64][((number / TOGETHER) % 3) | 0],
      batchRows: [64, 1, 7, 1000][((number / TOGETHER) % 4) | 0],
    },
  };
}
