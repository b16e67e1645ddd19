import type { OutputChunk } from 'rolldown';
import { describe, expect, it } from 'vitest';
import { groupsOf, strayPackages } from '../../../scripts/bundle-groups.ts';

const MODULES: Readonly<Record<string, readonly string[]>> = {
  '/run.ts': ['/plan.ts', '/store.ts'],
  '/child.ts': ['/store.ts', '/rows.ts', '/duck.ts'],
  '/plan.ts': ['/names.ts', 'node:path'],
  '/store.ts': ['/names.ts', 'path'],
  '/rows.ts': [],
  '/duck.ts': ['@duckdb/node-api'],
  '/names.ts': [],
  '/verify.ts': ['/rows.ts'],
};
const importsOf = (id: string): readonly string[] => MODULES[id] ?? [];

const chunk = (fileName: string, facadeModuleId: string | null, ...imports: string[]): OutputChunk =>
  ({ fileName, facadeModuleId, imports }) as unknown as OutputChunk;

describe('files of the bundle', () => {
  it('hold what the same parts of a run need, apart from what brings a package', () => {
    const groupOf = groupsOf({ run: '/run.ts', child: '/child.ts' }, importsOf);
    expect(Object.keys(MODULES).map((id) => [id, groupOf(id)])).toEqual([
      ['/run.ts', null],
      ['/child.ts', null],
      ['/plan.ts', 'run'],
      ['/store.ts', 'run-child'],
      ['/rows.ts', 'child'],
      ['/duck.ts', 'child-duckdbnodeapi'],
      ['/names.ts', 'run-child'],
      ['/verify.ts', null],
    ]);
  });

  it('are refused when a program would load a package that it does not import', () => {
    const files = (verify: string): OutputChunk[] => [
      chunk('run.js', '/run.ts', 'run-child.js'),
      chunk('child.js', '/child.ts', 'run-child.js', 'rows.js', 'duck.js'),
      chunk('verify.js', '/verify.ts', verify),
      chunk('run-child.js', null, 'node:path'),
      chunk('rows.js', null),
      chunk('duck.js', null, '@duckdb/node-api'),
    ];
    expect(strayPackages(files('rows.js'), importsOf)).toEqual([]);
    expect(strayPackages(files('duck.js'), importsOf)).toEqual(['verify.js: @duckdb/node-api']);
  });
});
