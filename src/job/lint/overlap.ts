import type { WrittenJob } from '../../base/contract/job.ts';
import { addUnits, firstStart } from '../slots/partitions.ts';
import { compileGlob } from '../values/glob.ts';
import { expandTemplate, hasPlaceholder } from '../values/template.ts';
import { formatTime } from '../values/time-format.ts';

/** A job's folders and prefixes for every listed partition, or for two neighbours where partitions come from a clock. */
export class PlaceSamples {
  readonly job: WrittenJob;
  private readonly values: readonly (string | null)[];

  constructor(job: WrittenJob) {
    this.job = job;
    this.values = sampleValues(job);
  }

  /** Output folders, with a slash at the end, sorted. */
  outputFolders(): readonly string[] {
    return this.expand(this.job.output.uri)
      .map((uri) => `${uri}/`)
      .sort();
  }

  /** What an input URI lists: everything that starts so. One file lists, at most, what would lie below it. */
  inputPrefixes(template: string): readonly string[] {
    return this.expand(template).map((uri) => {
      const { prefix, isPattern } = compileGlob(uri);
      return isPattern ? prefix : `${prefix}/`;
    });
  }

  private expand(template: string): readonly string[] {
    return (hasPlaceholder(template) ? this.values : [null]).map((value) => expandTemplate(template, value));
  }
}

export type Overlap = 'equal' | 'output inside input' | 'input inside output';

/**
 * How an input and the output folders lie to each other, over all pairs of partitions; null when they are apart.
 * The input's side is the prefix that is listed for it, as listing is what would see the output as input.
 *
 * Errors: none.
 */
export function findOverlap(samples: PlaceSamples, inputTemplate: string): Overlap | null {
  const folders = samples.outputFolders();
  const known = new Set(folders);
  for (const prefix of samples.inputPrefixes(inputTemplate)) {
    const asFolder = prefix.endsWith('/') ? prefix : `${prefix}/`;
    if (known.has(asFolder)) return 'equal';
    if (enclosingFolder(asFolder, known) !== null) return 'input inside output';
    if (folders[lowerBound(folders, prefix)]?.startsWith(prefix)) return 'output inside input';
  }
  return null;
}

/** The first of `folders` (each with a closing slash) that holds a place; null when none does. */
export function enclosingFolder(place: string, folders: ReadonlySet<string>): string | null {
  for (let slash = place.indexOf('/'); slash !== -1; slash = place.indexOf('/', slash + 1)) {
    const folder = place.slice(0, slash + 1);
    if (folder !== place && folders.has(folder)) return folder;
  }
  return null;
}

function lowerBound(sorted: readonly string[], wanted: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? '') < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

function sampleValues({ partitions }: WrittenJob): readonly (string | null)[] {
  if (partitions === null) return [null];
  if (partitions.kind === 'values') return partitions.values;
  const first = firstStart(partitions);
  return [first, addUnits(partitions.every, first, 1)].map((start) => formatTime(partitions.format, start));
}
