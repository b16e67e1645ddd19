import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seeded } from '../../src/model/elements/seeded.ts';
import { type CliRun, startPrescore } from '../../test/harness/cli.ts';
import { childrenOf } from '../../test/harness/processes.ts';
import type { Outcome, ProofOptions } from './proof.ts';
import { CHUNKS, differences, digestsOf, PARTS } from './tiny-run.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export type Victim = 'supervisor' | 'child' | 'between part and record';

/** What one kill did. */
export interface KillOutcome extends Outcome {
  readonly victim: Victim;
  /** Milliseconds from the start; null at the named point. */
  readonly atMs: number | null;
  /** Chunks that had a record when the process died. */
  readonly chunksBefore: number;
  readonly resumes: number;
}

type KillOptions = ProofOptions<KillOutcome>;

interface Reference {
  readonly parts: ReadonlyMap<string, string>;
  readonly wallMs: number;
}

/** Which kill comes at the named point: the last tenth. */
export function victimOf(index: number, total: number, random: number): Victim {
  if (index >= total - Math.ceil(total / 10)) return 'between part and record';
  return random < 0.5 ? 'supervisor' : 'child';
}

/**
 * Runs a job over and over, kills it with SIGKILL at a seeded moment, starts it again until it is done, and compares every
 * part byte for byte with an undisturbed run. A chunk that had a record before the kill must have the same record after.
 * Kills come at times uniform from start to commit, the last tenth of `total` at the named point.
 */
export async function proveKills(options: KillOptions, total: number): Promise<void> {
  mkdirSync(options.folder, { recursive: true });
  const reference = await undisturbed(options.folder);
  for (const index of options.cases) options.onOutcome(await oneKill(index, total, options, reference));
}

async function undisturbed(folder: string): Promise<Reference> {
  // Twice: the first start fills caches, the second one is what a kill is timed against.
  for (const name of ['warm', 'reference']) {
    const job = writeJob(join(folder, name));
    const started = performance.now();
    const result = await start(job).result;
    if (result.code !== 0) throw new Error(`the undisturbed run failed: ${result.stderr}`);
    if (name === 'reference')
      return { parts: digestsOf(join(folder, name, 'out'), PARTS), wallMs: performance.now() - started };
  }
  throw new Error('unreachable');
}

async function oneKill(index: number, total: number, options: KillOptions, reference: Reference): Promise<KillOutcome> {
  const random = seeded(options.seed * 1000 + index);
  const victim = victimOf(index, total, random());
  const folder = join(options.folder, `kill-${index}`);
  rmSync(folder, { recursive: true, force: true });
  const job = writeJob(folder);
  const atMs = victim === 'between part and record' ? null : random() * reference.wallMs;
  const first = start(job, victim === 'between part and record' ? { PRESCORE_FAULT: 'between-part-and-record' } : {});
  if (atMs !== null) await killAt(first, victim, atMs, random);
  const dead = await first.result;
  const before = digestsOf(join(folder, 'out'), CHUNKS);
  const visible = visibleParts(folder);
  let resumes = 0;
  let last = dead;
  while (last.code !== 0 && resumes < 3) {
    resumes++;
    last = await start(job).result;
  }
  const faults: string[] = [];
  if (last.code !== 0) faults.push(`not done after ${resumes} starts: ${last.code} ${last.stderr.slice(-300)}`);
  if (victim === 'between part and record' && dead.signal !== 'SIGKILL') faults.push('the named point was not reached');
  // Before its manifest a run may show parts only once every chunk has a record.
  if (visible > 0 && before.size < reference.parts.size)
    faults.push(`${visible} parts were visible with ${before.size} records`);
  const after = digestsOf(join(folder, 'out'), CHUNKS);
  for (const [name, digest] of before)
    if (after.get(name) !== digest) faults.push(`chunk record ${name} changed: a finished chunk was scored again`);
  faults.push(...differences('part', reference.parts, digestsOf(join(folder, 'out'), PARTS)));
  const leftovers = readdirSync(join(folder, 'out')).filter((name) => name.startsWith('.prescore-'));
  if (leftovers.length > 0) faults.push(`${leftovers.join(', ')} left behind`);
  if (faults.length === 0) rmSync(folder, { recursive: true, force: true });
  return { index, victim, atMs, chunksBefore: before.size, resumes, fault: faults.join('; ') };
}

async function killAt(run: CliRun, victim: Victim, atMs: number, random: () => number): Promise<void> {
  const isOver = await Promise.race([
    run.result.then(() => true),
    new Promise<boolean>((resolve) => setTimeout(() => resolve(false), atMs)),
  ]);
  if (isOver || run.child.pid === undefined) return;
  const children = childrenOf(run.child.pid);
  const target =
    victim === 'child' && children.length > 0 ? children[Math.floor(random() * children.length)]! : run.child.pid;
  try {
    process.kill(target, 'SIGKILL');
  } catch {
    // It was gone already.
  }
}

function start(job: string, env: Record<string, string> = {}): CliRun {
  return startPrescore(['run', job, '--as-of', '2013-04-01', '--json'], { env });
}

function writeJob(folder: string): string {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const model = join(root, 'fixtures/models/delay_histgb.onnx');
  const job = {
    prescore: 1,
    name: 'kills',
    model: { uri: model, version: '1', sha256: createHash('sha256').update(readFileSync(model)).digest('hex') },
    input: {
      uri: ['01', '02', '03', '04', '05', '06'].map((month) =>
        join(root, `fixtures/flights/month=${month}/part-0.parquet`),
      ),
    },
    features: { input: { columns: flightFeatures() } },
    outputs: { prediction: { tensor: 'label' }, probability: { tensor: 'probabilities', index: 1 } },
    id: ['flight_id'],
    passthrough: ['event_time'],
    output: { uri: join(folder, 'out'), lineage: true },
    execution: { chunkRows: 16384, scorers: 2 },
  };
  const path = join(folder, 'job.yaml');
  writeFileSync(path, JSON.stringify(job));
  return path;
}

function flightFeatures(): string[] {
  const text = readFileSync(join(root, 'jobs/flight-delay.yaml'), 'utf8');
  const list = /columns: \[([^\]]+)\]/.exec(text)?.[1] ?? '';
  return list.split(',').map((name) => name.trim());
}

function visibleParts(folder: string): number {
  try {
    return readdirSync(join(folder, 'out')).filter((name) => name.endsWith('.parquet')).length;
  } catch {
    return 0;
  }
}
