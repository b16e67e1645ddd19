import type { Ensemble } from '../trees/ensemble.ts';
import { FunctionBody, i32, int, moduleBytes, repeat, seq, when } from './assembler.ts';
import { float } from './float-ops.ts';
import type { PortableKernel } from './kernel.ts';
import { imageOf, instanceOf, type KernelImage, MOST_IMAGE_BYTES } from './kernel-image.ts';
import { ByteWriter, MemoryPlan } from './memory-plan.ts';
import { ABREAST, NODE, stepCode } from './walk-code.ts';
import { putNodes, walkRules, writeLeaf } from './walk-nodes.ts';

type Exports = Readonly<Record<'row', () => void>>;

/**
 * Evaluates an ensemble row by row: a row walks down eight trees side by side. Of a few rows it costs less than kernels that take many
 * together, and all that it needs fits into one image. Sums are taken in the order and arithmetic of the ensemble.
 *
 * Null where it takes more than 16 MiB.
 */
export function rowKernel(ensemble: Ensemble): PortableKernel | null {
  const { features, targets, values, leaves, nodes } = ensemble;
  const count = nodes.feature.length + leaves.first.length;
  if (count * NODE[values].size + leaves.weight.length * 16 + features * 8 > MOST_IMAGE_BYTES) return null;
  const plan = new MemoryPlan(4096);
  const roots = putNodes(plan, ensemble);
  const table = leafTable(ensemble, plan);
  // The last group of trees is filled with a leaf that adds nothing.
  const none = new ByteWriter();
  writeLeaf(none, values, plan.next, leaves.first.length - 1);
  const nothing = plan.put(none.bytes());
  // Of no trees there is one group all the same: the loop over groups goes round once at least.
  const groups = Math.max(1, Math.ceil(roots.length / ABREAST)) * ABREAST;
  const places = Int32Array.from({ length: groups }, (_, i) => roots[i] ?? nothing);
  const rootsAt = plan.put(new Uint8Array(places.buffer));
  const input = plan.room(features * 8);
  const output = plan.room(targets * 8);
  const memory = plan.fill(64);
  const entry = rowCode(ensemble, { roots: rootsAt, end: rootsAt + 4 * groups, table, input, output });
  const code = moduleBytes([{ name: 'row', params: 0, entry }]);
  return rowsOf(imageOf(ensemble, { name: 'row', input, output, code, memory }), memory);
}

/** The kernel of an image; `memory`: the one that the image lies in, where it is at hand. */
export function rowsOf(image: KernelImage, memory?: WebAssembly.Memory): PortableKernel {
  const { features, targets, values, sums, input, output, start } = image;
  const { exports: code, buffer } = instanceOf<Exports>(image, memory);
  const row = new (values === 'float32' ? Float32Array : Float64Array)(buffer, input, features);
  const sum = new (sums === 'float32' ? Float32Array : Float64Array)(buffer, output, targets);
  return {
    name: 'row',
    image,
    sum(rows, count, into) {
      for (let i = 0; i < count; i++) {
        for (let k = 0, at = i * features; k < features; k++) row[k] = rows[at + k]!;
        for (let k = 0; k < targets; k++) sum[k] = start[k]!;
        code.row();
        for (let k = 0, at = i * targets; k < targets; k++) into[at + k] = sum[k]!;
      }
    },
  };
}

/** Addresses that the code of `row` is made for. */
interface RowPlaces {
  readonly roots: number;
  readonly end: number;
  /** An i32 a leaf: the address of the first of its weights, which end where those of the next begin. */
  readonly table: number;
  readonly input: number;
  readonly output: number;
}

// Weights of a leaf: offset of its target's sum (i32), then the weight.
const WEIGHT = { float32: { value: 4, size: 8 }, float64: { value: 8, size: 16 } } as const;

function leafTable({ leaves, sums }: Ensemble, plan: MemoryPlan): number {
  const { size } = WEIGHT[sums];
  const weights = new ByteWriter();
  for (let i = 0; i < leaves.weight.length; i++) {
    weights.i32(leaves.target[i]! * (sums === 'float32' ? 4 : 8)).align(WEIGHT[sums].value);
    weights.float(leaves.weight[i]!, sums);
  }
  const at = plan.put(weights.bytes());
  // One leaf more, without weights.
  const firsts = [...leaves.first, leaves.first.at(-1)!];
  return plan.put(new Uint8Array(Int32Array.from(firsts, (first) => at + first * size).buffer));
}

function rowCode(ensemble: Ensemble, places: RowPlaces): number[] {
  const { values, sums } = ensemble;
  const body = new FunctionBody(0);
  const { p, weight, end, sum } = body.named('i32', 'p', 'weight', 'end', 'sum');
  const at = body.locals('i32', ABREAST);
  const [value, ops] = [float[values], float[sums]];
  const steps = stepCode(body, values, walkRules(ensemble), at, (offset) => value.load(offset, places.input));
  const add = at.map((here) =>
    seq(
      p.set(i32.shl(i32.load(here.get, NODE[values].leaf), 2)),
      weight.set(i32.load(p.get, places.table)),
      end.set(i32.load(p.get, places.table + 4)),
      when(
        i32.below(weight.get, end.get),
        repeat(
          seq(
            sum.set(i32.load(weight.get)),
            ops.store(
              sum.get,
              ops.add(ops.load(sum.get, places.output), ops.load(weight.get, WEIGHT[sums].value)),
              places.output,
            ),
            weight.set(i32.add(weight.get, int(WEIGHT[sums].size))),
          ),
          i32.below(weight.get, end.get),
        ),
      ),
    ),
  );
  const { root } = body.named('i32', 'root');
  return body.encode(
    seq(
      root.set(int(places.roots)),
      repeat(
        seq(
          ...at.map((here, i) => here.set(i32.load(root.get, 4 * i))),
          steps,
          ...add,
          root.set(i32.add(root.get, int(4 * ABREAST))),
        ),
        i32.below(root.get, int(places.end)),
      ),
    ),
  );
}
