/* Scores every flight of 2013 on the embedded default, publishes the predictions, and looks five of them up by key. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { sayDuration } from '../src/base/telemetry/progress-line.ts';
import { printTable } from '../src/cli/output/print-table.ts';
import { openPredictions } from '../src/index.ts';

const FLIGHTS = [
  '20130101-UA1545-EWR-0515',
  '20130204-UA963-EWR-0608',
  '20130806-WN654-EWR-1200',
  '20130809-B6325-JFK-1430',
  '20130819-DL1163-JFK-1700',
];
/** A service answers its millionth request, not its first: that one compiles the code. */
const WARM_UP = 1000;

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
const say = (text: string): void => void process.stdout.write(`${text}\n`);

say('$ prescore run jobs/flight-delay.yaml --new-run');
const run = spawnSync(process.execPath, ['src/cli/main.ts', 'run', 'jobs/flight-delay.yaml', '--new-run'], {
  stdio: 'inherit',
});
if (run.status !== 0) process.exit(run.status ?? 1);

const predictions = await openPredictions('lmdb:out/predictions', 'flight-delay');
for (let i = 0; i < WARM_UP; i++) await predictions.get(FLIGHTS[i % FLIGHTS.length]!);
const rows: string[][] = [];
for (const flight of FLIGHTS) {
  const started = performance.now();
  const found = await predictions.get(flight);
  const micros = (performance.now() - started) * 1000;
  if (found === null) throw new Error(`no prediction of ${flight}`);
  const { values, model, ageMs } = found;
  const cells = [values['prediction'], Number(values['probability']).toFixed(4), model.name, model.version];
  rows.push([flight, ...cells.map(String), sayDuration(ageMs / 1000), `${micros.toFixed(0)} us`]);
}
await predictions.close();
say(`\nfive of them, looked up by key, after ${WARM_UP} others as in a service that runs:\n`);
printTable(['flight_id', 'late', 'probability', 'model', 'version', 'age', 'lookup'], rows, process.stdout);
say(
  '\nLook up any other, or read the same table from out/flight-delay/month=01 … month=12 with anything that reads Parquet:',
);
say(`  npm run -s prescore -- lookup ${FLIGHTS[0]} --store lmdb:out/predictions --set flight-delay`);
say('  npm run -s prescore -- verify out/flight-delay/month=01');
