import type { WrittenJob } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import { isPrescoreError } from '../../base/errors/prescore-error.ts';
import { compileGlob } from '../../job/values/glob.ts';
import { expandTemplate } from '../../job/values/template.ts';
import { listInputs } from './list-inputs.ts';

/**
 * Whether the input of a partition is there, for slots that wait for it: every marker lies beside its input, and something
 * matches. Null when it is; else the sentence that says what is missing. A marker is looked for in the folder before the
 * first wildcard.
 *
 * Errors: those of the store.
 */
export async function inputProblem(
  job: WrittenJob,
  partition: string | null,
  stores: StoreResolver,
): Promise<string | null> {
  const marker = job.schedule?.waitForInput?.marker ?? null;
  if (marker !== null) {
    for (const template of job.input.uris) {
      const folder = await inputFolder(expandTemplate(template, partition), stores);
      const { store, key, uri } = stores.at(`${folder}${marker}`);
      if ((await store.head(key)) === null) return `${uri} is not there`;
    }
  }
  try {
    await listInputs(job, partition, stores);
    return null;
  } catch (error) {
    if (isPrescoreError(error) && error.code === 'INPUT_NOT_FOUND')
      return `no file matches ${error.details.where ?? ''}`;
    throw error;
  }
}

/** URI of the folder, with its slash. */
async function inputFolder(uri: string, stores: StoreResolver): Promise<string> {
  const { store, key } = stores.at(uri);
  const glob = compileGlob(key);
  const { prefix } = glob;
  if (!glob.isPattern && (await store.head(prefix)) === null) return store.uriOf(`${prefix}/`);
  return store.uriOf(prefix.slice(0, prefix.lastIndexOf('/') + 1));
}
