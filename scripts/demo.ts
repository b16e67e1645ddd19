/* Scores every flight of 2013 on the embedded default and shows five of the answers. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { printTable } from '../src/cli/print-table.ts';
import { Duck } from '../src/columnar/duckdb.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
const say = (text: string): void => void process.stdout.write(`${text}\n`);

say('$ prescore run jobs/flight-delay.yaml --new-run');
const run = spawnSync(process.execPath, ['src/cli/main.ts', 'run', 'jobs/flight-delay.yaml', '--new-run'], {
  stdio: 'inherit',
});
if (run.status !== 0) process.exit(run.status ?? 1);

const scratchDir = mkdtempSync(join(tmpdir(), 'prescore-demo-'));
const duck = await Duck.open({ memoryBytes: 256 * 2 ** 20, scratchDir, scratchBytes: 2 ** 30 });
const rows =
  await duck.rows(`select flight_id, event_time::VARCHAR, prediction, round(probability::DOUBLE, 4), model_name, model_version
  from read_parquet('out/flight-delay/month=*/*.parquet', hive_partitioning = false)
  order by hash(flight_id) limit 5`);
duck.close();
rmSync(scratchDir, { recursive: true, force: true });
say('\nfive of the predictions:\n');
printTable(
  ['flight_id', 'event_time', 'late', 'probability', 'model', 'version'],
  rows.map((row) => row.map(String)),
  process.stdout,
);
say(
  '\nThe files are in out/flight-delay/month=01 … month=12. Read them with anything that reads Parquet, or check them:',
);
say('  npm run -s prescore -- verify out/flight-delay/month=01');
