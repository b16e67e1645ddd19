import { isDeepStrictEqual } from 'node:util';
import type { TensorValue } from '../elements/elements.ts';
import type { ModelSession } from '../elements/model-session.ts';
import { bitVectorsOf } from '../tree-kernel/bit-vector-kernel.ts';
import type { TreeKernel } from '../tree-kernel/kernel.ts';
import { type KernelImage, MOST_IMAGE_BYTES } from '../tree-kernel/kernel-image.ts';
import { BLOCK } from '../tree-kernel/rank-code.ts';
import { rowKernel } from '../tree-kernel/row-kernel.ts';
import type { Ensemble } from '../trees/ensemble.ts';
import { type Floats, floatsOf } from '../trees/float-arrays.ts';
import { checkRows } from './check-rows.ts';
import { hasSameBits, sumsOf } from './kernel-sums.ts';
import { NativeSession } from './native-session.ts';
import { NATIVE_INPUT, nativeFeatures } from './native-signature.ts';
import { hasOwnExponentials } from './transform-check.ts';
import { TreeSession } from './tree-session.ts';
import { TreeTwin, type TwinFacts, type TwinParts } from './tree-twin.ts';
import { twinOutputs } from './twin-outputs.ts';

const CHECKED_ROWS = 1024;
/** Sums are compared for all of them, answers for all in blocks and for so many-th alone. */
const ALONE_EVERY = 4;
/** Of the checked rows, those that a twin may leave to its session. */
const MOST_UNSURE = 0.01;
const TIMED_CALLS = 20;

/** A model's trees on the way to being a twin. */
interface Source {
  readonly facts: TwinFacts;
  readonly ensemble: Ensemble;
  /** The session's own. */
  readonly kernel: TreeKernel;
  readonly many: KernelImage | null;
  readonly fetches: readonly string[];
  readonly feedsOf: (rows: Floats, count: number) => Map<string, TensorValue>;
}

/**
 * What another process needs to score a session's model as it does, where the model is trees whole: a trainer's own file, or an ONNX file
 * without operators before its trees. The twin's answers are compared with those of the session in every bit; null where one differs, or where
 * the model is of another kind.
 */
export async function twinOf(session: ModelSession): Promise<TwinParts | null> {
  const source =
    session instanceof NativeSession
      ? nativeSource(session)
      : session instanceof TreeSession
        ? await onnxSource(session)
        : null;
  if (source === null || !isDeepStrictEqual(JSON.parse(JSON.stringify(source.facts)), source.facts)) return null;
  const { facts, ensemble, many } = source;
  const few = rowKernel(ensemble);
  if (few === null) return null;
  const rows = checkRows(ensemble, ensemble.features, CHECKED_ROWS);
  if (!hasSameBits(sumsOf(few, ensemble, rows), sumsOf(source.kernel, ensemble, rows))) return null;
  const costs = {
    row: microsOf(few, ensemble, rows, 1),
    block: many === null ? Number.MAX_VALUE : microsOf(bitVectorsOf(many), ensemble, rows, BLOCK),
    blockRows: BLOCK,
  };
  const parts = { facts, base: Float64Array.from(ensemble.base), few: few.image, many, costs };
  return (await isTwin(session, new TreeTwin(parts), source, rows)) ? parts : null;
}

function nativeSource({ model, kernel, signature }: NativeSession): Source {
  const { ensemble, featureNames, categories, outputs, classes } = model;
  const features = nativeFeatures(model);
  return {
    facts: { kind: 'native', ensemble: shapeOf(ensemble), model: { featureNames, categories, outputs, classes } },
    ensemble,
    kernel,
    many: bitsOf(kernel),
    fetches: signature.outputs.filter(({ isOnRequest }) => isOnRequest !== true).map(({ name }) => name),
    feedsOf(rows, count) {
      const { values, features: width } = ensemble;
      if (features === null) return new Map([[NATIVE_INPUT, { type: values, dims: [count, width], data: rows }]]);
      return new Map(
        features.map(({ name, places, type }, feature) => {
          const column = Array.from({ length: count }, (_, row) => rows[row * width + feature]!);
          // Places of categories become the categories, and what is none a text or number that is none.
          const known = places === null ? [] : [...places.keys()];
          const data =
            places === null ? column : column.map((place) => known[place] ?? (type === 'string' ? '' : Number.NaN));
          return [name, { type, dims: [count, 1], data }];
        }),
      );
    },
  };
}

async function onnxSource({ parts, scorer, signature }: TreeSession): Promise<Source | null> {
  const { input, trees } = parts;
  const { kernel, width } = scorer;
  const outputs = twinOutputs(parts, signature);
  if (parts.before !== null || outputs.length === 0 || kernel === null) return null;
  if (!(await hasOwnExponentials(scorer))) return null;
  const { ensemble: _, ...rest } = trees;
  const ensemble = { ...trees.ensemble, features: width };
  return {
    facts: { kind: 'onnx', ensemble: shapeOf(ensemble), trees: rest, input, outputs },
    ensemble,
    kernel,
    many: bitsOf(kernel),
    fetches: outputs.map(({ name }) => name),
    feedsOf: (rows, count) => new Map([[input, { type: 'float32', dims: [count, width], data: rows }]]),
  };
}

function shapeOf({ features, targets, values, sums, baseAdded, divisor }: Ensemble): TwinFacts['ensemble'] {
  return { features, targets, values, sums, baseAdded, divisor };
}

function bitsOf({ image }: TreeKernel): KernelImage | null {
  return image?.name === 'bit vectors' && image.memory.length <= MOST_IMAGE_BYTES ? image : null;
}

/** The least time of a call, once V8 has improved its code. */
function microsOf(kernel: TreeKernel, { features, targets, sums }: Ensemble, rows: Floats, count: number): number {
  const into = floatsOf(sums, (rows.length / features) * targets);
  kernel.sum(rows, rows.length / features, into);
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < TIMED_CALLS; i++) {
    const started = performance.now();
    kernel.sum(rows.subarray(i * features), count, into);
    least = Math.min(least, performance.now() - started);
  }
  return least * 1000;
}

/** One by one and in blocks: the kernels for few rows and for many. */
async function isTwin(
  session: ModelSession,
  twin: TreeTwin,
  { ensemble, feedsOf, fetches }: Source,
  rows: Floats,
): Promise<boolean> {
  const { features } = ensemble;
  const count = rows.length / features;
  const expected = await session.run(feedsOf(rows, count), fetches);
  let unsure = 0;
  for (const size of [1, BLOCK]) {
    for (let from = 0; from + size <= count; from += size === 1 ? ALONE_EVERY : size) {
      const made = twin.score(feedsOf(rows.slice(from * features, (from + size) * features), size), fetches);
      if (made === null) unsure += size;
      else if (!fetches.every((name) => isPart(made.get(name)!, expected.get(name)!, from, size))) return false;
    }
  }
  return unsure <= MOST_UNSURE * count;
}

function isPart(made: TensorValue, whole: TensorValue, from: number, count: number): boolean {
  const tail = made.dims.slice(1);
  if (made.type !== whole.type || made.dims[0] !== count || tail.join() !== whole.dims.slice(1).join()) return false;
  return hasSameBits(made.data, whole.data, from * (made.data.length / count));
}
