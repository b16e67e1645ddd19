import { type ChildProcess, fork } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import type { WrittenJob } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import { fromErrorJson, PrescoreError } from '../../base/errors/prescore-error.ts';
import { withOwnStore } from '../../data/object-store/own-store.ts';
import { chooseManifests } from '../../sets/publish/choose-manifests.ts';
import { describePublication, type Publication } from '../../sets/publish/publication.ts';
import type { PublishProgress } from '../../sets/publish/publish-set.ts';
import { publisherMemory } from './allowed-memory.ts';
import type { FromPublisher, PublishReport, PublishRequest } from './publisher-messages.ts';
import { makeScratch, removeScratch } from './scratch-folder.ts';
import { SpareChild } from './spare-child.ts';

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
export async function publishJob(
  job: WrittenJob,
  stores: StoreResolver,
  flags: PublishFlags,
): Promise<PublishReport | null> {
  let published: PublishReport | null = null;
  for (let round = 1; ; round++) {
    const publication = await newestOf(job, stores, flags);
    if (publication === null) return null;
    try {
      const report = await publishOnce(job, publication, { ...flags, isRebuild: flags.isRebuild && round === 1 });
      // What a further look did not change is told as what was published before it.
      if (report.outcome.kind === 'published' || published === null) published = report;
      if (!report.isAgainAsked || round === MOST_ROUNDS) return published;
    } catch (error) {
      // Its parts may have gone because something newer is committed, or whoever committed that relies on this process.
      if (flags.stop.aborted || round === MOST_ROUNDS) throw error;
      const newest = await newestOf(job, stores, flags);
      if (newest === null || newest.id === publication.id) throw error;
    }
  }
}

async function newestOf(job: WrittenJob, stores: StoreResolver, flags: PublishFlags): Promise<Publication | null> {
  const { predictions } = job;
  if (predictions === null) return null;
  const manifests = await chooseManifests(job, stores, predictions.mode === 'upsert' ? flags.partition : null);
  return manifests.length === 0
    ? null
    : describePublication(job.name, predictions, withOwnStore(job.stores, process.env), manifests);
}

async function publishOnce(job: WrittenJob, publication: Publication, flags: PublishFlags): Promise<PublishReport> {
  const { scratchBytes } = job.execution;
  const memoryBytes = publisherMemory(job.execution.memoryBytes);
  const { isForced, isRebuild } = flags;
  const scratchDir = await makeScratch();
  try {
    return await runPublisher({ publication, isForced, isRebuild, memoryBytes, scratchDir, scratchBytes }, flags);
  } finally {
    await removeScratch(scratchDir);
  }
}

/** The publisher process that a run starts when it commits. */
export const sparePublisher = new SpareChild(forkPublisher);

function forkPublisher(): ChildProcess {
  const isSource = import.meta.url.endsWith('.ts');
  return fork(new URL(isSource ? '../publisher-main.ts' : './publisher-main.js', import.meta.url), [], {
    env: { ...process.env, NODE_COMPILE_CACHE: getCompileCacheDir() ?? '' },
    execArgv: isSource ? ['--disable-warning=ExperimentalWarning'] : [],
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
}

function runPublisher(request: PublishRequest, flags: PublishFlags): Promise<PublishReport> {
  return new Promise((resolve, reject) => {
    const child = sparePublisher.take() ?? forkPublisher();
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
