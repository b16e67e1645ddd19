import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { prescore } from '../harness/cli.ts';
import { runPython } from '../harness/python.ts';
import { queryParquet } from '../harness/query-parquet.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { sha256Of, writeJob } from '../harness/temp-job.ts';

/** By case: what the column says in all files, in order; null where the files must be refused. */
type Wanted = Readonly<Record<string, readonly (number | string | null)[] | null>>;

describe('a column whose type changes from file to file', () => {
  const home = suiteFolder();
  const data = join(home, 'data');
  let wanted: Wanted;
  const outcomes = new Map<
    string,
    { readonly code: string | null; readonly message: string; readonly output: string }
  >();

  beforeAll(async () => {
    const [printed] = await Promise.all([
      runPython('make_drift.py', [data]),
      runPython('make_identity.py', [join(home, 'models')]),
    ]);
    wanted = JSON.parse(printed) as Wanted;
    const model = { uri: join(home, 'models/float64.onnx'), sha256: sha256Of(join(home, 'models/float64.onnx')) };
    for (const role of ['f', 'k']) {
      const names = Object.keys(wanted).filter((name) => name.startsWith(`${role}-`));
      const path = writeJob(home, {
        model,
        input: { uri: join(data, '{partition}/') },
        partitions: { values: names },
        features: { x: { columns: [role === 'f' ? 'v' : 'a'], nulls: { fill: -1 } } },
        outputs: { y: 'y' },
        id: ['id'],
        ...(role === 'k' ? { passthrough: ['v'] } : {}),
        output: { uri: join(home, role, '{partition}') },
        execution: { scorers: 1 },
      });
      const { events } = await prescore(['run', path, '--json']);
      for (const name of names) {
        const failed = events.find((e) => e['event'] === 'failed' && e['partition'] === name);
        const { code = null, message = '' } = (failed?.['error'] ?? {}) as { code?: string; message?: string };
        outcomes.set(name, { code, message, output: join(home, role, name) });
      }
    }
  }, 180_000);

  it.each(['odd-text', 'odd-nested', 'odd-texts'])(
    '%s: under skip the files that are unlike most are left out',
    async (name) => {
      const uri = join(home, 'models/float32.onnx');
      const path = writeJob(home, {
        model: { uri, sha256: sha256Of(uri) },
        input: { uri: join(data, name), onBadFile: 'skip' },
        features: { x: { columns: ['a'] } },
        outputs: { y: 'y' },
        id: ['id'],
        passthrough: ['v'],
        output: { uri: join(home, 'skip', name) },
        execution: { scorers: 1 },
      });
      const { code, stderr } = await prescore(['run', path]);
      expect([code, stderr]).toEqual([0, expect.stringMatching(/[12] bad files? skipped/)]);
      const rows = await queryParquet(`${join(home, 'skip', name)}/*.parquet`, 'select id::int, v from t order by id');
      expect(rows).toEqual([1, 2, 3].map((i) => [i, i]));
    },
  );

  it('has one meaning over all files, as far as no value changes; else both files are named', async () => {
    expect(outcomes.size).toBeGreaterThan(90);
    for (const [name, values] of Object.entries(wanted)) {
      const { code, message, output } = outcomes.get(name)!;
      if (values === null) {
        // Of a value that does not fit one file is to blame, which is only known when it is read.
        if (/does not fit the unit|is outside the range/.test(message)) {
          expect(code, message).toMatch(/^INPUT_(SCHEMA|UNSUPPORTED)$/);
          expect(message).toMatch(new RegExp(`${name}/[01]\\.(parquet|arrow)`));
          expect(message).toContain('column "v"');
          continue;
        }
        expect(code, `${name}: ${message}`).toMatch(/^(INPUT_SCHEMA|SIGNATURE_MISMATCH)$/);
        if (code === 'INPUT_SCHEMA')
          for (const file of [`${name}/0.`, `${name}/1.`]) expect(message, name).toContain(file);
        continue;
      }
      expect(`${name}: ${message}`).toBe(`${name}: `);
      const column = name.startsWith('f-') ? 'y' : 'v::VARCHAR';
      const rows = await queryParquet(`${output}/*.parquet`, `select ${column} from t order by id`);
      expect(
        rows.map(([value]) => value),
        name,
      ).toEqual(values);
    }
  });
});
