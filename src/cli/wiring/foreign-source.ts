import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { VERSION_NUMBER } from '../../base/contract/model-ref.ts';
import type { Location, StoreResolver } from '../../base/contract/object-store.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { withFileErrors } from '../../data/file-store/file-errors.ts';
import { storeFolder } from '../../registry/import/foreign-folder.ts';
import type { ForeignModel } from '../../registry/import/foreign-model.ts';
import { takeMlflow } from '../../registry/import/mlflow-import.ts';
import { MLFLOW, type MlflowSource, parseMlflow } from '../../registry/import/mlflow-source.ts';
import { findVersion, type ModelVersion } from '../../registry/import/mlflow-version.ts';
import { MLMODEL } from '../../registry/import/mlmodel-file.ts';
import { takeMlmodelFolder } from '../../registry/import/mlmodel-folder.ts';
import { TrackingClient } from '../../registry/import/tracking-client.ts';
import { trackingPlace } from '../../registry/import/tracking-place.ts';
import { openTriton, takeTriton } from '../../registry/import/triton-folder.ts';

export const TRITON = 'triton:';

/** What a command that imports was given, and what it works with; all of it stays the caller's. */
export interface ImportPlace {
  readonly stores: StoreResolver;
  /** A folder that the caller removes. */
  readonly scratchDir: string;
  /** `--tracking`. */
  readonly tracking?: string;
  readonly signal?: AbortSignal;
}

/** The place that a source lies in, for the stores of a command; null behind a tracking server. Errors: none. */
export function placeOfSource(source: string): string | null {
  if (source.startsWith(MLFLOW)) return null;
  return source.startsWith(TRITON) ? source.slice(TRITON.length) : source;
}

/**
 * The models that a source names, one after the other, each copied to a folder of its own: `mlflow:models:/…`, `triton:DIR`, a folder with an MLmodel file.
 * Null for a plain file, which is taken as it is.
 *
 * Errors: USAGE; IMPORT_REFUSED, IMPORT_UNAVAILABLE; those of the stores and of the scratch folder.
 */
export async function foreignModels(source: string, place: ImportPlace): Promise<AsyncIterable<ForeignModel> | null> {
  if (source.startsWith(MLFLOW)) return mlflowModel(parseMlflow(source), place);
  const { stores } = place;
  if (source.startsWith(TRITON)) return tritonModels(stores.at(source.slice(TRITON.length)), place);
  const at = stores.at(source);
  if (!at.key.endsWith('/') && (await at.store.head(at.key)) !== null) return null;
  const folder = storeFolder(at);
  const files = await folder.list();
  if (files.some(({ path }) => path === MLMODEL)) return mlmodel(at, place);
  const isTriton = files.some(({ path }) => /^[1-9][0-9]*\//.test(path));
  throw new PrescoreError('IMPORT_REFUSED', {
    what: files.length === 0 ? 'there is no such file or folder' : 'the folder has no MLmodel file',
    where: at.uri,
    fix: isTriton
      ? `For the model of a Triton repository write ${TRITON}${source}.`
      : 'Name a model file, a folder with an MLmodel file, mlflow:models:/NAME@ALIAS or triton:DIR.',
  });
}

/** A client of the tracking server. Errors: USAGE. */
export function openTracking(place: Pick<ImportPlace, 'tracking' | 'signal'>): TrackingClient {
  return new TrackingClient(trackingPlace(place.tracking, process.env), place.signal);
}

/** A known version of MLflow, copied. Errors: those of `takeMlflow` and of the scratch folder. */
export async function takeVersion(
  client: TrackingClient,
  version: ModelVersion,
  place: ImportPlace,
): Promise<ForeignModel> {
  return takeMlflow(client, version, (uri) => place.stores.at(uri), await emptyFolder(place));
}

async function* mlflowModel(source: MlflowSource, place: ImportPlace): AsyncGenerator<ForeignModel> {
  const client = openTracking(place);
  yield await takeVersion(client, await findVersion(client, source), place);
}

async function* mlmodel(at: Location, place: ImportPlace): AsyncGenerator<ForeignModel> {
  yield await takeMlmodelFolder(storeFolder(at), await emptyFolder(place));
}

// `DIR/3` is one version of DIR.
async function* tritonModels(at: Location, place: ImportPlace): AsyncGenerator<ForeignModel> {
  const key = at.key.replace(/\/+$/, '');
  const cut = key.lastIndexOf('/');
  const last = key.slice(cut + 1);
  const isVersion = cut > 0 && VERSION_NUMBER.test(last);
  const above = isVersion ? key.slice(0, cut) : key;
  const folder = storeFolder({ ...at, key: above, uri: at.store.uriOf(above) });
  const model = await openTriton(folder, isVersion ? Number(last) : null);
  for (const version of model.versions) yield await takeTriton(model, version, await emptyFolder(place));
}

function emptyFolder({ scratchDir }: ImportPlace): Promise<string> {
  return withFileErrors(scratchDir, () => mkdtemp(join(scratchDir, 'import-')));
}
