import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeArrow } from '../harness/arrow-tables.ts';
import { prescore } from '../harness/cli.ts';
import { tempFolder } from '../harness/temp-job.ts';
import { tinyJob, writeTables } from '../harness/tiny-tables.ts';

describe('run --sample', () => {
  // Inside the first batch, at its end, inside the last, beyond the end.
  it.each([1, 3, 5, 8, 20])('gives the first %i rows of an Arrow file whose batches end elsewhere', async (count) => {
    const folder = tempFolder();
    const input = join(folder, 'in/a.arrow');
    writeArrow(input, [3, 0, 4, 5]);
    expect(await sample(await tinyJob(folder, input), count)).toEqual(rows(Math.min(count, 12)));
  });

  it('gives the first rows of an Arrow stream, and scores no others', async () => {
    const folder = tempFolder();
    const input = join(folder, 'in/a.arrows');
    writeArrow(input, [3, 4], { form: 'stream' });
    expect(await sample(await tinyJob(folder, input), 2)).toEqual(rows(2));
    expect(await sample(await tinyJob(folder, input), 6)).toEqual(rows(6));
  });

  it('goes on in the next file where one has too few, whatever their formats', async () => {
    const folder = tempFolder();
    writeArrow(join(folder, 'in/a.arrow'), [2, 2]);
    writeArrow(join(folder, 'in/b.arrow'), [3], { form: 'stream', firstId: 4 });
    await writeTables({ [join(folder, 'in/c.parquet')]: 0, [join(folder, 'in/d.parquet')]: 9 });
    const job = await tinyJob(folder, join(folder, 'in/*'));
    expect(await sample(job, 5)).toEqual(rows(5));
    expect(await sample(job, 9)).toEqual([...rows(7), ...rows(2)]);
    expect(await sample(job, 100)).toEqual([...rows(7), ...rows(9)]);
  });

  it('names the file and row of what is rejected, which counts as one of the rows', async () => {
    const folder = tempFolder();
    writeArrow(join(folder, 'in/a.arrow'), [2]);
    writeArrow(join(folder, 'in/b.arrow'), [2, 3], { firstId: 2, nullAt: 5 });
    const features = { x: { columns: ['c0', 'c1', 'c2'], nulls: 'reject' } };
    const result = await prescore(['run', await tinyJob(folder, join(folder, 'in/*'), { features }), '--sample', '6']);
    expect(result.stdout).toMatch(/^row 3 of \S+\/in\/b\.arrow rejected: null in c2/m);
    expect(result.stdout).toMatch(/^5 rows scored, 1 rejected; nothing was written\.$/m);
    expect(result.code).toBe(3);
  });
});

async function sample(job: string, count: number): Promise<unknown> {
  const { stderr, events } = await prescore(['run', job, '--sample', `${count}`, '--json']);
  expect(stderr).toBe('');
  return events.at(-1)?.['rows'];
}

/** What ids 0 to `count` - 1 are scored as. */
function rows(count: number): readonly (readonly unknown[])[] {
  return Array.from({ length: count }, (_, id) => [`${id}`, id + (id % 7) + (id % 3)]);
}
