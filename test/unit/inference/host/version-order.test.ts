import { describe, expect, it } from 'vitest';
import { compareVersions } from '../../../../src/inference/host/version-order.ts';

describe('the order of versions', () => {
  it.each([
    [null, '0', '1', '2', '9', '10', '100'],
    ['1.2', '1.2.1', '1.9', '1.10', '1.10.0', '2'],
    ['v1', 'v2', 'v10', '11'],
    [
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.9',
      '1.0.0-alpha.10',
      '1.0.0-beta',
      '1.0.0-rc1',
      '1.0.0-rc10',
      '1.0.0',
    ],
    ['2013.1', '2013.2', '2013.12', '2024-01-31', '2024-02-01', '2024-10-01'],
    ['20240101', '20240102', '99999999999999999998', '99999999999999999999'],
    ['1.0+a', '1.0+b'],
  ])('is lowest first: %j', (...versions) => {
    const sorted = [...versions].reverse().sort(compareVersions);
    expect(sorted).toEqual(versions);
    for (const [i, a] of versions.entries()) {
      for (const [j, b] of versions.entries()) expect(Math.sign(compareVersions(a, b))).toBe(Math.sign(i - j));
    }
  });
});
