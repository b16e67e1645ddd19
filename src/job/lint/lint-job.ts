import type { WrittenJob } from '../../base/contract/job.ts';
import type { IssueList, Report } from '../tree/issues.ts';
import { nearestPosition, type SpecNode } from '../tree/tree.ts';
import { lintColumns } from './lint-columns.ts';
import { lintPartitions } from './lint-partitions.ts';
import { lintSchedule } from './lint-schedule.ts';
import { enclosingFolder, findOverlap, type Overlap, PlaceSamples } from './overlap.ts';

/**
 * The rules that look at several keys at once. Problems go to `issues`; rules about keys that are wrong in themselves
 * are left out.
 *
 * Errors: none.
 */
export function lintJob(job: WrittenJob, tree: SpecNode, issues: IssueList): void {
  const report: Report = (path, text) => issues.add(nearestPosition(tree, path), path, text);
  if (!issues.isBroken('stores')) lintStores(job, report);
  lintColumns(job, report);
  if (!issues.isBroken('input', 'csv')) lintCsv(job, report);
  if (!issues.isBroken('input')) lintTable(job, report);
  lintPartitions(job, report, (...path) => issues.isBroken(...path));
  lintSchedule(job, report, (...path) => issues.isBroken(...path));
  const places = [['partitions'], ['input', 'uri'], ['output', 'uri']];
  if (places.some((path) => issues.isBroken(...path))) return;
  const samples = new PlaceSamples(job);
  lintOverlap(job, samples, report);
  if (!issues.isBroken('state')) lintState(job, samples, report);
}

function lintStores(job: WrittenJob, report: Report): void {
  const owners = new Map<string, string>();
  for (const [name, { buckets }] of Object.entries(job.stores)) {
    if (name === 'main' && buckets.length > 0) {
      report(['stores', name, 'buckets'], {
        what: 'is not for main, which serves every bucket that no other store names',
      });
    }
    if (name !== 'main' && buckets.length === 0) {
      report(['stores', name], { what: 'is never used', expected: 'buckets that it serves, or the name main' });
    }
    for (const [i, bucket] of buckets.entries()) {
      const owner = owners.get(bucket);
      if (owner !== undefined) {
        report(['stores', name, 'buckets', i], {
          what: 'is already served by another store',
          got: `${bucket}, also in ${owner}`,
        });
      }
      owners.set(bucket, name);
    }
  }
}

function lintCsv({ input: { csv } }: WrittenJob, report: Report): void {
  if (csv === undefined) return;
  if (csv.delimiter !== null && (csv.delimiter === csv.quote || csv.delimiter === csv.escape)) {
    report(['input', 'csv', 'delimiter'], {
      what: 'is also the quote or the escape',
      got: JSON.stringify(csv.delimiter),
    });
  }
  if (csv.header === false && csv.names === null) {
    report(['input', 'csv', 'header'], {
      what: 'leaves the columns without names',
      expected: 'names beside header: false',
    });
  }
}

function lintTable({ input: { table, format, csv, uris } }: WrittenJob, report: Report): void {
  if (table === undefined) return;
  if (format !== 'auto' && format !== 'parquet') {
    report(['input', 'format'], { what: 'is not for a Delta table', expected: 'parquet, or left out', got: format });
  }
  if (csv !== undefined) report(['input', 'csv'], { what: 'is not for a Delta table, whose files are Parquet' });
  if (table.version !== null && uris.length > 1) {
    report(['input', 'version'], {
      what: 'is the version of one table',
      expected: 'one input.uri',
      got: `${uris.length}`,
    });
  }
}

const OVERLAPS: Readonly<Record<Overlap, string>> = {
  equal: 'is the place of the input',
  'output inside input': 'lies inside what the input lists',
  'input inside output': 'holds the input',
};

function lintOverlap(job: WrittenJob, samples: PlaceSamples, report: Report): void {
  for (const input of job.input.uris) {
    const overlap = findOverlap(samples, input);
    if (overlap === null) continue;
    report(['output', 'uri'], {
      code: 'OUTPUT_OVERLAPS_INPUT',
      what: OVERLAPS[overlap],
      expected: 'a folder that is apart from the input',
      got: `${job.output.uri} beside ${input}`,
    });
  }
}

function lintState(job: WrittenJob, samples: PlaceSamples, report: Report): void {
  const state = `${job.state}/`;
  const folders = new Set(samples.outputFolders());
  const outside = {
    expected: 'a folder that is apart from it, or one whose name starts with an underscore',
    got: job.state,
  };
  const holder = folders.has(state) ? state : enclosingFolder(state, folders);
  // Readers of an unpartitioned output pass over _prescore, but vacuums look into partition folders.
  if (holder !== null && (job.partitions !== null || !isHidden(state.slice(holder.length)))) {
    report(['state'], {
      what: `lies inside the output${job.partitions === null ? '' : "'s partition folders"}`,
      ...outside,
    });
  }
  const around = [...folders].find((folder) => folder !== state && folder.startsWith(state));
  if (around !== undefined)
    report(['state'], { what: 'holds the output', ...outside, got: `${job.state} around ${around}` });
  for (const input of job.input.uris) {
    const prefix = samples
      .inputPrefixes(input)
      .find((p) => state.startsWith(p) && !isHidden(state.slice(p.lastIndexOf('/') + 1)));
    if (prefix !== undefined)
      report(['state'], { what: 'lies inside what the input lists', ...outside, got: `${job.state} beside ${input}` });
  }
}

/** Whether readers and globs pass over a path below a folder. */
function isHidden(relative: string): boolean {
  return /^[_.]/.test(relative) || /\/[_.]/.test(relative);
}
