import type { StreamConfig } from '../../base/contract/stream-config.ts';
import { STREAM_SHAPE, STREAM_VERSION, type StreamFile } from '../fields/stream-fields.ts';
import type { IssueList, Report } from '../tree/issues.ts';
import { nearestPosition, type SpecNode } from '../tree/tree.ts';
import { checkShape } from './check-shape.ts';
import { type FileFormat, type ParseOptions, parseFile } from './parse-file.ts';

const STREAM_FORMAT: FileFormat<StreamFile, StreamConfig> = {
  says: 'stream file',
  check: (tree, context) => checkShape(STREAM_SHAPE, tree, [], context),
  versionKey: 'prescore-stream',
  version: STREAM_VERSION,
  compile: compileStream,
  lint: lintStream,
};

/** Reads a stream file. Errors: those of `parseFile`. Repeat: safe. */
export function parseStream(text: string, options: ParseOptions): StreamConfig {
  return parseFile(text, STREAM_FORMAT, options);
}

function compileStream({ job, stream, event, batch, deadLetter, retry }: StreamFile): StreamConfig {
  return {
    job,
    stream,
    event,
    batch: { maxRows: batch.maxRows, maxWaitMs: batch.maxWait },
    deadLetter: deadLetter ?? `${stream.key}:dead`,
    retry: { claimAfterMs: retry.claimAfter, maxDeliveries: retry.maxDeliveries },
  };
}

function lintStream({ stream, event, deadLetter }: StreamConfig, tree: SpecNode, issues: IssueList): void {
  const report: Report = (path, text) => issues.add(nearestPosition(tree, path), path, text);
  if (stream.redis.startsWith('lmdb:')) report(['stream', 'redis'], { what: 'is no Redis', got: 'an lmdb: address' });
  if (deadLetter === stream.key) report(['deadLetter'], { what: 'is the stream itself' });
  const { features, time, ignore } = event;
  for (const name of ignore) {
    if (name === features || name === time)
      report(['event', 'ignore'], { what: 'holds a field that is used', got: JSON.stringify(name) });
  }
  if (features !== null && (features === time || event.key?.includes(features) === true))
    report(['event', 'features'], { what: 'is used for something else as well', got: JSON.stringify(features) });
}
