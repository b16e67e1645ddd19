import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findFiles } from '../../../../src/model/gpu/find-parts.ts';
import { Pieces } from '../../../../src/model/gpu/pieces.ts';
import { suiteFolder } from '../../../harness/suite-folder.ts';

const root = suiteFolder();
let count = 0;

function folderWith(names: readonly string[]): string {
  const folder = join(root, String(count++));
  mkdirSync(folder);
  for (const name of names) writeFileSync(join(folder, name), name);
  return folder;
}

const found = (names: readonly string[]) =>
  findFiles(folderWith(names), (name) => name.endsWith('.whl')).map((f) => [
    f.name,
    ...f.paths.map((p) => basename(p)),
  ]);

describe('files in parts', () => {
  it.each([
    [['a.whl'], [['a.whl', 'a.whl']]],
    [['a.whl.part-ab', 'a.whl.part-aa', 'b.txt'], [['a.whl', 'a.whl.part-aa', 'a.whl.part-ab']]],
    [['a.whl.2', 'a.whl.1', 'a.whl.3'], [['a.whl', 'a.whl.1', 'a.whl.2', 'a.whl.3']]],
    [
      ['a.whl.part10', ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => `a.whl.part${n}`)],
      [['a.whl', ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((n) => `a.whl.part${n}`)]],
    ],
    [
      ['a.whl.000', 'a.whl.001', 'c.whl'],
      [
        ['a.whl', 'a.whl.000', 'a.whl.001'],
        ['c.whl', 'c.whl'],
      ],
    ],
    // The whole file goes before parts that were left beside it.
    [['a.whl', 'a.whl.aa', 'a.whl.ab'], [['a.whl', 'a.whl']]],
    [['a.whl.sha256', 'a.whl.part', 'readme'], []],
  ])('%j', (names, expected) => {
    expect(found(names)).toEqual(expected);
  });

  it('joins 26 parts and more as split names them', () => {
    const letters = [...'abcdefghijklmnopqrstuvwxyz'];
    const names = [...letters.map((l) => `x.whl.a${l}`), 'x.whl.ba', 'x.whl.bb'];
    expect(found([...names].reverse())).toEqual([['x.whl', ...names]]);
  });

  it.each([
    [['a.whl.aa', 'a.whl.ac'], /part of a\.whl is missing.*a\.whl\.ac/],
    [['a.whl.ab'], undefined],
    [['a.whl.002', 'a.whl.003'], /expected part 0/],
    [['a.whl.1', 'a.whl.01'], /there twice/],
  ])('refuses %j', (names, says) => {
    // A first part `ab` may be the second of two: nobody can tell, so the digest does.
    if (says === undefined) expect(found(names)).toEqual([['a.whl', 'a.whl.ab']]);
    else expect(() => found(names)).toThrow(says);
  });

  it('reads any range as if the parts were one file', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 6 }),
        fc.nat(100),
        fc.nat(100),
        async (parts, at, length) => {
          const folder = folderWith([]);
          const paths = parts.map((bytes, i) => {
            writeFileSync(join(folder, String(i)), bytes);
            return join(folder, String(i));
          });
          const whole = Buffer.concat(parts);
          const pieces = await Pieces.open('x', paths);
          expect(pieces.bytes).toBe(whole.length);
          const wanted = whole.subarray(at, at + length);
          expect(await pieces.read(at, length)).toEqual(Buffer.from(wanted));
          const streamed: Buffer[] = [];
          for await (const chunk of pieces.stream(at, length)) streamed.push(chunk);
          expect(Buffer.concat(streamed)).toEqual(Buffer.from(wanted));
        },
      ),
      { numRuns: 60 },
    );
  });
});
