/*
 * Long proofs: `npm run prove -- kills [--count 100] [--seed 1]`. Progress is kept in .prove/, so that an interrupted proof
 * goes on where it was; --fresh starts again.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type KillOutcome, proveKills } from './prove/kills.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    fresh: { type: 'boolean', default: false },
  },
});
if (positionals[0] !== 'kills') {
  process.stderr.write('usage: npm run prove -- kills [--count 100] [--seed 1] [--fresh]\n');
  process.exit(2);
}
const count = Number(values.count);
const seed = Number(values.seed);
const folder = join(fileURLToPath(new URL('..', import.meta.url)), '.prove', `kills-${seed}-${count}`);
const progress = join(folder, 'outcomes.json');
if (values.fresh) rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const outcomes = existsSync(progress) ? (JSON.parse(readFileSync(progress, 'utf8')) as KillOutcome[]) : [];
const done = new Set(outcomes.map((o) => o.index));
const kills = Array.from({ length: count }, (_, i) => i).filter((i) => !done.has(i));
process.stdout.write(`kills: seed ${seed}, ${count} kills, ${done.size} done before\n`);
await proveKills(
  {
    seed,
    kills,
    folder,
    onOutcome: (outcome) => {
      outcomes.push(outcome);
      writeFileSync(progress, JSON.stringify(outcomes, null, 1));
      const when = outcome.atMs === null ? '' : ` at ${Math.round(outcome.atMs)} ms`;
      process.stdout.write(
        `${outcomes.length}/${count} ${outcome.victim}${when}, ${outcome.chunksBefore} chunks recorded, ${outcome.resumes} resumes: ${outcome.fault || 'identical'}\n`,
      );
    },
  },
  count,
);
const bad = outcomes.filter((o) => o.fault !== '');
process.stdout.write(
  `${outcomes.length - bad.length} of ${outcomes.length} identical, ${outcomes.reduce((sum, o) => sum + o.resumes, 0)} resumes\n`,
);
process.exitCode = bad.length === 0 ? 0 : 1;
