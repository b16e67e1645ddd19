import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CaseName } from './cases.ts';
import { type ContenderName, candidatesOf, commandOf, PYTHON_SCRIPTS, type Settings } from './contenders.ts';
import { prepareCase } from './data.ts';
import { measure } from './measure.ts';
import { note, PYTHON, WORK } from './paths.ts';
import { pinnedVersions } from './python-env.ts';

/** The settings that a peer is measured with, and what was tried. */
export interface Tuned {
  readonly settings: Settings;
  readonly tried: readonly { readonly settings: Settings; readonly wall: number }[];
}

const NO_PROGRAMS = { prescore: '', limit: '' };
// Six row groups: enough for two processes, few enough for a dozen runs.
const TUNE_ROWS = 6 * 65_536;

/**
 * Finds the fastest settings of a peer on the first rows of the case: each is run once, and kept on disk for later runs of
 * the benchmark. A peer is thus always measured at its best, and no setting is chosen by us.
 */
export async function tune(name: ContenderName, caseName: CaseName, rows: number, again: boolean): Promise<Tuned> {
  const steps = candidatesOf(name, caseName);
  if (steps === undefined || name === 'prescore' || name === 'limit') return { settings: {}, tried: [] };
  const tuneRows = Math.min(rows, TUNE_ROWS);
  const [script, kind] = PYTHON_SCRIPTS[name];
  const sources = [script, 'case_scorer.py'].map((file) => readFileSync(join(PYTHON, file), 'utf8'));
  const key = { steps, sources, versions: pinnedVersions(kind) };
  const path = join(WORK, 'tuned', `${caseName}-${tuneRows}-${name}.json`);
  if (!again && existsSync(path)) {
    const kept = JSON.parse(readFileSync(path, 'utf8')) as { key: typeof key; tuned: Tuned };
    if (JSON.stringify(kept.key) === JSON.stringify(key)) return kept.tuned;
  }
  const tuned = await search(name, caseName, tuneRows, steps);
  await mkdir(join(WORK, 'tuned'), { recursive: true });
  await writeFile(path, JSON.stringify({ key, tuned }, null, 1));
  return tuned;
}

async function search(
  name: ContenderName,
  caseName: CaseName,
  rows: number,
  steps: readonly (readonly Settings[])[],
): Promise<Tuned> {
  const prepared = await prepareCase(caseName, rows);
  const tried: { settings: Settings; wall: number }[] = [];
  for (const step of steps) {
    const base = best(tried)?.settings ?? {};
    for (const change of step) {
      const settings = { ...base, ...change };
      const folder = join(WORK, 'out', `${process.pid}-tune`);
      const command = await commandOf(name, {
        prepared,
        folder,
        settings,
        programs: NO_PROGRAMS,
        s3: null,
        memory: '',
      });
      const wall = await measure(command, join(folder, 'log'), false).then(
        (run) => run.wall,
        () => null,
      );
      await rm(folder, { recursive: true, force: true });
      note(`  tuning ${name}: ${JSON.stringify(settings)} ${wall === null ? 'failed' : `${wall.toFixed(2)} s`}`);
      // Settings with which a peer does not work are not its best.
      if (wall === null) continue;
      tried.push({ settings, wall });
    }
  }
  const found = best(tried);
  if (found === undefined) throw new Error(`${name} works with none of its settings`);
  return { settings: found.settings, tried };
}

function best(tried: readonly { readonly settings: Settings; readonly wall: number }[]) {
  return [...tried].sort((a, b) => a.wall - b.wall)[0];
}
