import type { Binding, BoundInput } from '../../base/contract/binding.ts';
import type { Job } from '../../base/contract/job.ts';
import type { OutputColumn, PlannedFile, SkippedFile } from '../../base/contract/plan.ts';
import type { ModelInfo } from '../../base/contract/signature.ts';
import { type ColumnInfo, type FileDescription, WHERE_COLUMN } from '../../base/contract/table.ts';
import type { ErrorCode } from '../../base/errors/error-codes.ts';
import { type ErrorJson, fromErrorJson, PrescoreError } from '../../base/errors/prescore-error.ts';
import { bindFeatures, type FeatureBinding, NULLS, typeOfNulls } from '../../scoring/tensor/bind-features.ts';
import { bindOutputs } from '../../scoring/tensor/bind-outputs.ts';
import { nameReasons } from '../../scoring/tensor/bind-reasons.ts';
import { columnsOf } from '../../scoring/tensor/feature-packer.ts';
import { joinFeature, widen } from './column-types.ts';
import type { InputObject } from './input-object.ts';
import { oftenFirst } from './often-first.ts';
import { outputColumns } from './output-columns.ts';
import { pathColumnsOf } from './path-values.ts';
import { checkGuessedTimes, checkGuesses, JoinedTypes, textAdvice } from './unify-columns.ts';

/** Input files that will be read, with what the job reads of them, and how they feed the model. */
export interface BoundInputs {
  readonly binding: Binding;
  readonly outputColumns: readonly OutputColumn[];
  readonly described: readonly FileDescription[];
  readonly files: readonly PlannedFile[];
  readonly skipped: readonly SkippedFile[];
}

export type Described =
  | { readonly ok: true; readonly file: FileDescription }
  | { readonly ok: false; readonly error: ErrorJson };

/**
 * Checks the model and every file's schema against the job before any row is scored, and binds them. `results` are those of
 * `deriveInputs`. With `onBadFile: skip`, files with a bad footer or schema are dropped and named; which schema is the good one is
 * what most of the files say.
 *
 * Errors: the first bad file's, INPUT_SCHEMA, INPUT_LOSSY_TYPE, INPUT_UNSUPPORTED, SIGNATURE_MISMATCH, MODEL_*;
 * INPUT_NOT_FOUND when every file was skipped.
 */
export function bindInputs(
  job: Job,
  model: ModelInfo,
  objects: readonly InputObject[],
  results: readonly Described[],
): BoundInputs {
  const unnamed = bindOutputs(job.outputs, model.signature, job.model.uri);
  const kept = [...job.id, ...job.passthrough];
  const binder = new FileBinder(job, model, kept);
  const paths = pathColumnsOf(job);
  const extended = sharedBy((columns) => [...columns, ...paths]);
  const isSkipping = job.input.onBadFile === 'skip';
  const found = new Map<number, FileDescription>();
  const left = new Map<number, SkippedFile>();
  for (const i of isSkipping ? binder.mostFirst(results) : results.keys()) {
    try {
      const result = results[i]!;
      if (!result.ok) throw fromErrorJson(result.error);
      const file = paths.length === 0 ? result.file : withPathColumns(result.file, paths, extended);
      binder.add(file);
      found.set(i, file);
    } catch (error) {
      if (!isSkipping || !(error instanceof PrescoreError) || !FILE_FAULTS.has(error.code)) throw error;
      left.set(i, { uri: objects[i]!.uri, code: error.code, message: error.message });
    }
  }
  const skipped = inOrder(left);
  const described = inOrder(found);
  const { binding, features } = binder.bound(skipped);
  const { inputs } = binding;
  const outputs = nameReasons(unnamed, model.signature, inputs);
  const used = new Set([...features, ...kept, ...(job.where === undefined ? [] : [WHERE_COLUMN])]);
  const usedOf = (columns: Columns): ReadonlySet<string> => new Set([...used, ...sourcesOf(columns, used)]);
  const pathValues = new Map(objects.map((o) => [o.uri, o.pathValues]));
  const deleted = new Map(objects.flatMap((o) => (o.deleted === undefined ? [] : [[o.uri, o.deleted] as const])));
  const read = sharedBy((columns) => {
    const names = usedOf(columns);
    const exact = new Set([...kept, ...longFeatures(inputs), ...sourcesOf(columns, used)]);
    return columns.filter((c) => names.has(c.name)).map((c) => asDouble(binder.asRead(c), exact));
  });
  const deletedOf = (uri: string): Pick<PlannedFile, 'deleted'> => {
    const rows = deleted.get(uri);
    return rows === undefined ? {} : { deleted: rows };
  };
  const nulls = sharedBy((columns) => nullsOf(columns, usedOf(columns)));
  const files = described.map(
    (file): PlannedFile => ({
      uri: file.uri,
      size: file.size,
      etag: file.etag,
      format: file.format,
      rows: file.rows,
      columns: read(file.columns),
      ...(file.text === undefined ? {} : { text: file.text }),
      pathValues: { ...pathValues.get(file.uri), ...nulls(file.columns) },
      ...deletedOf(file.uri),
    }),
  );
  return {
    binding: { ...binding, outputs },
    outputColumns: outputColumns(job, outputs, binder.kept.all),
    described,
    files,
    skipped,
  };
}

/** What one file alone is to blame for; anything else (the store, the model, a changed file) stops the plan. */
const FILE_FAULTS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'INPUT_EMPTY_FILE',
  'INPUT_FORMAT',
  'INPUT_TRUNCATED',
  'INPUT_FOOTER',
  'INPUT_CORRUPT',
  'INPUT_SCHEMA',
  'INPUT_DUPLICATE_COLUMN',
  'INPUT_UNSUPPORTED',
  'INPUT_LOSSY_TYPE',
  'SIGNATURE_MISMATCH',
]);

/** A column of nothing but nulls is not read: its type in this file is none, or another than elsewhere. */
function nullsOf(columns: Columns, used: ReadonlySet<string>): Readonly<Record<string, null>> {
  const names = columns.filter((c) => used.has(c.name) && c.onlyNulls === 'values').map((c) => c.name);
  return Object.fromEntries(names.map((name) => [name, null]));
}

type Columns = readonly ColumnInfo[];

function inOrder<T>(byIndex: ReadonlyMap<number, T>): T[] {
  return [...byIndex].sort(([a], [b]) => a - b).map(([, each]) => each);
}

/** What is made of the columns of files, once for all files that share them. */
function sharedBy<T>(make: (columns: Columns) => T): (columns: Columns) => T {
  const made = new Map<Columns, T>();
  return (columns) => {
    const found = made.get(columns) ?? make(columns);
    made.set(columns, found);
    return found;
  };
}

/** Columns of a file that computed ones read; only of those in `used`, where it is known what is used. */
function sourcesOf(columns: Columns, used: ReadonlySet<string> | null): string[] {
  const asked = columns.filter((c) => used === null || used.has(c.name));
  return [...new Set(asked.flatMap((c) => c.computedFrom ?? []))];
}

interface BoundFeatures {
  readonly binding: FeatureBinding;
  /** Source columns of all inputs. */
  readonly features: readonly string[];
}

/** Takes file after file: the first that fits sets how the model is fed, the others must feed it the same way. */
class FileBinder {
  readonly kept: JoinedTypes;
  private readonly fitting = new Set<Columns>();
  private readonly features: JoinedTypes;
  /** Of the columns that expressions read. */
  private readonly sources: JoinedTypes;
  private readonly job: Job;
  private readonly model: ModelInfo;
  private readonly keptNames: readonly string[];
  /** Columns that the job names, for features or to keep; those of the model's names where it names none. */
  private readonly asked: readonly string[];
  private first: FileDescription | null = null;
  private reference: BoundFeatures | null = null;
  private mismatch: PrescoreError | null = null;

  constructor(job: Job, model: ModelInfo, kept: readonly string[]) {
    this.job = job;
    this.model = model;
    this.keptNames = kept;
    this.kept = new JoinedTypes(widen, job.input.lossy);
    this.features = new JoinedTypes(joinFeature, job.input.lossy);
    this.sources = new JoinedTypes(joinFeature, job.input.lossy);
    const features = Object.values(job.features ?? {});
    const named = features.flatMap((feature) => (feature.kind === 'columns' ? feature.columns : []));
    this.asked = [...kept, ...(job.features === null ? model.signature.inputs.map((input) => input.name) : named)];
  }

  /** Errors: SIGNATURE_MISMATCH while no file fits, INPUT_SCHEMA, INPUT_LOSSY_TYPE, INPUT_UNSUPPORTED, MODEL_*. */
  add(file: FileDescription): void {
    // Columns that are known to fit fit again.
    if (this.fitting.has(file.columns)) return;
    const read = sourcesOf(file.columns, null);
    checkGuesses(file, [...this.asked, ...read]);
    const bound = this.bind(file);
    checkGuessedTimes(file, [...bound.features, ...sourcesOf(file.columns, new Set(bound.features))]);
    // Checked before either is told of the file: one that is skipped must leave no type behind.
    const addFeatures = (): void => this.features.add(file, bound.features, () => this.sources.add(file, read));
    this.kept.add(file, this.keptNames, addFeatures);
    this.reference = bound;
    this.fitting.add(file.columns);
    this.first ??= file;
  }

  /** The order in which files are added where those that do not fit are left out. */
  mostFirst(results: readonly Described[]): number[] {
    const files = results.map((result) => (result.ok ? result.file : null));
    return oftenFirst(files, (columns) => new Set([...this.asked, ...sourcesOf(columns, null)]));
  }

  /** How the model is fed. Errors: INPUT_NOT_FOUND when no file fits, or the mismatch of the first one. */
  bound(skipped: readonly SkippedFile[]): BoundFeatures {
    if (this.reference !== null) return this.reference;
    // No file feeds the model: rather the job is wrong than every file.
    if (this.mismatch !== null) throw this.mismatch;
    const uris = skipped.slice(0, 3).map((s) => s.uri);
    throw new PrescoreError('INPUT_NOT_FOUND', {
      what: `all ${skipped.length} input files were skipped`,
      where: uris.join(', '),
      got: skipped[0]?.message ?? '',
    });
  }

  /** A column with the type that it is read as: one of nulls has the type of the other files, or one that feeds the model. */
  asRead(column: ColumnInfo): ColumnInfo {
    if (column.onlyNulls !== 'values') return column;
    const { name } = column;
    const inputs = this.reference?.binding.inputs ?? [];
    const fed = inputs.find((input) => columnsOf(input).includes(name));
    const type = this.features.typeOf(name) ?? this.kept.typeOf(name) ?? this.sources.typeOf(name);
    return { ...column, type: type ?? (fed === undefined ? column.type : typeOfNulls(fed)) };
  }

  private bind(file: FileDescription): BoundFeatures {
    const { job, model } = this;
    const columns = new Map(
      file.columns.map((c) => [c.name, c.onlyNulls === 'values' ? (this.features.typeOf(c.name) ?? NULLS) : c.type]),
    );
    const { first } = this;
    try {
      const where = first === null ? `${job.model.uri} and ${file.uri}` : file.uri;
      const binding = bindFeatures(job.features, model.signature, columns, where);
      return { binding, features: [...new Set(binding.inputs.flatMap((input) => [...columnsOf(input)]))] };
    } catch (error) {
      if (!(error instanceof PrescoreError) || error.code !== 'SIGNATURE_MISMATCH') throw error;
      if (first === null) {
        const advice = textAdvice(file, this.asked);
        const told = advice === null ? error : new PrescoreError(error.code, { ...error.details, fix: advice });
        this.mismatch ??= told;
        throw told;
      }
      // A file that does not fit where another one did is an input fault, not the model's.
      throw new PrescoreError('INPUT_SCHEMA', {
        ...error.details,
        what: `file does not fit the model as ${first.uri} does: ${error.details.what}`,
        where: file.uri,
      });
    }
  }
}

/** Columns that feed 64-bit integers, which a double does not all hold. */
function longFeatures(inputs: readonly BoundInput[]): string[] {
  const long = inputs.filter(({ type }) => type === 'int64' || type === 'uint64');
  return long.flatMap((input) => [...columnsOf(input)]);
}

/**
 * Integers of a text file that only feed other tensors are read as doubles: the same values, and fractions may come later in the
 * file, as in a column of amounts whose first ones are whole.
 */
function asDouble(column: ColumnInfo, exact: ReadonlySet<string>): ColumnInfo {
  const isGuess = column.text !== undefined && !column.text.isDeclared;
  if (!isGuess || exact.has(column.name)) return column;
  if (column.type === 'BIGINT') return { ...column, type: 'DOUBLE' };
  return column.type === 'BIGINT[]' ? { ...column, type: 'DOUBLE[]' } : column;
}

// Path columns come after the file's own and never replace one: a FLOAT `month` in the file stays what it is.
function withPathColumns(file: FileDescription, paths: Columns, extended: (own: Columns) => Columns): FileDescription {
  const own = new Set(file.columns.map((c) => c.name));
  const clash = paths.find(({ name }) => own.has(name));
  if (clash === undefined) return { ...file, columns: extended(file.columns) };
  throw new PrescoreError('INPUT_SCHEMA', {
    what: `input.pathColumns.${clash.name}: the file has a column of this name`,
    where: file.uri,
    fix: "Remove it from input.pathColumns: the file's own column is used.",
  });
}
