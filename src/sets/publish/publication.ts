import type { JobPredictions } from '../../base/contract/job.ts';
import type { StoreConfig } from '../../base/contract/object-store.ts';
import type { KeyKind, SetOrder, ValueColumn } from '../../base/contract/prediction-set.ts';
import type { Manifest } from '../../base/contract/records.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { orderOf, publicationId } from '../prediction-set/set-order.ts';
import { valueTypeOf } from '../prediction-set/value-types.ts';

/** What is to be published, as plain data: it goes to the publisher process. */
export interface Publication {
  readonly id: string;
  readonly job: string;
  readonly predictions: JobPredictions;
  readonly stores: Readonly<Record<string, StoreConfig>>;
  /** Committed runs; of rows with one key in two of them the later one's stays. Never empty. */
  readonly manifests: readonly Manifest[];
  readonly order: SetOrder;
  readonly key: { readonly columns: readonly string[]; readonly kind: KeyKind };
  readonly columns: readonly ValueColumn[];
  /** Whether a value can be null: only what the model gave never is. */
  readonly hasNulls: boolean;
  /** Rows of all runs. */
  readonly rows: number;
}

/**
 * Works out what a set will hold from the runs that it is made of.
 *
 * Errors: SET_COLUMN when a run lacks a column, two runs differ in its type, or a set cannot hold it.
 */
export function describePublication(
  job: string,
  predictions: JobPredictions,
  stores: Readonly<Record<string, StoreConfig>>,
  manifests: readonly Manifest[],
): Publication {
  const newest = manifests.at(-1)!;
  const names = predictions.values ?? newest.columns.filter((c) => c.role === 'prediction').map((c) => c.name);
  for (const manifest of manifests) refuseTwins(manifest);
  const types = manifests.map((m) => new Map(m.columns.map((c) => [c.name, c])));
  for (const name of [...predictions.key, ...names]) {
    for (const [i, columns] of types.entries()) {
      const own = columns.get(name);
      const other = types[0]!.get(name);
      if (own !== undefined && own.type === other?.type) continue;
      throw new PrescoreError('SET_COLUMN', {
        what:
          own === undefined
            ? `column ${JSON.stringify(name)} is not in a run's output`
            : `column ${JSON.stringify(name)} has another type in another run`,
        where: manifests[i]!.outputUri,
        expected: other?.type ?? 'a column of the output',
        got: own?.type ?? [...columns.keys()].join(', '),
        fix: 'Score that partition again with --new-run, or use scope: latest.',
      });
    }
  }
  const columns = names.map((name) => valueColumn(name, types[0]!.get(name)!.type));
  const key = { columns: predictions.key, kind: keyKind(predictions.key.map((k) => types[0]!.get(k)!)) };
  return {
    id: publicationId(manifests, predictions.key, columns, predictions.onDuplicateKey),
    job,
    predictions,
    stores,
    manifests,
    order: orderOf(predictions.scope, predictions.scope === 'latest' ? [newest] : manifests),
    key,
    columns,
    hasNulls: names.some((name) => types[0]!.get(name)!.role !== 'prediction'),
    rows: manifests.reduce((sum, m) => sum + m.rows, 0),
  };
}

// Runs of before such names were refused: which of the two a reader gets is chance.
function refuseTwins({ columns, outputUri }: Manifest): void {
  const folded = columns.map((c) => c.name.toLowerCase());
  const twin = folded.find((name, i) => folded.indexOf(name) !== i);
  if (twin === undefined) return;
  throw new PrescoreError('SET_COLUMN', {
    what: `the output has two columns of the name ${JSON.stringify(twin)} (case aside)`,
    where: outputUri,
    fix: 'Name the prediction in outputs:, and score again with --new-run.',
  });
}

function valueColumn(name: string, type: string): ValueColumn {
  const valueType = valueTypeOf(type);
  if (valueType !== null) return { name, type: valueType };
  throw new PrescoreError('SET_COLUMN', {
    what: `column ${JSON.stringify(name)} cannot be a value of a set`,
    expected: 'numbers, true/false, texts, or lists of them',
    got: type,
  });
}

const INTEGERS = new Set(['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT']);

/** What a key of these columns is made of. Errors: SET_COLUMN. */
export function keyKind(columns: readonly { readonly name: string; readonly type: string }[]): KeyKind {
  const kinds = columns.map(({ name, type }): KeyKind => {
    if (type === 'VARCHAR' || type === 'UUID') return 'string';
    if (type === 'BLOB') return 'binary';
    if (INTEGERS.has(type)) return 'integer';
    throw new PrescoreError('SET_COLUMN', {
      what: `column ${JSON.stringify(name)} cannot be the key of a set`,
      expected: 'a text, integer, uuid or binary column',
      got: type,
    });
  });
  return kinds.length === 1 ? kinds[0]! : 'composite';
}

/** Whether rows must say which run they are of. */
export function hasOrigins(publication: Publication): boolean {
  return publication.manifests.length > 1;
}
