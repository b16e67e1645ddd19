import { binaryKind } from './binary-kind.ts';
import type { Recognised } from './file-kinds.ts';
import type { FileSample } from './file-sample.ts';
import { pickleKind } from './pickle-kind.ts';
import { protoKind } from './proto-kind.ts';
import { textKind } from './text-kind.ts';
import { zipKind } from './zip-kind.ts';

/**
 * What a file is, by its bytes; by its name's ending only where weights without any mark cannot be told otherwise. Null when
 * nothing is known of it. Never decides that a file is good: whoever reads the format does.
 *
 * Errors: none.
 */
export function recogniseFile(sample: FileSample): Recognised | null {
  if (sample.size === 0) return { kind: 'empty' };
  return (
    binaryKind(sample, recogniseFile) ??
    zipKind(sample) ??
    pickleKind(sample) ??
    textKind(sample) ??
    protoKind(sample) ??
    weightsKind(sample)
  );
}

const WEIGHT_NAMES = /(\.onnx[._-]?data|\.data|_data|\.weights?|\.bin)$/i;
const LEAST_FLOATS = 16;
const MOST_FLOATS = 1024;

/** Raw floats have no mark: either the name says it, or nearly all values have sizes that weights have. */
function weightsKind({ head, name, size }: FileSample): Recognised | null {
  if (WEIGHT_NAMES.test(name)) return { kind: 'onnx-data' };
  const count = Math.min(MOST_FLOATS, Math.floor(head.length / 4));
  if (count < LEAST_FLOATS || (Number.isFinite(size) && size % 4 !== 0)) return null;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  let plausible = 0;
  for (let i = 0; i < count; i++) {
    const value = Math.abs(view.getFloat32(i * 4, true));
    if (value === 0 || (value > 1e-12 && value < 1e4)) plausible++;
  }
  return plausible / count > 0.95 ? { kind: 'onnx-data' } : null;
}
