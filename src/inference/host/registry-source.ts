import type { WeightsFile } from '../../base/contract/model-files.ts';
import type { ResolvedModel, VersionRecord } from '../../base/contract/registry.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { scratchCopies } from './local-model.ts';
import { SESSION, type VersionSource } from './version-source.ts';

/** A version of a registry: copied into the scratch folder while it is loaded, and held against its record there. Errors: those of the store. */
export async function registrySource(model: ResolvedModel, scratchDir: string): Promise<VersionSource> {
  const { location, record, digest } = model;
  const { store, key } = location;
  const bytes =
    record === null
      ? ((await store.head(key))?.size ?? 0)
      : modelFiles(record).reduce((sum, file) => sum + file.bytes, 0);
  const { copy, release } = scratchCopies(scratchDir);
  return {
    bytes,
    key: null,
    digest: async () => digest,
    fetch: async () => {
      const info = await store.head(key);
      if (info === null) throw lost('the file of the version is gone', location.uri);
      const { path, weights } = await copy(location, info);
      // The child that loads it compares the digest of all of them; here the message can say which file it is.
      if (record !== null) requireRecorded(weights, record, location.uri);
      return { path, weights, where: location.uri, sha256: digest, ...SESSION };
    },
    release,
  };
}

function modelFiles({ files, modelFiles }: VersionRecord): VersionRecord['files'] {
  return files.slice(0, modelFiles);
}

/** Errors: MODEL_CHECKSUM for weights that are not those of the record. */
function requireRecorded(weights: readonly WeightsFile[], record: VersionRecord, where: string): void {
  const folder = record.main.slice(0, record.main.lastIndexOf('/') + 1);
  const recorded = new Map(modelFiles(record).map(({ path, sha256 }) => [path, sha256]));
  for (const { name, sha256 } of weights) {
    const wanted = recorded.get(`${folder}${name}`);
    if (wanted === sha256) continue;
    throw new PrescoreError('MODEL_CHECKSUM', {
      what: `the weights ${JSON.stringify(name)} are not those of the version`,
      where,
      expected: wanted ?? 'a file that version.json names',
      got: sha256,
    });
  }
}

function lost(what: string, where: string): PrescoreError {
  return new PrescoreError('MODEL_NOT_FOUND', {
    what,
    where,
    fix: 'prescore models show NAME/VERSION says which files it has.',
  });
}
