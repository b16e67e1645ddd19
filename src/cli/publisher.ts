import { fork } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import type { Job } from '../contract/job.ts';
import type { StoreResolver } from '../contract/object-store.ts';
import { fromErrorJson, PrescoreError } from '../errors/prescore-error.ts';
import { chooseManifests } from '../publish/choose-manifests.ts';
import { describePublication } from '../publish/publication.ts';
import type { PublishProgress } from '../publish/publish-set.ts';
import type { FromPublisher, PublishReport, PublishRequest } from './publisher-messages.ts';
import { makeScratch, removeScratch } from './scratch-folder.ts';

/** A publisher is asked again when others committed while it was at work; they do not keep on doing that. */
const MOST_ROUNDS = 10;

export interface PublishFlags {
  readonly isForced: boolean;
  readonly isRebuild: boolean;
  /** For `mode: upsert`: the one partition whose rows are written. */
  readonly partition: string | null;
  readonly onProgress: (progress: PublishProgress) => void;
  readonly stop: AbortSignal;
}

/**
 * Publishes a job's committed predictions in a process of its own. Null when nothing is committed yet.
 *
 * Errors: those of `publishSet`; SCORER_CRASHED when the process ends by itself; INTERRUPTED.
 */
export async function publishJob(job: Job, stores: StoreResolver, flags: PublishFlags): Promise<PublishReport | null> {
  if (job.predictions === null) return null;
  const { predictions, execution } = job;
  for (let round = 1; ; round++) {
    const manifests = await chooseManifests(job, stores, predictions.mode === 'upsert' ? flags.partition : null);
    if (manifests.length === 0) return null;
    const publication = describePublication(job.name, predictions, job.stores, manifests);
    const scratchDir = await makeScratch();
    try {
      const report = await runPublisher(
        {
          publication,
          isForced: flags.isForced,
          isRebuild: flags.isRebuild && round === 1,
          memoryBytes: execution.memoryBytes,
          scratchDir,
          scratchBytes: execution.scratchBytes,
        },
        flags,
      );
      if (!report.isAgainAsked || round === MOST_ROUNDS) return report;
    } finally {
      await removeScratch(scratchDir);
    }
  }
}

function runPublisher(request: PublishRequest, flags: PublishFlags): Promise<PublishReport> {
  const isSource = import.meta.url.endsWith('.ts');
  return new Promise((resolve, reject) => {
    const child = fork(new URL(isSource ? './publisher-main.ts' : './publisher-main.js', import.meta.url), [], {
      env: { ...process.env, NODE_COMPILE_CACHE: getCompileCacheDir() ?? '' },
      execArgv: isSource ? ['--disable-warning=ExperimentalWarning'] : [],
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    let verdict: PrescoreError | null = null;
    const end = (error: PrescoreError): void => {
      verdict ??= error;
      child.kill('SIGKILL');
    };
    const onStop = (): void => end(new PrescoreError('INTERRUPTED', { what: 'interrupted while publishing' }));
    flags.stop.addEventListener('abort', onStop);
    if (flags.stop.aborted) onStop();
    child.on('message', (message: FromPublisher) => {
      if (message.kind === 'progress') flags.onProgress(message.progress);
      else if (message.kind === 'done') {
        resolve(message.report);
        child.kill('SIGKILL');
      } else end(fromErrorJson(message.error));
    });
    child.on('error', (error) => end(crashed(error.message)));
    child.on('exit', (code, signal) => {
      flags.stop.removeEventListener('abort', onStop);
      reject(verdict ?? crashed(signal === null ? `exit code ${code}` : `signal ${signal}`));
    });
    child.send(request, () => undefined);
  });
}

function crashed(how: string): PrescoreError {
  return new PrescoreError('SCORER_CRASHED', {
    what: `the publisher process ended by itself (${how})`,
    fix: 'Start the same command again; pages that are written are kept, and the old generation is served.',
  });
}
