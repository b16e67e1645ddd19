import { describe, expect, it } from 'vitest';
import { readSources } from '../../../scripts/check-house.ts';
import { type Room, WINGS, type Wing } from '../../../scripts/house-plan.ts';
import { findFaults, type SourceFile } from '../../../scripts/house-rules.ts';

const plant = (path: string, text: string): string[] => {
  const files: SourceFile[] = [...readSources().filter((f) => f.path !== path), { path, text }];
  return findFaults(files);
};

describe('the house', () => {
  it('is in order', () => {
    expect(findFaults(readSources())).toEqual([]);
  });

  it.each([
    [
      'a wall is crossed',
      'run/ledger/planted.ts',
      "import { Duck } from '../../data/duckdb/duckdb.ts';",
      /run\/ledger may not import data\/duckdb/,
    ],
    [
      'a wall is crossed by a type',
      'run/plan/planted.ts',
      "import type { S3Store } from '../../data/s3-store/s3-store.ts';",
      /run\/plan may not import data\/s3-store/,
    ],
    [
      'a wall is crossed by a dynamic import',
      'job/parse/planted.ts',
      "await import('../../cli/main.ts');",
      /job\/parse may not import cli/,
    ],
    [
      'a second importer of a package',
      'model/onnx/planted.ts',
      "import * as ort from 'onnxruntime-node';",
      /only model\/onnx\/onnx-session.ts may import/,
    ],
    [
      'a package nobody agreed on',
      'run/plan/planted.ts',
      "import leftPad from 'left-pad';",
      /left-pad is not in the table/,
    ],
    ['a room nobody drew', 'base/attic/planted.ts', 'export {};', /room base\/attic is not in the plan/],
    ['a room within a room', 'run/plan/inner/planted.ts', 'export {};', /room run\/plan\/inner is not in the plan/],
    ['a file between the rooms', 'run/planted.ts', 'export {};', /room run is not in the plan/],
    ['a name that says nothing', 'run/plan/date-utils.ts', 'export {};', /a name that says nothing/],
    ['any', 'run/plan/planted.ts', 'export const x = 1 as any;', /planted.ts: any/],
    [
      'a cast through unknown',
      'run/plan/planted.ts',
      'export const x = 1 as unknown as string;',
      /cast through unknown/,
    ],
    ['a plain Error', 'run/plan/planted.ts', "throw new Error('x');", /a plain Error/],
    ['a god file', 'run/plan/planted.ts', 'export {};\n'.repeat(301), /over 300/],
  ])('notices %s', (_what, path, text, fault) => {
    expect(plant(path, text).join('\n')).toMatch(fault);
  });

  it('notices a cycle', () => {
    const files = [
      { path: 'run/plan/a.ts', text: "import { b } from './b.ts';" },
      { path: 'run/plan/b.ts', text: "import type { a } from './a.ts';" },
    ];
    expect(findFaults(files, { fewestFiles: 0 })).toEqual(['cycle: run/plan/a.ts -> run/plan/b.ts -> run/plan/a.ts']);
  });

  it('notices a folder and a wing that hold too much', () => {
    const many = (count: number, path: (k: number) => string): SourceFile[] =>
      Array.from({ length: count }, (_, k) => ({ path: path(k), text: 'export {};' }));
    const files = [...readSources(), ...many(31, (k) => `fleet/notify/planted-${k}.ts`)];
    expect(findFaults(files).join('\n')).toMatch(/^fleet\/notify: 34 files, over 30$/m);
    const rooms = [...readSources(), ...many(9, (k) => `run/planted-${k}/a.ts`)];
    expect(findFaults(rooms).join('\n')).toMatch(/^run: 13 rooms, over 9$/m);
  });

  it.each([
    ['an arrow that points up', 'data/duckdb', 'plan: base/disk may import data/duckdb, which is above it'],
    ['a wall around nothing', 'base/attic', 'plan: base/disk may import base/attic, which is no room'],
  ])('notices %s in the plan', (_what, to, fault) => {
    expect(findFaults(readSources(), { wings: changed('base/disk', [to]) })).toContain(fault);
  });

  it('notices a circle of rooms in the plan', () => {
    const faults = findFaults(readSources(), {
      wings: changed('run/ledger', ['base/contract', 'base/errors', 'run/pipeline']),
    });
    expect(faults).toContain('plan: circle of rooms: run/ledger -> run/pipeline -> run/ledger');
  });

  it('does not pass when it sees too little', () => {
    expect(findFaults([{ path: 'run/plan/a.ts', text: '' }]).join()).toMatch(/only 1 files seen/);
  });
});

/** The plan with other rights for one room. */
function changed(path: string, may: readonly string[]): Wing[] {
  const rooms = (wing: Wing): Room[] => wing.rooms.map((room) => (room.path === path ? { ...room, may } : room));
  return WINGS.map((wing) => ({ ...wing, rooms: rooms(wing) }));
}
