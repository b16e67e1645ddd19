import type { JobPredictions, WrittenJob } from '../../base/contract/job.ts';
import type { StreamConfig } from '../../base/contract/stream-config.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { parseStream } from '../../job/parse/parse-stream.ts';
import { loadJob } from './load-job.ts';
import { readSpec } from './read-spec.ts';
import { refuseExpressions } from './refuse-expressions.ts';

/** A stream file with its job. */
export interface LoadedStream {
  readonly config: StreamConfig;
  readonly job: WrittenJob;
  readonly predictions: JobPredictions;
}

/** Reads and checks a stream file and its job file. Errors: SPEC_*, and those of `loadJob`. */
export function loadStream(path: string): LoadedStream {
  const config = parseStream(...readSpec(path, 'stream file'));
  const job = loadJob(config.job);
  const { predictions } = job;
  if (predictions === null) {
    const what = `job ${job.name} has no predictions: there is no set to write into`;
    throw new PrescoreError('SPEC_INVALID', { what, where: config.job, expected: 'predictions' });
  }
  refuseExpressions(job);
  const count = config.event.key?.length ?? predictions.key.length;
  if (count !== predictions.key.length) {
    throw new PrescoreError('SPEC_INVALID', {
      what: 'event.key has another number of fields than the key of the set',
      where: path,
      expected: predictions.key.join(', '),
      got: config.event.key?.join(', ') ?? '',
    });
  }
  return { config, job, predictions };
}
