import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type CasesRun,
  type Corpus,
  casesOf,
  makeCorpus,
  rejectsOf,
  runCases,
  visibleIn,
} from '../harness/parquet-corpus.ts';
import { readOutput } from '../harness/read-parquet.ts';
import { suiteFolder } from '../harness/suite-folder.ts';

const CASES = [
  'a27_dictionary',
  'a27_plain_v2',
  'a27_beside_good_files',
  'a27_beside_a_damaged_group',
  'a27_in_a_list',
  'a27_in_tiny_groups',
];

/** Rows of the file with bad texts: note is a, b or null by its number; every 100th from 50 on is not UTF-8. */
const good = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i).filter((i) => i % 100 !== 50);
const noteOf = (i: number): string | null => (i % 10 === 3 ? null : 'ab'[i % 2]!);

describe('A27 texts that are not valid UTF-8', () => {
  const home = suiteFolder();
  let corpus: Corpus;
  const runs = new Map<string, CasesRun>();

  const job = (onBadFile: string, limit: string | number = '100%') => ({
    model: corpus.model('float32'),
    input: { uri: join(corpus.data, '{partition}/*.parquet'), onBadFile },
    features: { x: { columns: ['x'] } },
    outputs: { y: 'y' },
    id: ['id'],
    passthrough: ['note'],
    rejects: { limit },
  });

  beforeAll(async () => {
    corpus = await makeCorpus(home, 'schemas', CASES);
    for (const policy of ['fail', 'skip']) runs.set(policy, await runCases(corpus, policy, CASES, job(policy)));
  }, 120_000);

  it.each(['fail', 'skip'])(
    'reject their rows alone, under %s as well, in dictionary and plain pages',
    async (policy) => {
      expect(casesOf(corpus)).toEqual([...CASES].sort());
      const expected = good(0, 3000).map((i) => ({ id: BigInt(i), note: noteOf(i), y: i / 8 }));
      for (const name of ['a27_dictionary', 'a27_plain_v2']) {
        const outcome = runs.get(policy)!.of(name);
        expect(outcome.done, name).toMatchObject({ rows: 2970, rejected: 30, rejectsByRule: { bad_utf8: 30 } });
        expect(await readOutput(outcome.output)).toEqual(expected);
        const entries = await rejectsOf(outcome);
        expect(entries.map((e) => e['source_row'])).toEqual(Array.from({ length: 30 }, (_, i) => BigInt(i * 100 + 50)));
        expect(entries[0]).toMatchObject({
          column: 'note',
          rule: 'bad_utf8',
          message: 'a text is not valid UTF-8',
          id: 50n,
        });
      }
    },
  );

  it.each(['fail', 'skip'])('leave the files beside them as they are, under %s', async (policy) => {
    const outcome = runs.get(policy)!.of('a27_beside_good_files');
    expect(outcome.done).toMatchObject({ rows: 4970, rejectsByRule: { bad_utf8: 30 } });
    const rows = await readOutput(outcome.output);
    const plain = (first: number, note: string) =>
      Array.from({ length: 1000 }, (_, i) => ({ id: BigInt(first + i), note, y: (first + i) / 8 }));
    const odd = good(0, 3000).map((i) => ({ id: BigInt(i), note: noteOf(i), y: i / 8 }));
    expect(rows).toEqual([...plain(10_000, 'a'), ...odd, ...plain(20_000, 'b')]);
  });

  it('beside a damaged row group: INPUT_CORRUPT under fail, both kinds of rejects under skip', async () => {
    const failed = runs.get('fail')!.of('a27_beside_a_damaged_group');
    expect(failed.error).toMatchObject({ code: 'INPUT_CORRUPT' });
    expect(failed.error?.message).toContain('column "x" of row group 1 (rows 1000 to 1999)');
    expect(visibleIn(failed.output)).toEqual([]);
    const skipped = runs.get('skip')!.of('a27_beside_a_damaged_group');
    expect(skipped.done).toMatchObject({ rows: 1980, rejectsByRule: { bad_utf8: 20, unreadable: 1000 } });
    const ids = (await readOutput(skipped.output)).map((row) => Number(row['id']));
    expect(ids).toEqual([...good(0, 1000), ...good(2000, 3000)]);
  });

  // One query over all row groups for each of them took minutes.
  it('in thousands of tiny row groups are found in seconds, as is a damaged one among them', async () => {
    const failed = runs.get('fail')!.of('a27_in_tiny_groups');
    expect(failed.error?.message).toContain('column "x" of row group 777 (rows 777 to 777)');
    const skipped = runs.get('skip')!.of('a27_in_tiny_groups');
    expect(skipped.done).toMatchObject({ rows: 2969, rejectsByRule: { bad_utf8: 30, unreadable: 1 } });
    const ids = (await readOutput(skipped.output)).map((row) => Number(row['id']));
    expect(ids).toEqual(good(0, 3000).filter((i) => i !== 777));
  });

  it('inside a list cannot be told from their neighbours: the row group cannot be read', async () => {
    const failed = runs.get('fail')!.of('a27_in_a_list');
    expect(failed.error).toMatchObject({ code: 'INPUT_CORRUPT' });
    expect(failed.error?.message).toContain(
      'column "note" of row group 1 (rows 1000 to 1999) cannot be read: a text is not valid UTF-8',
    );
    const skipped = runs.get('skip')!.of('a27_in_a_list');
    expect(skipped.done).toMatchObject({ rows: 2000, rejectsByRule: { unreadable: 1000 } });
  });

  it('as a feature and as an id: rejected before the model sees them; the entry has no id', async () => {
    const texts = (changes: Readonly<Record<string, unknown>>) => ({
      ...job('fail'),
      model: corpus.model('labels'),
      features: { x: { columns: ['note'], nulls: { fill: 'a' } } },
      ...changes,
    });
    const run = await runCases(corpus, 'feature', ['a27_dictionary'], texts({ id: ['note'], passthrough: ['id'] }));
    const outcome = run.of('a27_dictionary');
    expect(outcome.done?.rejectsByRule).toEqual({ bad_utf8: 30 });
    const label = (i: number): number => (noteOf(i) === 'b' ? 2 : 1);
    expect(await readOutput(outcome.output)).toEqual(
      good(0, 3000).map((i) => ({ note: noteOf(i), id: BigInt(i), y: label(i) })),
    );
    expect((await rejectsOf(outcome))[0]).toMatchObject({ column: 'note', rule: 'bad_utf8', note: null });
  });

  it('count against rejects.limit: exit 8, nothing committed', async () => {
    const run = await runCases(corpus, 'limit', ['a27_plain_v2'], job('fail', 29));
    expect([run.result.code, run.of('a27_plain_v2').error?.code]).toEqual([8, 'REJECT_LIMIT']);
    expect(visibleIn(run.of('a27_plain_v2').output)).toEqual([]);
  });
});
