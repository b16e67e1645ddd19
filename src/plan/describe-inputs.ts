import type { Binding } from '../contract/binding.ts';
import type { Job } from '../contract/job.ts';
import type { OutputColumn, PlannedFile, SkippedFile } from '../contract/plan.ts';
import type { ModelInfo } from '../contract/signature.ts';
import type { FileDescription } from '../contract/table.ts';
import { type ErrorJson, fromErrorJson, PrescoreError } from '../errors/prescore-error.ts';
import { bindFeatures } from '../tensor/bind-features.ts';
import { bindOutputs } from '../tensor/bind-outputs.ts';
import { columnsOf } from '../tensor/feature-packer.ts';
import type { InputObject } from './list-inputs.ts';
import { outputColumns } from './output-columns.ts';
import { unifyColumns } from './unify-columns.ts';

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
 * Checks the model and every file's schema against the job before any row is scored, and binds them. With
 * `onBadFile: skip`, files with a bad footer or schema are dropped and named.
 *
 * Errors: the first bad file's, INPUT_SCHEMA, INPUT_LOSSY_TYPE, SIGNATURE_MISMATCH, MODEL_*; INPUT_NOT_FOUND when every
 * file was skipped.
 */
export function bindInputs(
  job: Job,
  model: ModelInfo,
  objects: readonly InputObject[],
  results: readonly Described[],
): BoundInputs {
  const skipped: SkippedFile[] = [];
  const good: FileDescription[] = [];
  const pathValues = new Map(objects.map((o) => [o.uri, o.pathValues]));
  results.forEach((result, i) => {
    if (result.ok) good.push(withPathColumns(result.file, job));
    else if (job.input.onBadFile === 'skip')
      skipped.push({ uri: objects[i]!.uri, code: result.error.code, message: result.error.message });
    else throw fromErrorJson(result.error);
  });
  if (good.length === 0) {
    const uris = skipped
      .slice(0, 3)
      .map((s) => s.uri)
      .join(', ');
    throw new PrescoreError('INPUT_NOT_FOUND', {
      what: `all ${skipped.length} input files were skipped`,
      where: uris,
      got: skipped[0]?.message ?? '',
    });
  }
  const first = new Map(good[0]!.columns.map((c) => [c.name, c.type]));
  const { inputs, fixedBatch } = bindFeatures(job.features, model.signature, first, job.model.uri);
  const outputs = bindOutputs(job.outputs, model.signature, job.model.uri);
  const features = [...new Set(inputs.flatMap((input) => [...columnsOf(input)]))];
  const kept = [...job.id, ...job.passthrough];
  const fitting = good.filter((file) => {
    try {
      // Every file must feed the model by itself: its own types decide how it is decoded.
      bindFeatures(job.features, model.signature, new Map(file.columns.map((c) => [c.name, c.type])), file.uri);
      unifyColumns([file], [...features, ...kept], job.input.lossy);
      return true;
    } catch (error) {
      if (job.input.onBadFile !== 'skip' || !(error instanceof PrescoreError) || file === good[0])
        throw asInputError(error, file, good[0]!);
      skipped.push({ uri: file.uri, code: error.code, message: error.message });
      return false;
    }
  });
  const types = unifyColumns(fitting, kept, job.input.lossy);
  const used = new Set([...features, ...kept]);
  const files = fitting.map(
    (file): PlannedFile => ({
      uri: file.uri,
      size: file.size,
      etag: file.etag,
      format: file.format,
      rows: file.rows,
      columns: file.columns.filter((c) => used.has(c.name)),
      pathValues: pathValues.get(file.uri) ?? {},
    }),
  );
  return {
    binding: { inputs, outputs, fixedBatch },
    outputColumns: outputColumns(job, outputs, types),
    described: fitting,
    files,
    skipped,
  };
}

// Path columns come after the file's own and never replace one: a FLOAT `month` in the file stays what it is.
function withPathColumns(file: FileDescription, job: Job): FileDescription {
  const own = new Set(file.columns.map((c) => c.name));
  const clash = Object.keys(job.input.pathColumns).find((name) => own.has(name));
  if (clash !== undefined) {
    throw new PrescoreError('INPUT_SCHEMA', {
      what: `input.pathColumns.${clash}: the file has a column of this name`,
      where: file.uri,
      fix: "Remove it from input.pathColumns: the file's own column is used.",
    });
  }
  const extra = Object.entries(job.input.pathColumns).map(([name, type]) => ({ name, type, nullable: false }));
  return { ...file, columns: [...file.columns, ...extra] };
}

// A file that does not fit where the first one did is an input fault, not the model's.
function asInputError(error: unknown, file: FileDescription, first: FileDescription): unknown {
  if (!(error instanceof PrescoreError) || error.code !== 'SIGNATURE_MISMATCH' || file === first) return error;
  return new PrescoreError('INPUT_SCHEMA', {
    ...error.details,
    what: `file does not fit the model as ${first.uri} does: ${error.details.what}`,
    where: file.uri,
  });
}
