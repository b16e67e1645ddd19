import type { OutputColumn } from '../../base/contract/plan.ts';
import type { ColumnInfo } from '../../base/contract/table.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { SliceColumn } from '../../data/duckdb/decode-slice.ts';
import { sourceKind } from '../../data/duckdb/source-kind.ts';
import type { FlatColumn } from '../../data/parquet/flat-column.ts';
import { columnsOf, type DecodedColumn } from '../tensor/feature-packer.ts';
import { type SlabLayout, slabLayout } from '../tensor/slab-layout.ts';
import type { InferenceThreads } from '../thread/inference-threads.ts';
import { SlabRing } from '../thread/slab-ring.ts';
import { FileTable } from './file-table.ts';
import type { ChildOptions, RunContext } from './messages.ts';

/** A run as one child holds it: its context, the binding in the ONNX Runtime thread, and the slabs. */
export interface BoundRun {
  readonly context: RunContext;
  readonly files: FileTable;
  readonly bindingId: number;
  readonly layout: SlabLayout;
  readonly ring: SlabRing;
  /** Feature columns in the order of the decode query. */
  readonly features: readonly string[];
  readonly kept: readonly OutputColumn[];
  readonly predictions: readonly OutputColumn[];
  /** Its job has `where` or `columns`. */
  readonly isDerived: boolean;
  /** For chunks that are read without DuckDB, one at a time: its columns with their memory, and how many could not be read so. */
  readonly flat: { readonly columns: FlatColumn[]; readonly batchBytes: number; refusals: number };
  /** By the columns of files, which those of one schema share. */
  readonly decoded: WeakMap<readonly ColumnInfo[], readonly (DecodedColumn & SliceColumn)[]>;
}

const MOST_BATCH_BYTES = 32 * 1024 * 1024;

export function bindRun(
  context: RunContext,
  ort: InferenceThreads,
  { slabs, batchDivisor, duckMemoryBytes }: Pick<ChildOptions, 'slabs' | 'batchDivisor' | 'duckMemoryBytes'>,
  previous: BoundRun | null,
): BoundRun {
  const { binding, batchRows, policy, isKept } = context;
  const same =
    previous !== null &&
    JSON.stringify(previous.context.binding) === JSON.stringify(binding) &&
    previous.context.batchRows === batchRows &&
    previous.context.policy === policy &&
    isKept !== true;
  const layout = same ? previous.layout : slabLayout(binding, batchRows);
  return {
    context,
    files: new FileTable(),
    layout,
    // Runs of one job (its partitions) share the slabs.
    ring: same ? previous.ring : new SlabRing(binding, layout, slabs),
    bindingId: same
      ? previous.bindingId
      : ort.bind({
          binding,
          batchRows,
          layout,
          mostRows: Math.max(1, Math.floor(batchRows / batchDivisor)),
          policy,
          isKept,
        }),
    features: [...new Set(binding.inputs.flatMap((input) => [...columnsOf(input)]))],
    kept: context.outputColumns.filter((c) => c.role === 'id' || c.role === 'passthrough'),
    predictions: context.outputColumns.filter((c) => c.role === 'prediction'),
    isDerived: context.where !== undefined || context.columns !== undefined,
    // All runs of the child share that memory.
    flat: {
      columns: previous?.flat.columns ?? [],
      batchBytes: Math.min(MOST_BATCH_BYTES, duckMemoryBytes / 8),
      refusals: 0,
    },
    decoded: new WeakMap(),
  };
}

/**
 * Names of the columns that a run reads of these files, by their places in the plan: features, ids, what is passed through, and what
 * expressions read.
 */
export function columnsRead({ features, kept, isDerived, files }: BoundRun, places: readonly number[]): Set<string> {
  const names = new Set([...features, ...kept.map((c) => c.name)]);
  if (!isDerived) return names;
  for (const place of new Set(places)) {
    for (const { name, computedFrom } of files.at(place).columns) {
      if (computedFrom === undefined) continue;
      names.delete(name);
      for (const source of computedFrom) names.add(source);
    }
  }
  return names;
}

/** Names of the columns that are copied to the output, as the input or an expression gives them. */
export function columnsKept({ kept }: BoundRun): ReadonlySet<string> {
  return new Set(kept.map((c) => c.name));
}

/** How a file's columns are decoded: the file's own types decide, since files of one input may differ in width. */
export function decodedColumns(run: BoundRun, fileIndex: number): readonly (DecodedColumn & SliceColumn)[] {
  const file = run.files.at(fileIndex);
  const known = run.decoded.get(file.columns);
  if (known !== undefined) return known;
  const types = new Map(file.columns.map((c) => [c.name, c.type]));
  const decoded = run.features.map((name) => {
    const type = types.get(name) ?? '';
    const kind = sourceKind(type);
    if (kind === null)
      throw new PrescoreError('INTERNAL', { what: `column ${name} has no decodable type`, where: file.uri });
    return { name, kind, type };
  });
  run.decoded.set(file.columns, decoded);
  return decoded;
}
