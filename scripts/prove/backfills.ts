import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { seeded } from '../../src/model/elements/seeded.ts';
import { type CliRun, prescore, startPrescore } from '../../test/harness/cli.ts';
import type { ProofOptions, SaidOutcome } from './proof.ts';
import { CHUNKS, differences, digestsOf, writeInputs, writeTinyJob } from './tiny-run.ts';

const DAYS = 12;
const ROWS = 200;
const MOST_STARTS = 12;

type BackfillOptions = ProofOptions<SaidOutcome>;

/**
 * Drives backfills (of missing or of completed partitions) and kills the driver one to three times at seeded moments, or pauses it
 * from outside; now and then two drivers are started at once. Resumed until it is done, each partition must have exactly one new
 * manifest and one new run, with the values of an undisturbed backfill and no chunk record written twice.
 */
export async function proveBackfills(options: BackfillOptions): Promise<void> {
  mkdirSync(options.folder, { recursive: true });
  const inputs = Array.from({ length: DAYS }, (_, i) => join(options.folder, `in/${day(i)}/a.parquet`));
  await writeInputs(options.folder, inputs, ROWS);
  const began = performance.now();
  const reference = await undisturbed(options, 'reference', ['none', 'completed']);
  const wallMs = (performance.now() - began) / 2;
  for (const index of options.cases) options.onOutcome(await oneCase(index, options, reference, wallMs));
}

type Mode = 'none' | 'completed';

async function undisturbed(
  options: BackfillOptions,
  name: string,
  modes: readonly Mode[],
): Promise<Map<string, string>> {
  const folder = join(options.folder, name);
  const path = await job(options, folder);
  for (const mode of modes) {
    const result = await prescore(create(path, mode));
    if (result.code !== 0) throw new Error(`the undisturbed backfill failed: ${result.stderr}`);
  }
  return values(folder);
}

async function oneCase(
  index: number,
  options: BackfillOptions,
  reference: ReadonlyMap<string, string>,
  wallMs: number,
): Promise<SaidOutcome> {
  const random = seeded(options.seed * 1000 + index);
  const mode: Mode = random() < 0.5 ? 'none' : 'completed';
  const folder = join(options.folder, `case-${index}`);
  const path = await job(options, folder);
  if (mode === 'completed') await prescore(create(path, 'none'));
  let left = 1 + Math.floor(random() * 3);
  let starts = 0;
  let blows = '';
  const faults: string[] = [];
  const seen = digestsOf(join(folder, 'out'), CHUNKS);
  for (let code: number | null = 1; code !== 0 && starts < MOST_STARTS; ) {
    // The newest come first; the oldest of completed partitions made them.
    const own = (await states(path)).slice(0, mode === 'none' ? undefined : -1);
    // A kill between the last record and the exit: all is done, and another one would be one too many.
    if (own.length > 0 && own.every((state) => state === 'done')) break;
    const isNew = own.length === 0;
    const run = startPrescore(isNew ? create(path, mode) : ['backfill', 'resume', path, '--json']);
    const twin = !isNew && random() < 0.3 ? startPrescore(['backfill', 'resume', path, '--json']) : null;
    starts++;
    if (left > 0) {
      left--;
      const isPause = random() < 0.3;
      blows += isPause ? ' pause' : ' kill';
      await blow(run, path, isPause, random() * wallMs * 1.1);
    }
    const results = await Promise.all([run.result, twin?.result]);
    code = results.some((r) => r?.code === 0) ? 0 : 1;
    for (const [name, digest] of digestsOf(join(folder, 'out'), CHUNKS)) {
      if ((seen.get(name) ?? digest) !== digest) faults.push(`chunk record ${name} changed`);
      seen.set(name, digest);
    }
  }
  const shown = (await prescore(['backfill', 'show', path, '--json'])).events[0];
  if (shown?.['state'] !== 'done') faults.push(`it is ${String(shown?.['state'])} after ${starts} starts`);
  const each = mode === 'none' ? 1 : 2;
  for (let i = 0; i < DAYS; i++) {
    const manifests = readdirSync(join(folder, `out/_prescore/manifests/${day(i)}`)).filter((n) =>
      /^\d+\.json$/.test(n),
    );
    if (manifests.length !== each) faults.push(`${day(i)} has ${manifests.length} manifests, not ${each}`);
  }
  const runs = readdirSync(join(folder, 'out/_prescore/runs')).length;
  if (runs !== DAYS * each) faults.push(`${runs} runs, not ${DAYS * each}`);
  if (seen.size !== DAYS * each) faults.push(`${seen.size} chunk records, not ${DAYS * each}`);
  faults.push(...differences('values of', onlyDays(reference), onlyDays(values(folder))));
  if (faults.length === 0) rmSync(folder, { recursive: true, force: true });
  return { index, say: `${mode},${blows}; ${starts} starts`, fault: faults.join('; ') };
}

/** States of the backfills of a job. */
async function states(path: string): Promise<readonly unknown[]> {
  const { events } = await prescore(['backfill', 'list', path, '--json']);
  return events.map((e) => e['state']);
}

async function blow(run: CliRun, path: string, isPause: boolean, atMs: number): Promise<void> {
  await Promise.race([run.result, new Promise((resolve) => setTimeout(resolve, atMs))]);
  if (run.child.exitCode !== null) return;
  if (isPause && (await states(path)).some((state) => state !== 'done')) await prescore(['backfill', 'pause', path]);
  else run.child.kill('SIGKILL');
}

// Part names hold the attempt; what a partition's part holds does not.
function values(folder: string): Map<string, string> {
  return digestsOf(join(folder, 'out'), /^\d{4}-\d\d-\d\d\/part-[^/]*\.parquet$/);
}

function onlyDays(parts: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...parts].map(([name, digest]) => [name.slice(0, 10), digest]));
}

function day(i: number): string {
  return `2026-01-${String(i + 1).padStart(2, '0')}`;
}

function create(path: string, mode: Mode): string[] {
  const range = ['--from', day(0), '--to', day(DAYS - 1), '--max-active', '3'];
  return ['backfill', 'create', path, ...range, '--reprocess', mode, '--json'];
}

function job(options: BackfillOptions, folder: string): Promise<string> {
  return writeTinyJob(folder, {
    input: { uri: join(options.folder, 'in/{partition}/*.parquet') },
    partitions: { every: 'day', format: '%Y-%m-%d', start: '2026-01-01' },
    output: { uri: join(folder, 'out/{partition}') },
    execution: { scorers: 1 },
  });
}
