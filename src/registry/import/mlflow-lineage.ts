import { type ModelLineage, NO_LINEAGE } from '../../base/contract/registry.ts';
import { asObject, type JsonObject, objectsOf, parseJson, textOf } from './json-values.ts';
import type { ModelVersion } from './mlflow-version.ts';

/** Longer values (lists of columns, whole configurations) are cut: a record is read at every resolution. */
const LONGEST = 1000;
const MOST_ENTRIES = 500;

/**
 * What a run of MLflow says of the model that came out of it. `run`: the answer of runs/get; null where there is none.
 *
 * Errors: none.
 */
export function lineageOfRun(version: ModelVersion, run: JsonObject | null): ModelLineage {
  const source = { kind: 'mlflow', uri: version.page, runId: version.runId, version: version.version } as const;
  const found = asObject(run?.['run']);
  if (found === null) return { ...NO_LINEAGE, source };
  const data = asObject(found['data']);
  const tags = pairsOf(data?.['tags']);
  const commit = tags.get('mlflow.source.git.commit') ?? null;
  const repository = tags.get('mlflow.source.git.repoURL') ?? null;
  return {
    ...NO_LINEAGE,
    trainedAt: timeOf(asObject(found['info'])),
    dataset: datasetOf(asObject(found['inputs'])),
    params: Object.fromEntries(pairsOf(data?.['params'])),
    metrics: metricsOf(data?.['metrics']),
    code: commit === null ? null : { commit, repository: repository === null ? null : withoutUser(repository) },
    source,
  };
}

function pairsOf(list: unknown): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const one of objectsOf(list).slice(0, MOST_ENTRIES)) {
    const key = textOf(one['key']);
    const value = one['value'];
    if (key === null || key === '__proto__' || typeof value !== 'string') continue;
    found.set(key.slice(0, LONGEST), value.length > LONGEST ? `${value.slice(0, LONGEST - 1)}…` : value);
  }
  return found;
}

// JSON has no NaN: such a metric is left out.
function metricsOf(list: unknown): Readonly<Record<string, number>> {
  const metrics = objectsOf(list).slice(0, MOST_ENTRIES);
  const found = metrics.map(
    ({ key, value }) => [textOf(key) ?? '', typeof value === 'number' ? value : Number.NaN] as const,
  );
  return Object.fromEntries(
    found.filter(([key, value]) => key !== '' && key !== '__proto__' && Number.isFinite(value)),
  );
}

function timeOf(info: JsonObject | null): string | null {
  const end = Number(info?.['end_time'] ?? info?.['start_time'] ?? Number.NaN);
  const at = new Date(end);
  return Number.isNaN(at.getTime()) ? null : at.toISOString();
}

// The one that is tagged as training data, else the first.
function datasetOf(inputs: JsonObject | null): ModelLineage['dataset'] {
  const all = objectsOf(inputs?.['dataset_inputs']);
  const isTraining = (one: JsonObject): boolean =>
    /^train/i.test(pairsOf(one['tags']).get('mlflow.data.context') ?? '');
  const dataset = asObject((all.find(isTraining) ?? all[0])?.['dataset']);
  if (dataset === null) return null;
  const source = asObject(parseJson(textOf(dataset['source'])));
  const uri = textOf(source?.['uri']) ?? textOf(source?.['url']) ?? textOf(source?.['path']);
  const rows = asObject(parseJson(textOf(dataset['profile'])))?.['num_rows'];
  return {
    uri: uri === null ? null : withoutUser(uri),
    sha256: null,
    rows: typeof rows === 'number' && Number.isSafeInteger(rows) ? rows : null,
    name: textOf(dataset['name']),
    digest: textOf(dataset['digest']),
  };
}

// Clones by a token have it in their address.
function withoutUser(uri: string): string {
  return uri.replace(/(:\/\/)[^/?#@\s]*@/, '$1');
}
