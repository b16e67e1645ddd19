import { dirname } from 'node:path';
import type { WrittenJob } from '../../base/contract/job.ts';
import { resolveUri } from '../../data/object-store/uri.ts';
import { parseJob } from '../../job/parse/parse-job.ts';
import { withRegistry } from '../load/load-job.ts';
import { showPath } from '../output/print-summary.ts';
import type { DraftParts } from './init-draft.ts';

/** Flags of commands that look at places without a job file. */
export interface PlaceFlags {
  readonly endpoint?: string;
  readonly region?: string;
}

/** Parts of a job that nobody has written yet. */
export type JobBase = Pick<DraftParts, 'name' | 'stores'> & {
  /** Of the registry; left out where the environment names it. */
  readonly registry?: string;
  readonly model: { readonly uri: string } | { readonly ref: string };
  readonly input: readonly string[];
};

/** What is needed to look at a model and a table; where the output goes is judged once it is known what of the input is read. */
export function listingJob({ name, stores, registry, model, input }: JobBase): string {
  return JSON.stringify({
    prescore: 1,
    name,
    stores: stores ?? {},
    ...(registry === undefined ? {} : { registry }),
    model,
    input: { uri: input },
    output: { uri: 's3://not-yet/out' },
  });
}

/** Stores as flags say them, where a place needs one. The endpoint may come from the environment, and then means nothing to files. */
export function storesOf({ endpoint, region }: PlaceFlags, places: readonly string[]): DraftParts['stores'] {
  const isS3 = places.some((place) => /^s3:/i.test(place));
  if (!isS3 || (endpoint === undefined && region === undefined)) return null;
  const isAws = endpoint === undefined || /\.amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname);
  return {
    main: {
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(region === undefined ? {} : { region }),
      ...(isAws ? {} : { pathStyle: true }),
    },
  };
}

/** A job of a text, as if it stood in the file `target`. Errors: SPEC_*. */
export function parseUnwritten(text: string, target: string): WrittenJob {
  return withRegistry(parseJob(text, { path: showPath(target), baseUri: dirname(target), resolveUri }), process.env);
}
