import type { WrittenJob } from '../../base/contract/job.ts';
import { JOB_SHAPE, JOB_VERSION, type JobFile } from '../fields/job-fields.ts';
import { lintJob } from '../lint/lint-job.ts';
import { checkShape } from './check-shape.ts';
import { compileJob } from './compile-job.ts';
import { type FileFormat, type ParseOptions, parseFile } from './parse-file.ts';

export type { ParseOptions } from './parse-file.ts';

const JOB_FORMAT: FileFormat<JobFile, WrittenJob> = {
  says: 'job file',
  check: (tree, context) => checkShape(JOB_SHAPE, tree, [], context),
  versionKey: 'prescore',
  version: JOB_VERSION,
  compile: compileJob,
  lint: lintJob,
};

/** Reads a job file into a frozen WrittenJob. Errors: those of `parseFile`. Repeat: safe. */
export function parseJob(text: string, options: ParseOptions): WrittenJob {
  return parseFile(text, JOB_FORMAT, options);
}
