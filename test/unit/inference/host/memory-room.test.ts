import { describe, expect, it } from 'vitest';
import { chooseEvictions } from '../../../../src/inference/host/memory-room.ts';

const use = (name: string, bytes: number, usedAt: number, mayGo = true) => ({ name, bytes, usedAt, mayGo });
const names = (chosen: readonly { readonly name: string }[] | null) => chosen?.map(({ name }) => name) ?? null;

describe('room for another model', () => {
  const uses = [use('a', 40, 3), use('b', 30, 1), use('c', 20, 2), use('pinned', 10, 0, false)];

  it('is there, or is made by as few of the least recently used as need be', () => {
    expect(names(chooseEvictions(uses, 50, 150))).toEqual([]);
    expect(names(chooseEvictions(uses, 51, 150))).toEqual(['b']);
    expect(names(chooseEvictions(uses, 81, 150))).toEqual(['b', 'c']);
    expect(names(chooseEvictions(uses, 140, 150))).toEqual(['b', 'c', 'a']);
  });

  it('is refused when what may go is too little; then nothing goes', () => {
    expect(chooseEvictions(uses, 141, 150)).toBe(null);
    expect(chooseEvictions([], 151, 150)).toBe(null);
  });
});
