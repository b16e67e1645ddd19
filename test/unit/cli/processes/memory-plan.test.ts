import { describe, expect, it } from 'vitest';
import { saySmallMemory, shareMemory } from '../../../../src/cli/processes/memory-plan.ts';
import { memoryOf } from '../../../../src/cli/processes/scorers.ts';

const MIB = 1048576;

describe('memory and scorers', () => {
  it('auto takes as many scorers as fit, and says what would give one a core', () => {
    const share = shareMemory(1024 * MIB, 'auto', 8, 4 * MIB);
    expect(share.scorers).toBe(3);
    expect(saySmallMemory(share, 'auto', 8, 1024 * MIB, 4 * MIB)).toBe(
      'execution.memory of 1024 MiB has room for 3 of 8 scorers; 2496 MiB would give one a core.',
    );
    expect(shareMemory(2496 * MIB, 'auto', 8, 4 * MIB).scorers).toBe(8);
  });

  it('says nothing when every core has one, or when the job names a number', () => {
    expect(saySmallMemory(shareMemory(1024 * MIB, 'auto', 2, 4 * MIB), 'auto', 2, 1024 * MIB, 4 * MIB)).toBeNull();
    expect(saySmallMemory(shareMemory(1024 * MIB, 1, 8, MIB), 1, 8, 1024 * MIB, 4 * MIB)).toBeNull();
  });

  it('refuses a number that does not fit, with the figure that would do', () => {
    expect(() => shareMemory(1024 * MIB, 8, 8, 4 * MIB)).toThrow(/at least 2496 MiB; got 1024 MiB/);
  });

  it('gives a child two threads where the model fits twice, and says so to its slabs', () => {
    expect(shareMemory(1024 * MIB, 'auto', 2, 4 * MIB)).toMatchObject({ scorers: 2, threads: 2, slabs: 4 });
    expect(shareMemory(1024 * MIB, 1, 2, 4 * MIB)).toMatchObject({ scorers: 1, threads: 1, slabs: 3 });
    expect(shareMemory(1024 * MIB, 2, 2, 160 * MIB)).toMatchObject({ scorers: 2, threads: 1, slabs: 3 });
  });
});

it('tables of contributions are counted where a job asks for contributions, and only there', () => {
  const top = { explain: 'top', count: 3, index: null } as const;
  const model = (bytes: number) => ({ bytes, memoryBytes: 4 * bytes });
  expect(memoryOf(model(1e6), { outputs: null })).toBe(4e6);
  expect(memoryOf(model(1e6), { outputs: { reasons: top } })).toBe(49e6);
  expect(memoryOf(model(100e6), { outputs: { reasons: top } })).toBe(400e6 + 9 * 2 ** 23);
});
