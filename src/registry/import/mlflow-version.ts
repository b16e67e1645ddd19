import { asObject, type JsonObject, objectsOf, textOf } from './json-values.ts';
import type { MlflowSource } from './mlflow-source.ts';
import { refused, unavailable } from './refusals.ts';
import type { TrackingClient } from './tracking-client.ts';

/** A version of a registered model, as an alias, stage or number names it now. */
export interface ModelVersion {
  readonly name: string;
  readonly version: string;
  readonly runId: string | null;
  /** `models:/delay/3`, which does not move as an alias does. */
  readonly uri: string;
  /** Where people look at it: names the server too. */
  readonly page: string;
}

/**
 * Which version is meant now.
 *
 * Errors: IMPORT_REFUSED when the server knows none, or the version is not ready; IMPORT_UNAVAILABLE.
 */
export async function findVersion(client: TrackingClient, source: MlflowSource): Promise<ModelVersion> {
  const { base } = client.place;
  const found = await askVersion(client, source);
  const [name, version] = [textOf(found?.['name']), textOf(found?.['version'])];
  if (found === null || name === null || version === null) {
    const what =
      source.by === 'stage'
        ? `no version of ${source.name} is in ${source.stage}`
        : `${source.name} has no such version`;
    throw refused(what, base, 'Look at what the model registry of MLflow shows.');
  }
  if (name !== source.name) throw unavailable('it answers with another model', base);
  const status = textOf(found['status']);
  if (status !== null && status !== 'READY')
    throw refused(`version ${version} of ${name} is not ready`, base, 'Repeat the command when it is.', status);
  const page = `${base}/#/models/${encodeURIComponent(name)}/versions/${encodeURIComponent(version)}`;
  return { name, version, runId: textOf(found['run_id']), uri: `models:/${name}/${version}`, page };
}

async function askVersion(client: TrackingClient, source: MlflowSource): Promise<JsonObject | null> {
  const { name } = source;
  if (source.by === 'alias') {
    return asObject((await client.get('registered-models/alias', { name, alias: source.alias }))['model_version']);
  }
  if (source.by === 'version') {
    return asObject((await client.get('model-versions/get', { name, version: source.version }))['model_version']);
  }
  const { stage } = source;
  const answer = await client.post('registered-models/get-latest-versions', { name, stages: [stage] });
  // A server that does not know stages could answer with any.
  return objectsOf(answer['model_versions']).find((one) => one['current_stage'] === stage) ?? null;
}
