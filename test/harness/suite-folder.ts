import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A temporary folder that goes with the `describe` block in whose body this is called: for what its tests share. */
export function suiteFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'prescore-suite-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
