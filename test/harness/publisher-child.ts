import { isPrescoreError } from '../../src/base/errors/prescore-error.ts';
import { loadJob } from '../../src/cli/load/load-job.ts';
import { reclaim } from '../../src/sets/publish/reclaim.ts';
import { openPredictionStore } from './prediction-stores.ts';
import { publishHere } from './publish-here.ts';

/* A publisher as a process of its own, whose lease lasts as long as its parent says: node publisher-child.ts JOB LEASE_MS */
const [job, leaseMs] = process.argv.slice(2);
try {
  const { outcome } = await publishHere(job!, { leaseMs: Number(leaseMs) });
  const { store: url, set } = loadJob(job!).predictions!;
  const store = await openPredictionStore(url);
  await reclaim(store, set);
  await store.close();
  process.stdout.write(`${outcome.kind}\n`);
} catch (error) {
  process.stdout.write(`${isPrescoreError(error) ? error.code : String(error)}\n`);
  process.exitCode = 1;
}
