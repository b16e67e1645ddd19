import { describe, expect, it } from 'vitest';
import { allowedMemory, publisherMemory } from '../../../../src/cli/processes/allowed-memory.ts';
import { leastMemory, shareMemory } from '../../../../src/cli/processes/memory-plan.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const auto = (machine: number, least = 0, parts = 1): number => allowedMemory('auto', least, parts, machine).bytes;

describe('execution.memory: auto', () => {
  it('is half of what there is, and 80 % of little', () => {
    expect([auto(24 * GIB), auto(4 * GIB), auto(2 * GIB)]).toEqual([12 * GIB, 2 * GIB, GIB]);
    expect([auto(GIB), auto(GIB / 2)].map((bytes) => Math.round((10 * bytes) / GIB))).toEqual([8, 4]);
    expect(allowedMemory(3 * GIB, 0, 1, GIB)).toEqual({ bytes: 3 * GIB, ofBytes: null });
    expect(publisherMemory('auto')).toBeLessThanOrEqual(GIB);
    expect(publisherMemory(7 * GIB)).toBe(7 * GIB);
  });

  it('is divided among jobs, but has room for one scorer where the machine has', () => {
    expect(auto(24 * GIB, 0, 4)).toBe(3 * GIB);
    const least = leastMemory('auto', 50 * MIB);
    expect(auto(GIB, least, 4)).toBe(least);
    expect(auto(GIB, 2 * GIB)).toBe(Math.floor(0.8 * GIB));
  });

  it('does for a container of 512 MiB, and for eight scorers on a laptop of 8 GiB', () => {
    expect(shareMemory(auto(512 * MIB, leastMemory('auto', MIB)), 'auto', 2, MIB)).toMatchObject({ scorers: 1 });
    expect(shareMemory(auto(8 * GIB, leastMemory(8, MIB)), 8, 8, MIB)).toMatchObject({ scorers: 8 });
    expect(shareMemory(auto(4 * GIB, leastMemory(8, 20 * MIB)), 8, 8, 20 * MIB)).toMatchObject({ scorers: 8 });
  });
});
