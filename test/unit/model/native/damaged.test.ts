import { expect, test } from 'vitest';
import { isPrescoreError } from '../../../../src/base/errors/prescore-error.ts';
import { seeded } from '../../../../src/model/elements/seeded.ts';
import type { NativeModel } from '../../../../src/model/native/native-model.ts';
import { readNativeModel } from '../../../../src/model/native/read-native-model.ts';
import { plainScores } from '../../../../src/model/trees/plain-scores.ts';
import { otherBits, type TrainerCase, trainerCases } from '../../../harness/trainer-cases.ts';

const CUTS = 100;
const CHANGES = 200;
const cases = trainerCases('').filter(({ name }) => !/linear|refused/.test(name));

function tryRead(bytes: Uint8Array, file: string): NativeModel | null {
  try {
    return readNativeModel(bytes, file);
  } catch (error) {
    if (isPrescoreError(error) && error.code === 'MODEL_INVALID' && error.message.includes(file)) return null;
    throw error;
  }
}

function scoresOf({ ensemble }: NativeModel, { arrays }: TrainerCase): Float64Array {
  const { data } = arrays.rows!;
  const rows = ensemble.features === arrays.rows!.shape[1] ? data : new Float64Array(ensemble.features);
  return plainScores(ensemble, rows);
}

test.each(cases)('$name cut short is refused, or loses nothing', (one) => {
  const { model, file, arrays } = one;
  for (let i = 0; i < CUTS; i++) {
    const read = tryRead(model.subarray(0, Math.floor((model.length * i) / CUTS)), file);
    if (read !== null) expect(otherBits(scoresOf(read, one), arrays.raw!.data)).toEqual([]);
  }
});

test.each(cases)('$name with changed bytes is refused or scores, and never hangs', (one) => {
  const random = seeded(one.model.length);
  for (let i = 0; i < CHANGES; i++) {
    const bytes = Uint8Array.from(one.model);
    for (let k = 0; k <= i % 3; k++) {
      const at = Math.floor(random() * bytes.length);
      // Half of them digits, which damage numbers and not the form.
      bytes[at] = random() < 0.5 ? 48 + Math.floor(random() * 10) : Math.floor(random() * 256);
    }
    const read = tryRead(bytes, one.file);
    if (read !== null && i % 10 === 0) scoresOf(read, one);
  }
});
