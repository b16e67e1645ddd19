import { expect, test } from 'vitest';
import { sayMany } from '../../../../src/base/telemetry/progress-line.ts';

test('a number stands with its word', () => {
  expect([0, 1, 2, 2048].map((n) => sayMany(n, 'file'))).toEqual(['0 files', '1 file', '2 files', '2,048 files']);
  expect([1, 3].map((n) => sayMany(n, 'run is', 'runs are'))).toEqual(['1 run is', '3 runs are']);
});
