import type { WrittenJob } from '../../base/contract/job.ts';
import { firstStart, startOfUnit } from '../slots/partitions.ts';
import type { Report } from '../tree/issues.ts';
import { hasPlaceholder, placeholderAt } from '../values/template.ts';
import { missingDirectives } from '../values/time-format.ts';

/** Rules about partitions and the placeholder that stands for them. Errors: none. */
export function lintPartitions(job: WrittenJob, report: Report, isBroken: (...path: string[]) => boolean): void {
  if (isBroken('partitions')) return;
  const { partitions } = job;
  if (!isBroken('input', 'uri')) {
    for (const [i, uri] of job.input.uris.entries()) {
      if (partitions === null && hasPlaceholder(uri)) {
        report(['input', 'uri', i], { what: 'holds {partition}, but the job has no partitions' });
      }
    }
  }
  if (!isBroken('output', 'uri')) {
    const isPartitioned = hasPlaceholder(job.output.uri);
    if (partitions === null && isPartitioned)
      report(['output', 'uri'], { what: 'holds {partition}, but the job has no partitions' });
    if (partitions !== null && !isPartitioned) {
      report(['output', 'uri'], {
        what: 'lacks {partition}; all partitions would be written to one place',
        got: job.output.uri,
      });
    }
  }
  if (partitions?.kind === 'every') lintTimed(partitions, report);
  if (partitions?.kind === 'values') lintNesting(partitions.values, report);
  if (partitions !== null && !isBroken('output', 'uri')) lintHidden(job, report);
}

function lintTimed(partitions: Parameters<typeof firstStart>[0], report: Report): void {
  const { every, format, start } = partitions;
  const missing = missingDirectives(every, format);
  if (missing.length > 0) {
    report(['partitions', 'format'], {
      what: `gives two partitions one value; for every: ${every} it lacks ${missing.join(' ')}`,
      got: format,
    });
  }
  const first = firstStart(partitions);
  if (startOfUnit(every, first) !== first) {
    report(['partitions', 'start'], {
      what: `is not the start of ${every === 'hour' ? 'an' : 'a'} ${every} in UTC`,
      got: start,
    });
  }
}

/** Partition folders must not lie in one another. */
function lintNesting(values: readonly string[], report: Report): void {
  const known = new Set(values);
  for (const [i, value] of values.entries()) {
    const segments = value.split('/');
    const outer = segments
      .slice(1)
      .map((_, n) => segments.slice(0, n + 1).join('/'))
      .find((prefix) => known.has(prefix));
    if (outer !== undefined)
      report(['partitions', 'values', i], { what: 'lies inside another partition', got: `${value}, inside ${outer}` });
  }
}

/** A folder that starts with _ or . is passed over by readers, and could fall onto the run records. */
function lintHidden({ partitions, output }: WrittenJob, report: Report): void {
  const before = output.uri.slice(0, placeholderAt(output.uri));
  const startsSegment = hasPlaceholder(output.uri) && before.endsWith('/');
  const isHidden = (value: string): boolean => (startsSegment && /^[_.]/.test(value)) || /\/[_.]/.test(value);
  const what = 'gives an output folder that starts with _ or . and is passed over by readers';
  if (partitions?.kind === 'every' && isHidden(partitions.format))
    report(['partitions', 'format'], { what, got: partitions.format });
  if (partitions?.kind !== 'values') return;
  for (const [i, value] of partitions.values.entries())
    if (isHidden(value)) report(['partitions', 'values', i], { what, got: value });
}
