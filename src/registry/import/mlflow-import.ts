import type { Location } from '../../base/contract/object-store.ts';
import { isPrescoreError } from '../../base/errors/prescore-error.ts';
import type { ForeignModel } from './foreign-model.ts';
import type { JsonObject } from './json-values.ts';
import { textOf } from './json-values.ts';
import { lineageOfRun } from './mlflow-lineage.ts';
import type { ModelVersion } from './mlflow-version.ts';
import { takeMlmodel } from './mlmodel-folder.ts';
import { unavailable } from './refusals.ts';
import type { TrackingClient } from './tracking-client.ts';

/**
 * Copies a version's model into the empty `folder`, with what its run says. Versions of MLflow are not immutable: bytes are copied, never referred to.
 * `at` opens stores that artifacts lie in.
 *
 * Errors: IMPORT_REFUSED, IMPORT_UNAVAILABLE; those of the store and of the disk.
 */
export async function takeMlflow(
  client: TrackingClient,
  version: ModelVersion,
  at: (uri: string) => Location,
  folder: string,
): Promise<ForeignModel> {
  const { name } = version;
  const answer = await client.get('model-versions/get-download-uri', { name, version: version.version });
  const artifacts = textOf(answer['artifact_uri']);
  if (artifacts === null) throw unavailable('it does not say where the model lies', client.place.base);
  const run = version.runId === null ? null : await runOf(client, version.runId);
  const model = await takeMlmodel(client.folder(artifacts, at), folder, {
    name,
    uri: version.uri,
    lineage: (file) => {
      const lineage = lineageOfRun({ ...version, runId: version.runId ?? file.runId }, run);
      return { ...lineage, trainedAt: lineage.trainedAt ?? file.createdAt };
    },
  });
  return { ...model, where: `${client.place.base} (${version.uri})` };
}

// A run may be deleted, or be nobody's business; its model stands without it.
async function runOf(client: TrackingClient, runId: string): Promise<JsonObject | null> {
  try {
    return await client.get('runs/get', { run_id: runId });
  } catch (error) {
    if (isPrescoreError(error) && !error.retryable) return null;
    throw error;
  }
}
