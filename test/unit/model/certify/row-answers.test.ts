import { expect, it } from 'vitest';
import { RowAnswers } from '../../../../src/model/certify/probe-model.ts';

// Half floats are bits: 1.0, a quiet NaN, the same with a sign and another fraction.
const [ONE, NAN, OTHER_NAN] = [0x3c00, 0x7e00, 0xfe01];

const halves = (...bits: number[]) =>
  new Map([['y', { type: 'float16' as const, dims: [bits.length], data: Uint16Array.from(bits) }]]);

it('one NaN is as good as another, of half floats too', () => {
  const answers = new RowAnswers(halves(ONE, NAN), 2);
  expect(answers.differsAt(halves(OTHER_NAN, ONE), 2, 0, 1)).toBeNull();
  expect(answers.differsAt(halves(OTHER_NAN, ONE), 2, 1, 0)).toBeNull();
  expect(answers.differsAt(halves(NAN, ONE), 2, 0, 0)).toBe('y');
  expect(answers.differsAt(halves(0x7c00, ONE), 2, 0, 1)).toBe('y');
});
