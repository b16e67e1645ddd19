import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readElf } from '../../../../src/model/gpu/elf.ts';
import { loaderPlaces, locateByName, walkLibraries } from '../../../../src/model/gpu/find-libraries.ts';
import { findOrtPlace } from '../../../../src/model/gpu/ort-place.ts';
import { makeLibrary } from '../../../harness/elf-library.ts';
import { suiteFolder } from '../../../harness/suite-folder.ts';

const folder = suiteFolder();
const binding = findOrtPlace().folder;

function library(path: string, made: Parameters<typeof makeLibrary>[0]): string {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), makeLibrary(made));
  return join(folder, path);
}

describe('reading shared libraries', () => {
  it('reads the one of ONNX Runtime', () => {
    const found = readElf(join(binding, 'libonnxruntime.so.1'));
    expect(found).toMatchObject({ machine: 62, soname: 'libonnxruntime.so.1', runpath: ['$ORIGIN'], rpath: [] });
    expect(found?.needed).toEqual(expect.arrayContaining(['libstdc++.so.6', 'libc.so.6']));
  });

  it('walks to the same libraries as the loader maps', () => {
    const node = join(binding, 'onnxruntime_binding.node');
    const script = `process.dlopen({ exports: {} }, ${JSON.stringify(node)}); process.stdout.write(require('fs').readFileSync('/proc/self/maps'))`;
    const maps = execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' });
    const mapped = new Set(maps.split('\n').map((line) => line.split(/\s+/)[5]));
    const walked = walkLibraries([node], loaderPlaces([]));
    expect(walked.map((l) => l.name)).toContain('libonnxruntime.so.1');
    for (const { name, path } of walked) {
      expect(path, name).not.toBeNull();
      expect(mapped, name).toContain(realpathSync(path ?? ''));
    }
  });

  it('takes nothing else for one, however it is cut off', () => {
    const whole = makeLibrary({ soname: 'a.so', needed: ['b.so'], runpath: '$ORIGIN/x:/y' });
    const path = join(folder, 'cut');
    writeFileSync(path, whole);
    expect(readElf(path)).toEqual({
      machine: 62,
      soname: 'a.so',
      needed: ['b.so'],
      rpath: [],
      runpath: ['$ORIGIN/x', '/y'],
    });
    for (let length = 0; length < whole.length; length += 7) {
      writeFileSync(path, whole.subarray(0, length));
      expect(readElf(path)).toBeNull();
    }
    for (let at = 0; at < whole.length; at += 3) {
      const damaged = Buffer.from(whole);
      damaged.fill(0xff, at, Math.min(at + 8, whole.length));
      writeFileSync(path, damaged);
      expect(() => readElf(path)).not.toThrow();
    }
    expect(readElf(folder)).toBeNull();
    expect(readElf(join(folder, 'none'))).toBeNull();
    writeFileSync(path, readFileSync(new URL(import.meta.url)));
    expect(readElf(path)).toBeNull();
  });

  it('looks where the loader looks, in its order, and tells what is missing and for whom', () => {
    const root = library('o/root.so', { soname: 'root.so', needed: ['a.so', 'gone.so'], runpath: '$ORIGIN/own' });
    const own = library('o/own/a.so', { soname: 'a.so', needed: ['deep.so', 'libc.so.6'] });
    expect(walkLibraries([root], loaderPlaces([]))).toEqual([
      { name: 'a.so', neededBy: 'root.so', path: own },
      { name: 'gone.so', neededBy: 'root.so', path: null },
      // A folder of one library is not searched for what another needs.
      { name: 'deep.so', neededBy: 'a.so', path: null },
      { name: 'libc.so.6', neededBy: 'a.so', path: expect.stringMatching(/^\//) },
      ...walkLibraries([locateByName('libc.so.6', loaderPlaces([])) ?? ''], loaderPlaces([])),
    ]);
    const first = library('path/a.so', { soname: 'a.so' });
    expect(walkLibraries([root], loaderPlaces([join(folder, 'path')]))[0]?.path).toBe(first);
    // One of another machine is passed over.
    const foreign = makeLibrary({ soname: 'a.so' });
    foreign.writeUInt16LE(183, 18);
    writeFileSync(first, foreign);
    expect(walkLibraries([root], loaderPlaces([join(folder, 'path')]))[0]?.path).toBe(own);
  });
});
