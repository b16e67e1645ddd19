import type { Binding } from '../../base/contract/binding.ts';
import type { Job } from '../../base/contract/job.ts';
import {
  type FeatureRow,
  type JobScoreRequest,
  type JobScorer,
  type JobScores,
  type RowScore,
  sameNames,
} from '../../base/contract/job-scorer.ts';
import type { InferAnswer, LiveModel, LiveTensor } from '../../base/contract/live-model.ts';
import type { ValueColumn } from '../../base/contract/prediction-set.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { elementView } from '../../model/elements/elements.ts';
import { constantTensor } from '../../scoring/tensor/constant-tensor.ts';
import { columnsOf, FeaturePacker, slabFeeds } from '../../scoring/tensor/feature-packer.ts';
import { FetchColumns } from '../../scoring/tensor/fetch-columns.ts';
import { RejectCodes } from '../../scoring/tensor/reject-codes.ts';
import { exactLayout } from '../../scoring/tensor/slab-layout.ts';
import { StringDictionary } from '../../scoring/tensor/string-dictionary.ts';
import { valueTypeOf } from '../../sets/prediction-set/value-types.ts';
import { fetchedTensor, predictionValue } from './job-outputs.ts';
import { type RequestColumn, RowBatch, requestColumn } from './job-row-batch.ts';
import { type RowGroup, sequenceGroups, stepsTogether } from './job-sequences.ts';

export interface JobScorerParts {
  readonly job: Job;
  readonly binding: Binding;
  /** DuckDB's types of the source columns; others than those of features may be there. */
  readonly types: ReadonlyMap<string, string>;
  readonly model: LiveModel;
}

/**
 * The scorer of live rows. Features are read as values of the source columns and go through the packer of the batch path;
 * outputs come through its reader of fetches.
 *
 * Errors: INPUT_SCHEMA when the type of a feature column is not known or cannot be a feature.
 */
export function openJobScorer(parts: JobScorerParts): JobScorer {
  return new BoundScorer(parts);
}

interface Packing {
  readonly codes: RejectCodes;
  readonly dictionary: StringDictionary;
  readonly packer: FeaturePacker;
}

const KEPT_REASONS = 1000;

class BoundScorer implements JobScorer {
  readonly job: string;
  readonly model: JobScorer['model'];
  readonly features: JobScorer['features'];
  readonly values: readonly ValueColumn[];
  private readonly binding: Binding;
  private readonly live: LiveModel;
  private readonly columns: readonly RequestColumn[];
  private readonly places: ReadonlyMap<string, number>;
  private readonly fetches: readonly string[];
  private readonly batch: RowBatch;
  private readonly hasTexts: boolean;
  private packing: Packing | null = null;
  /** Names of the row before: rows of one client have them in one order, and a comparison costs less than a look-up. */
  private order: readonly string[] = [];
  private orderPlaces: readonly (number | undefined)[] = [];

  constructor({ job, binding, types, model }: JobScorerParts) {
    this.job = job.name;
    this.model = { name: job.model.name, version: job.model.version, sha256: model.sha256 };
    this.binding = binding;
    this.live = model;
    const names = [...new Set(binding.inputs.flatMap((input) => [...columnsOf(input)]))];
    this.columns = names.map((name) => {
      const column = requestColumn(name, types.get(name) ?? '');
      if (column !== null) return column;
      const [what, got] = [`column ${JSON.stringify(name)} cannot be a live feature`, types.get(name) ?? 'no type'];
      throw new PrescoreError('INPUT_SCHEMA', { what, where: job.name, got });
    });
    this.batch = new RowBatch(this.columns);
    this.hasTexts = binding.inputs.some((input) => input.kind !== 'constant' && input.type === 'string');
    this.places = new Map(names.map((name, i) => [name, i]));
    this.features = this.columns.map(({ name, type }) => ({ name, type }));
    this.fetches = [...new Set(binding.outputs.map((o) => o.tensor))];
    const wanted = job.predictions?.values ?? null;
    this.values = binding.outputs
      .filter((o) => wanted === null || wanted.includes(o.column))
      .flatMap((o) => {
        const type = valueTypeOf(o.type);
        return type === null ? [] : [{ name: o.column, type }];
      });
  }

  async score(request: JobScoreRequest): Promise<JobScores> {
    const scores = new Array<RowScore | null>(request.rows.length).fill(null);
    const most = Math.max(1, this.live.maxRows);
    const answers: Promise<InferAnswer>[] = [];
    for (const { inputs, rows } of this.pack(request, scores)) {
      for (let from = 0; from < rows.length; from += most) {
        const part = rows.slice(from, from + most);
        answers.push(this.infer(request, inputs, from, part, rows.length, scores));
      }
    }
    const done = await Promise.all(answers);
    return {
      model: this.model,
      rows: scores.map((score) => score ?? { rule: 'model_error', column: '', message: 'the model gave no answer' }),
      queueMs: Math.max(0, ...done.map((a) => a.queueMs)),
      computeMs: Math.max(0, ...done.map((a) => a.computeMs)),
      batchRows: Math.max(0, ...done.map((a) => a.batchRows)),
    };
  }

  private pack({ rows, form }: JobScoreRequest, scores: (RowScore | null)[]): RowGroup[] {
    const { batch } = this;
    batch.reset(rows.length);
    for (let i = 0; i < rows.length; i++) scores[i] = this.put(i, rows[i]!, form);
    const { packer, codes, dictionary } = this.nextPacking();
    const { binding } = this;
    const layout = exactLayout(binding, rows.length, stepsTogether(binding, batch, this.places));
    const buffer = new ArrayBuffer(layout.bytes);
    const feeds = slabFeeds(binding, layout, buffer);
    packer.room(batch, 0, rows.length, feeds, 0);
    packer.pack(batch, 0, rows.length, feeds, 0);
    const kept: number[] = [];
    for (let row = 0; row < rows.length; row++) {
      scores[row] ??= codes.reasonOf(feeds.codes[row]!) ?? null;
      if (scores[row] === null) kept.push(row);
    }
    if (binding.lengths !== undefined)
      return sequenceGroups(binding, layout, buffer, dictionary.texts, (row) => scores[row] === null);
    const inputs = new Map<string, LiveTensor>();
    binding.inputs.forEach((input, i) => {
      const packed = feeds.arrays[i];
      if (packed == null || (input.kind !== 'columns' && input.kind !== 'list')) return;
      const width = layout.inputs[i]!.width;
      // Rows that are not scored make room: the others move up.
      kept.forEach((row, at) => {
        if (row !== at) packed.copyWithin(at * width, row * width, (row + 1) * width);
      });
      const data = packed.subarray(0, kept.length * width);
      const texts =
        input.type === 'string' ? Array.from(data as Uint32Array, (code) => dictionary.texts[code] ?? '') : data;
      inputs.set(input.tensor, { type: input.type, dims: [kept.length, ...input.tail], data: texts });
    });
    return kept.length === 0 ? [] : [{ inputs, rows: kept }];
  }

  // Texts of requests are kept no longer than the request, and messages not for ever.
  private nextPacking(): Packing {
    const known = this.packing;
    if (known !== null && !this.hasTexts && known.codes.reasons.length < KEPT_REASONS) return known;
    const codes = new RejectCodes();
    const dictionary = new StringDictionary();
    this.packing = { codes, dictionary, packer: new FeaturePacker(this.binding, this.columns, codes, dictionary) };
    return this.packing;
  }

  // All of a row's problems would be too many: the first one is said. Unknown names come first, as they are the caller's fault.
  private put(row: number, features: FeatureRow, form: JobScoreRequest['form']): RowScore | null {
    let problem: RowScore | null = null;
    const { names, values } = features;
    const places = this.placesOf(names);
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      const place = places[i];
      if (place === undefined) {
        return { rule: 'unknown_feature', column: name, message: 'the job has no such feature' };
      }
      const why = this.batch.put(place, row, values[i], form);
      if (why !== null) problem ??= { rule: why.rule, column: name, message: why.message };
    }
    return problem;
  }

  private placesOf(names: readonly string[]): readonly (number | undefined)[] {
    if (sameNames(names, this.order)) return this.orderPlaces;
    const places = names.map((name) => this.places.get(name));
    // Rows with more names than the job has are no order to remember.
    if (names.length > this.columns.length) return places;
    this.order = names;
    this.orderPlaces = places;
    return places;
  }

  private async infer(
    { deadlineMs, priority, signal, isGathered }: JobScoreRequest,
    packed: ReadonlyMap<string, LiveTensor>,
    from: number,
    part: readonly number[],
    all: number,
    scores: (RowScore | null)[],
  ): Promise<InferAnswer> {
    const rows = part.length;
    const inputs = new Map<string, LiveTensor>();
    for (const [name, tensor] of packed) inputs.set(name, rowsOf(tensor, from, rows, all));
    for (const input of this.binding.inputs) {
      if (input.kind === 'constant' && input.length === undefined)
        inputs.set(input.tensor, constantTensor(input, rows));
    }
    const answer = await this.live.infer({
      inputs,
      outputs: this.fetches,
      rows,
      deadlineMs,
      priority,
      signal,
      isGathered,
    });
    const fetched = new Map([...answer.outputs].map(([name, tensor]) => [name, fetchedTensor(tensor)]));
    const columns = new FetchColumns(this.binding.outputs, rows);
    const failed = new Map(answer.failedRows.map((f) => [f.row, f.message]));
    for (const [row, message] of failed) scores[part[row]!] = { rule: 'model_error', column: '', message };
    columns.add(fetched, 0, rows, rows, (row, column, message) => {
      scores[part[row]!] ??= { rule: 'bad_output', column, message };
    });
    const built = columns.columns();
    for (let row = 0; row < rows; row++) {
      scores[part[row]!] ??= { values: this.valuesOf(built, row) };
    }
    return answer;
  }

  private valuesOf(
    built: ReturnType<FetchColumns['columns']>,
    row: number,
  ): Extract<RowScore, { values: unknown }>['values'] {
    const values: Record<string, ReturnType<typeof predictionValue>> = Object.create(null);
    let next = 0;
    this.binding.outputs.forEach((output, i) => {
      if (this.values[next]?.name !== output.column) return;
      next++;
      values[output.column] = predictionValue(output, built[i]!, row);
    });
    return values;
  }
}

function rowsOf(tensor: LiveTensor, from: number, rows: number, all: number): LiveTensor {
  if (rows === all) return tensor;
  const width = tensor.dims.slice(1).reduce((product, d) => product * d, 1);
  const dims = [rows, ...tensor.dims.slice(1)];
  const { data } = tensor;
  if (!ArrayBuffer.isView(data)) return { ...tensor, dims, data: data.slice(from * width, (from + rows) * width) };
  const bytes = data.byteLength / (all * width);
  const start = data.byteOffset + from * width * bytes;
  return { ...tensor, dims, data: elementView(tensor.type, data.buffer, start, rows * width) };
}
