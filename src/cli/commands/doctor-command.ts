import { statfsSync } from 'node:fs';
import type { Job, WrittenJob } from '../../base/contract/job.ts';
import { sayRowDependence } from '../../base/contract/row-dependence.ts';
import { toPrescoreError } from '../../base/errors/prescore-error.ts';
import { sayBytes } from '../../base/telemetry/progress-line.ts';
import { tableRoot } from '../../job/slots/table-root.ts';
import { settleJob } from '../../run/pipeline/settle-job.ts';
import { loadJob } from '../load/load-job.ts';
import { allowedMemory } from '../processes/allowed-memory.ts';
import { availableParallelism, constrainedMemory, tmpdir, totalmem } from '../processes/host.ts';
import { ModelScorers } from '../processes/model-scorers.ts';
import { isNamedNode } from '../processes/node-lines.ts';
import { endOnSignal } from '../processes/stop-signals.ts';
import { tryLocale } from '../processes/try-locale.ts';
import { openPredictionStore } from '../wiring/open-prediction-store.ts';
import { createStoreResolver } from '../wiring/open-store.ts';
import { namedNodes, readVersions } from '../wiring/versions.ts';
import type { Attempt, Finding } from './doctor-finding.ts';

const GIB = 1024 ** 3;

/** `prescore doctor [JOB] [--redis URL]`: exit code 0, or that of the first thing that fails. */
export async function doctorCommand(
  path: string | undefined,
  flags: { readonly json?: boolean; readonly redis?: string },
): Promise<number> {
  const findings: Finding[] = [...hostFindings()];
  let exitCode = 0;
  const attempt: Attempt = async (check, task) => {
    try {
      findings.push({ check, ...(await task()) });
    } catch (error) {
      const known = toPrescoreError(error);
      if (exitCode === 0) exitCode = known.exitCode;
      // The message ends with the advice, which has a line of its own here.
      const found = known.message.slice(0, -`. ${known.fix}`.length);
      findings.push({ check, verdict: 'fail', found, fix: known.fix });
    }
  };
  const { checkScoring } = await import('./doctor-scoring.ts');
  await checkScoring(attempt);
  let device: string | null = null;
  let isLoaded = false;
  if (path !== undefined) {
    let job: WrittenJob | null = null;
    await attempt('job file', async () => {
      job = loadJob(path);
      device = job.execution.device;
      return { verdict: 'ok', found: job.name, fix: '' };
    });
    if (job !== null) isLoaded = await checkJob(job, attempt);
  }
  await attempt('locale', () => checkLocale(isLoaded));
  const { checkGpu } = await import('./doctor-gpu.ts');
  await checkGpu(device, attempt);
  const redis = flags.redis ?? process.env['PRESCORE_REDIS_URL'];
  if (redis !== undefined && redis !== '') {
    const { checkQueue } = await import('./doctor-queue.ts');
    await checkQueue(redis, attempt);
  }
  // The only one that fails without an error: a setting with which stores refuse to work.
  if (exitCode === 0 && findings.some((f) => f.verdict === 'fail')) exitCode = 6;
  for (const { check, verdict, found, fix } of findings) {
    if (flags.json === true) process.stdout.write(`${JSON.stringify({ check, verdict, found, fix })}\n`);
    else
      process.stdout.write(
        `${verdict.padEnd(4)}  ${check.padEnd(22)} ${found}${fix === '' ? '' : `\n      -> ${fix}`}\n`,
      );
  }
  return exitCode;
}

function hostFindings(): Finding[] {
  const versions = readVersions();
  const cores = availableParallelism();
  const memory = constrainedMemory() ?? totalmem();
  const scratch = statfsSync(tmpdir());
  const free = scratch.bavail * scratch.bsize;
  const ok = (check: string, found: string): Finding => ({ check, verdict: 'ok', found, fix: '' });
  const warn = (check: string, found: string, fix: string): Finding => ({ check, verdict: 'warn', found, fix });
  return [
    isNamedNode(process.versions.node, namedNodes())
      ? ok('Node', process.version)
      : warn('Node', `${process.version}, on which prescore is not tested`, `Use a release of ${namedNodes()}.`),
    ok('prescore', versions.prescore),
    ok('libraries', `DuckDB ${versions.duckdb}, ONNX Runtime ${versions.onnxruntime}`),
    ok('cores', `${cores}: that many scorers by default`),
    memory < GIB / 2
      ? warn('memory', sayBytes(memory), 'A scorer needs about 400 MiB beside the model.')
      : ok(
          'memory',
          `${sayBytes(memory)}, of which execution.memory: auto allows ${sayBytes(allowedMemory('auto').bytes)}`,
        ),
    free < 2 * GIB
      ? warn('scratch', `${sayBytes(free)} free in ${tmpdir()}`, 'Set TMPDIR to a disk with more space.')
      : ok('scratch', `${sayBytes(free)} free in ${tmpdir()}`),
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0'
      ? {
          check: 'TLS',
          verdict: 'fail',
          found: 'NODE_TLS_REJECT_UNAUTHORIZED=0 switches certificate checks off',
          fix: 'Unset it; for a private CA set NODE_EXTRA_CA_CERTS.',
        }
      : ok('TLS', 'certificates are checked'),
  ];
}

// Whether the model could be loaded.
async function checkJob(written: WrittenJob, attempt: Attempt): Promise<boolean> {
  const stores = createStoreResolver(written.stores, { env: process.env });
  const scorers = new ModelScorers(stores, true, () => undefined);
  const done = endOnSignal(() => scorers.kill());
  try {
    let settled: Job | null = null;
    await attempt('model', async () => {
      const job = await settleJob(written, stores);
      const { model } = await scorers.load(job);
      settled = job;
      const pinned = job.model.sha256 !== null;
      const found = `${model.sha256.slice(0, 12)}…, ${sayBytes(model.bytes)}, ${model.irVersion === 0 ? model.producer : `IR ${model.irVersion}`}, loads`;
      if (model.dynamicQuantization)
        return {
          verdict: 'warn',
          found: `${found}; ${sayRowDependence('quantization')}`,
          fix: 'See: prescore help models.',
        };
      return pinned
        ? { verdict: 'ok', found, fix: '' }
        : { verdict: 'warn', found: `${found}; not pinned`, fix: `Set model.sha256: ${model.sha256}` };
    });
    // Without a model there is nothing to say of rows.
    const job = settled as Job | null;
    if (job !== null) {
      const { checkFirstRows } = await import('./doctor-scoring.ts');
      await checkFirstRows(job, stores, () => scorers.load(job), attempt);
    }
    for (const [check, uri] of [
      ['output store', tableRoot(written.output.uri)],
      ['state store', written.state],
    ] as const) {
      await attempt(check, async () => {
        const { store, key } = stores.at(uri);
        const { conditionalPut, conditionalComplete } = await store.probe(key);
        const promises = `put-if-absent ${conditionalPut ? 'yes' : 'NO'}, conditional completion ${conditionalComplete ? 'yes' : 'NO'}`;
        if (conditionalPut && conditionalComplete) return { verdict: 'ok', found: promises, fix: '' };
        return {
          verdict: 'warn',
          found: promises,
          fix: 'Two runs at once can overwrite each other here: start only one, or use a store with conditional writes.',
        };
      });
    }
    if (written.predictions !== null) {
      const { store, set } = written.predictions;
      await attempt('prediction store', () => checkPredictions(store, set));
    }
    return job !== null;
  } finally {
    done();
    await scorers.close();
    await stores.close();
  }
}

// A model that loads has what it needs.
async function checkLocale(isModelLoaded: boolean): Promise<Omit<Finding, 'check'>> {
  const missing = await tryLocale();
  if (missing === null) return { verdict: 'ok', found: 'en_US.UTF-8, for models that normalize texts', fix: '' };
  if (isModelLoaded) return { verdict: 'ok', found: 'en_US.UTF-8 is missing, and this model needs none', fix: '' };
  const found = 'en_US.UTF-8 is missing: models that normalize texts (such as TF-IDF) cannot be loaded';
  return { verdict: 'warn', found, fix: missing.fix };
}

async function checkPredictions(url: string, set: string): Promise<Omit<Finding, 'check'>> {
  const { store, warnings } = await openPredictionStore(url, process.env);
  try {
    const pointer = await store.readPointer(set);
    const served =
      pointer === null || pointer.generation === 0 ? 'nothing is published' : `serves generation ${pointer.generation}`;
    const found = `${store.url}, set ${set}: ${served}`;
    if (warnings.length === 0) return { verdict: 'ok', found, fix: '' };
    return {
      verdict: 'warn',
      found: `${found}; ${warnings.join('; ')}`,
      fix: 'prescore help prediction-sets says how to set up the server.',
    };
  } finally {
    await store.close();
  }
}
