import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { startPrescore } from '../harness/cli.ts';
import { compareParquet } from '../harness/compare-parquet.ts';
import { type Corpus, makeCorpus, rejectsOf, runCases, visibleIn } from '../harness/parquet-corpus.ts';
import { childrenOf } from '../harness/processes.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { writeJob } from '../harness/temp-job.ts';

const MEMORY_MIB = 512;

/** Proportional set size of a process in bytes; 0 when it is gone. */
function pssOf(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

describe('input files that ask for much', () => {
  const home = suiteFolder();
  let corpus: Corpus;

  const job = (changes: Readonly<Record<string, unknown>> = {}) => ({
    model: corpus.model('float32'),
    features: { x: { columns: ['x'] } },
    outputs: { y: 'y' },
    id: ['id'],
    execution: { scorers: 1, memory: `${MEMORY_MIB}MiB` },
    ...changes,
  });

  beforeAll(async () => {
    corpus = await makeCorpus(home, 'limits');
  }, 120_000);

  it.each([
    ['A09', 'a09_bomb', 'a 24 KB file of 3,000,000 rows', 3_000_000],
    ['A15', 'a15_one_row_group', 'one row group of 1,500,000 rows', 1_500_000],
    ['A10', 'a10_long_texts', '2,000 texts of 1 MB in 6 KB, passed through', 2002],
    ['A16', 'a16_many_column_chunks', '60,000 column chunks', 6000],
  ] as [string, string, string, number][])(
    '%s %s: %s stays below execution.memory, all rows scored',
    async (_number, name, _what, rows) => {
      const isText = name === 'a10_long_texts';
      const path = writeJob(
        corpus.folder,
        job({
          input: { uri: join(corpus.data, name, '*.parquet') },
          output: { uri: join(corpus.folder, 'memory', name), lineage: false },
          ...(isText ? { model: corpus.model('labels'), features: { x: ['label'] }, passthrough: ['text'] } : {}),
        }),
        `${name}.yaml`,
      );
      const { child, result } = startPrescore(['run', path, '--json']);
      let peak = 0;
      const timer = setInterval(() => {
        const pids = [child.pid!, ...childrenOf(child.pid!)];
        peak = Math.max(
          peak,
          pids.reduce((sum, pid) => sum + pssOf(pid), 0),
        );
      }, 50);
      const { code, stderr, events } = await result;
      clearInterval(timer);
      expect([code, stderr]).toEqual([0, '']);
      expect(events.at(-1)).toMatchObject({ event: 'done', rows, rejected: 0 });
      expect(peak).toBeGreaterThan(0);
      expect(peak / 1048576).toBeLessThan(MEMORY_MIB);
    },
  );

  it('A15 every value of the large row group is right', async () => {
    const spec = {
      name: 'a15',
      inputs: [join(corpus.data, 'a15_one_row_group/one.parquet')],
      output: join(corpus.folder, 'memory/a15_one_row_group'),
      columns: { id: 'id', y: 'x' },
    };
    const { a15 } = await compareParquet(corpus.folder, [spec]);
    expect(Object.values(a15!.columns).flatMap((c) => c.differences)).toEqual([]);
  });

  it('A10 as a feature: texts over 64 KiB reject their rows (too_long), one of 64 KiB is scored', async () => {
    const run = await runCases(corpus, 'texts', ['a10_long_texts'], {
      ...job({ model: corpus.model('labels'), features: { x: ['text'] } }),
      rejects: { limit: '100%' },
    });
    const outcome = run.of('a10_long_texts');
    expect(outcome.done).toMatchObject({ rows: 1, rejectsByRule: { too_long: 2001 } });
    const last = (await rejectsOf(outcome)).at(-1);
    expect(last).toMatchObject({ column: 'text', rule: 'too_long', id: 2001n });
  });

  it('A04 A16 a footer too large for the memory, or more row groups than can be read in a sane time: refused by name, exit 8', async () => {
    const cases = ['a16_footer_too_large', 'a16_too_many_row_groups'];
    const run = await runCases(corpus, 'refused', cases, job());
    expect(run.result.code).toBe(8);
    const [footer, groups] = cases.map((name) => run.of(name));
    expect(footer!.error).toMatchObject({ code: 'INPUT_TOO_LARGE' });
    expect(footer!.error?.message).toMatch(
      /footer is too large; at .*footer\.parquet; expected at most \d+ bytes; got \d+\. Raise execution\.memory/,
    );
    expect(groups!.error).toMatchObject({ code: 'INPUT_TOO_LARGE' });
    expect(groups!.error?.message).toContain('too many row groups');
    expect(groups!.error?.message).toContain(
      'expected at most 20000; got 20001. Write the file with fewer, larger row groups.',
    );
    for (const { output } of [footer!, groups!]) expect(visibleIn(output)).toEqual([]);
  });
});
