import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { seeded } from '../../src/model/elements/seeded.ts';
import { type CliResult, type CliRun, prescore, startPrescore } from '../../test/harness/cli.ts';
import { childrenOf } from '../../test/harness/processes.ts';
import type { ProofOptions, SaidOutcome } from './proof.ts';
import { CHUNKS, differences, digestsOf, MANIFESTS, PARTS, writeInputs, writeTinyJob } from './tiny-run.ts';

const FILES = 12;
const ROWS = 400;
const MOST_STARTS = 6;

type ShardOptions = ProofOptions<SaidOutcome>;

type Blow = 'kill' | 'kill child' | 'stop' | 'between-part-and-record' | 'shard-scored' | 'shard-committing';
const BLOWS: readonly Blow[] = [
  'kill',
  'kill',
  'kill child',
  'stop',
  'between-part-and-record',
  'shard-scored',
  'shard-committing',
];

/**
 * Shares runs among 2 to 4 shards, all at once, and strikes one or two of them at seeded moments: kill -9 of shard or scorer, a stop of
 * up to two seconds, a kill at a named point. Shards that do not end well are started again, as a scheduler does, until all have ended
 * with 0. Then the bytes must be those of the undivided run, in one manifest, with no record written twice.
 */
export async function proveShards(options: ShardOptions): Promise<void> {
  mkdirSync(options.folder, { recursive: true });
  const inputs = Array.from({ length: FILES }, (_, i) =>
    join(options.folder, `in/${String(i).padStart(2, '0')}.parquet`),
  );
  await writeInputs(options.folder, inputs, ROWS);
  const whole = join(options.folder, 'whole');
  const began = performance.now();
  const undivided = await prescore(['run', await job(whole, inputs), ...AS_OF]);
  if (undivided.code !== 0) throw new Error(`the undivided run failed: ${undivided.stderr}`);
  const wallMs = performance.now() - began;
  const expected = digestsOf(join(whole, 'out'), PARTS);
  if (expected.size !== FILES) throw new Error(`the undivided run has ${expected.size} parts`);
  for (const index of options.cases) options.onOutcome(await oneCase(index, options, inputs, expected, wallMs));
}

const AS_OF = ['--as-of', '2026-03-01', '--json'];

async function oneCase(
  index: number,
  options: ShardOptions,
  inputs: readonly string[],
  expected: ReadonlyMap<string, string>,
  wallMs: number,
): Promise<SaidOutcome> {
  const random = seeded(options.seed * 1000 + index);
  const folder = join(options.folder, `case-${index}`);
  const path = await job(folder, inputs);
  const count = 2 + Math.floor(random() * 3);
  const blows = new Map<number, { readonly blow: Blow; readonly atMs: number; readonly pick: number }>();
  for (let k = 0; k < 1 + Math.floor(random() * 2); k++) {
    const blow = BLOWS[Math.floor(random() * BLOWS.length)]!;
    blows.set(Math.floor(random() * count), { blow, atMs: random() * wallMs * 1.2, pick: random() });
  }
  const seen = new Map<string, string>();
  const faults: string[] = [];
  let starts = 0;
  let commits = 0;
  const keep = async (shard: number): Promise<void> => {
    for (let start = 0; start < MOST_STARTS; start++) {
      const blow = start === 0 ? blows.get(shard) : undefined;
      const isNamed = blow !== undefined && !['kill', 'kill child', 'stop'].includes(blow.blow);
      const env: Record<string, string> = isNamed ? { PRESCORE_FAULT: blow.blow } : {};
      const run = startPrescore(['run', path, '--shard', `${shard}/${count}`, ...AS_OF], { env });
      starts++;
      if (blow !== undefined && !isNamed) void strike(run, blow.blow, blow.atMs, blow.pick);
      const result = await run.result;
      for (const [name, digest] of digestsOf(join(folder, 'out'), CHUNKS)) {
        if ((seen.get(name) ?? digest) !== digest) faults.push(`chunk record ${name} changed`);
        seen.set(name, digest);
      }
      if (result.code !== 0) continue;
      if (isCommit(result)) commits++;
      return;
    }
    faults.push(`shard ${shard} did not end well in ${MOST_STARTS} starts`);
  };
  await Promise.all(Array.from({ length: count }, (_, shard) => keep(shard)));
  faults.push(...differences('part', expected, digestsOf(join(folder, 'out'), PARTS)));
  const manifests = digestsOf(join(folder, 'out'), MANIFESTS);
  if (manifests.size !== 1) faults.push(`${manifests.size} manifests`);
  if (seen.size !== FILES) faults.push(`${seen.size} chunk records for ${FILES} chunks`);
  if (commits > 1) faults.push(`${commits} shards say that they committed`);
  if (faults.length === 0) rmSync(folder, { recursive: true, force: true });
  const struck = [...blows].map(([shard, { blow }]) => `${shard}: ${blow}`).join(', ');
  return { index, say: `${count} shards, ${struck}; ${starts} starts`, fault: faults.join('; ') };
}

function isCommit(result: CliResult): boolean {
  const done = result.events.findLast((e) => e['event'] === 'done');
  return done?.['committed'] === true && done['alreadyDone'] !== true;
}

async function strike(run: CliRun, blow: Blow, atMs: number, pick: number): Promise<void> {
  await Promise.race([run.result, new Promise((resolve) => setTimeout(resolve, atMs))]);
  const { pid } = run.child;
  if (pid === undefined || run.child.exitCode !== null || run.child.signalCode !== null) return;
  const children = childrenOf(pid);
  const victim = blow === 'kill child' && children.length > 0 ? children[Math.floor(pick * children.length)]! : pid;
  try {
    process.kill(victim, blow === 'stop' ? 'SIGSTOP' : 'SIGKILL');
    if (blow !== 'stop') return;
    await new Promise((resolve) => setTimeout(resolve, 2000 * pick));
    process.kill(victim, 'SIGCONT');
  } catch {
    // It had ended by itself.
  }
}

function job(folder: string, inputs: readonly string[]): Promise<string> {
  return writeTinyJob(folder, {
    input: { uri: inputs },
    output: { uri: join(folder, 'out'), lineage: true },
    execution: { scorers: 1, chunkRows: ROWS },
  });
}
