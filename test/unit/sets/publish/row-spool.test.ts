import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RowSpool } from '../../../../src/sets/publish/row-spool.ts';
import { tempFolder } from '../../../harness/temp-job.ts';

describe('a row spool', () => {
  it('removes its file, and never one that it has not made', async () => {
    const path = join(tempFolder(), 'rows.spool');
    writeFileSync(path, 'of somebody else');
    const unspilled = new RowSpool(1, 1 << 20, path);
    unspilled.reserve(1, 4, 1);
    await unspilled.settle();
    await unspilled.close();
    expect(existsSync(path)).toBe(true);
    const own = `${path}.2`;
    const spilled = new RowSpool(1, 0, own);
    for (let i = 0; i < 3; i++) spilled.reserve(1, 4000, 2);
    await spilled.settle();
    expect(existsSync(own)).toBe(true);
    expect((await spilled.take(0)).length).toBe(3 * 4006);
    await spilled.close();
    expect(existsSync(own)).toBe(false);
  });
});
