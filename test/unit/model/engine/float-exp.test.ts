import { expect, test } from 'vitest';
import { seeded } from '../../../../src/model/elements/seeded.ts';
import { floatExp } from '../../../../src/model/engine/float-exp.ts';

/** expf of glibc 2.36 where it is not the float nearest to the exponential. */
const ODD: readonly (readonly [number, number])[] = [
  [-3.287813901901245, 0.03733538091182709],
  [-7.284364223480225, 0.0006861843867227435],
  [-7.568618297576904, 0.000516405503731221],
  [-1.921831727027893, 0.14633867144584656],
  [-13.004616737365723, 0.000002249918225061265],
  [-12.654792785644531, 0.0000031922238576953532],
];

test('exponentials are those of the C library, also where it does not round to the nearest', () => {
  for (const [x, value] of ODD) {
    expect(floatExp(x)).toBe(value);
    expect(Math.fround(Math.exp(x))).not.toBe(value);
  }
  expect(floatExp(0)).toBe(1);
});

test('nearly all are the nearest float; what is not sure, or out of range, is NaN', () => {
  const random = seeded(1);
  const found = { nearest: 0, other: 0, unsure: 0 };
  for (let i = 0; i < 100_000; i++) {
    const x = Math.fround(-random() * 87);
    const value = floatExp(x);
    if (Number.isNaN(value)) found.unsure++;
    else if (value === Math.fround(Math.exp(x))) found.nearest++;
    else found.other++;
  }
  expect(found.unsure).toBeLessThan(3);
  expect(found.other).toBeLessThan(100);
  for (const x of [0.5, -88, Number.NEGATIVE_INFINITY, Number.NaN]) expect(floatExp(x)).toBeNaN();
});
