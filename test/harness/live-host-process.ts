import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { openModelHost } from '../../src/inference/host/model-host.ts';
import { floats, testLaunch } from './live-host.ts';
import { sha256Of } from './temp-job.ts';

/* A server's process to be killed in a test: serves the model of its argument, prints the child's pid and asks it something. */
const [path = '', scratch = ''] = process.argv.slice(2);
const host = openModelHost({
  launch: testLaunch(),
  scratchDir: mkdtempSync(join(scratch, 'host-')),
  folder: null,
  // One warm-up batch instead of two: the slow model takes a second for each.
  batcher: { maxBatchRows: 1 },
});
const model = await host.addModel({ name: 'm', version: null, sha256: sha256Of(path), file: { path } });
process.stdout.write(`${host.stats()[0]!.pid}\n`);
await model.infer(floats('x', 3, [1, 2, 3], { deadlineMs: 60_000 })).catch(() => undefined);
setInterval(() => undefined, 1000);
