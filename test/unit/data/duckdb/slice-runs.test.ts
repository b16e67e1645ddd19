import { describe, expect, it } from 'vitest';
import type { LocalSlice } from '../../../../src/data/duckdb/local-slice.ts';
import { listSchema, sliceRuns } from '../../../../src/data/duckdb/slice-runs.ts';

const slice = (changes: Partial<LocalSlice> = {}): LocalSlice => ({
  ...{ path: '/a', uri: 'file:///a', rowStart: 0, rowEnd: 9, fileRows: 9, rowBase: 0, groups: [] },
  ...{ names: new Map([['a', 'a']]), pathValues: {}, asBytes: new Set<string>(), schema: Uint8Array.of(1, 2) },
  ...changes,
});

const sizes = (...slices: LocalSlice[]): number[] => sliceRuns(slices).map((run) => run.slices.length);

describe('runs of slices', () => {
  it('are whole files of one schema that follow each other', () => {
    expect(sizes(slice(), slice({ schema: Uint8Array.of(1, 2) }), slice({ rowEnd: 4, fileRows: 4 }))).toEqual([3]);
    expect(sizes(slice(), slice(), slice({ schema: Uint8Array.of(1, 3) }), slice())).toEqual([2, 1, 1]);
    expect(sliceRuns([slice(), slice({ schema: null }), slice()]).map((run) => run.ordinal)).toEqual([0, 1, 2]);
    expect(sizes(...Array.from({ length: 300 }, () => slice()))).toEqual([256, 44]);
  });

  it.each<[string, Partial<LocalSlice>]>([
    ['a part of a file', { rowEnd: 5 }],
    ['the end of a file', { rowStart: 1 }],
    ['texts as bytes', { asBytes: new Set(['a']) }],
    ['other names', { names: new Map([['a', 'a_1']]) }],
    ['a column less', { names: new Map() }],
    ['another path value', { pathValues: { d: 'x' } }],
    ['a file that prescore wrote', { notes: { rowColumn: 'r', faultColumn: 'f', faults: [] } }],
    ['a schema that is not known', { schema: null }],
  ])('leave out %s', (_, changes) => {
    expect(sizes(slice(), slice(changes), slice(changes))).not.toEqual([3]);
    expect(sizes(slice(), slice(changes))).toEqual([1, 1]);
  });

  it.each([[['a', 'A']], [['a', 'file_index']], [['FILENAME']]])('have no schema where names are %s', (names) => {
    const columns = names.map((name) => ({ name }));
    expect(listSchema({ columns, schemaBytes: Uint8Array.of(1) })).toBeNull();
  });
});
