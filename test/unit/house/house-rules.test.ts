import { describe, expect, it } from 'vitest';
import { readSources } from '../../../scripts/check-house.ts';
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
      'ledger/planted.ts',
      "import { Duck } from '../columnar/duckdb.ts';",
      /ledger may not import columnar/,
    ],
    [
      'a wall is crossed by a type',
      'plan/planted.ts',
      "import type { S3Store } from '../object-store/s3-store.ts';",
      /plan may not import object-store/,
    ],
    [
      'a wall is crossed by a dynamic import',
      'spec/planted.ts',
      "await import('../cli/main.ts');",
      /spec may not import cli/,
    ],
    [
      'a second importer of a package',
      'model/planted.ts',
      "import * as ort from 'onnxruntime-node';",
      /only model\/onnx-session.ts may import/,
    ],
    [
      'a package nobody agreed on',
      'plan/planted.ts',
      "import leftPad from 'left-pad';",
      /left-pad is not in the table/,
    ],
    ['a room nobody drew', 'attic/planted.ts', 'export {};', /room attic is not in the table/],
    ['a name that says nothing', 'plan/date-utils.ts', 'export {};', /a name that says nothing/],
    ['any', 'plan/planted.ts', 'export const x = 1 as any;', /planted.ts: any/],
    ['a cast through unknown', 'plan/planted.ts', 'export const x = 1 as unknown as string;', /cast through unknown/],
    ['a plain Error', 'plan/planted.ts', "throw new Error('x');", /a plain Error/],
    ['a god file', 'plan/planted.ts', 'export {};\n'.repeat(301), /over 300/],
  ])('notices %s', (_what, path, text, fault) => {
    expect(plant(path, text).join('\n')).toMatch(fault);
  });

  it('notices a cycle', () => {
    const faults = findFaults(
      [
        { path: 'plan/a.ts', text: "import { b } from './b.ts';" },
        { path: 'plan/b.ts', text: "import type { a } from './a.ts';" },
      ],
      0,
    );
    expect(faults).toEqual(['cycle: plan/a.ts -> plan/b.ts -> plan/a.ts']);
  });

  it('does not pass when it sees too little', () => {
    expect(findFaults([{ path: 'plan/a.ts', text: '' }]).join()).toMatch(/only 1 files seen/);
  });
});
