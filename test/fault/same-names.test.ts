import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { prescore } from '../harness/cli.ts';
import { type Corpus, makeCorpus } from '../harness/parquet-corpus.ts';
import { readOutput } from '../harness/read-parquet.ts';
import { expectOneLine, leftIn } from '../harness/refusal.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { sha256Of, tempFolder, writeJob } from '../harness/temp-job.ts';

describe('two things of one name', () => {
  const home = suiteFolder();
  let corpus: Corpus;

  beforeAll(async () => {
    corpus = await makeCorpus(home, 'values', ['b55_dates']);
  });

  const job = (folder: string, file: string, changes: Readonly<Record<string, unknown>>): string =>
    writeJob(
      folder,
      {
        model: { ...corpus.model('int64'), version: '1' },
        input: { uri: join(corpus.data, 'b55_dates/*.parquet') },
        features: { x: ['id'] },
        outputs: { y: 'y' },
        state: join(folder, 'state'),
        output: { uri: join(folder, 'out') },
        execution: { scorers: 1 },
        ...changes,
      },
      file,
    );

  it('C75 two jobs of one name that share a state: the second is told so, and nothing of the first changes', async () => {
    const folder = tempFolder();
    expect((await prescore(['run', job(folder, 'first.yaml', {})])).code).toBe(0);
    const before = await readOutput(join(folder, 'out'));
    const other = { output: { uri: join(folder, 'other') } };
    const result = await prescore(['run', job(folder, 'second.yaml', other)]);
    expectOneLine(result, { exit: 2, code: 'RUN_OTHER_DEFINITION' });
    expect(leftIn(join(folder, 'other'))).toEqual([]);
    expect(await readOutput(join(folder, 'out'))).toEqual(before);
  });

  it('D96 two models of one name and version: a change of the bytes is another definition, not the same run', async () => {
    const folder = tempFolder();
    const uri = join(folder, 'model.onnx');
    const run = (name: string, args: readonly string[] = []) => {
      copyFileSync(corpus.model(name).uri, uri);
      const model = { uri, version: '1', sha256: sha256Of(uri) };
      return prescore(['run', job(folder, 'job.yaml', { model, features: { x: ['date'] } }), ...args]);
    };
    expect((await run('int64')).code).toBe(0);
    expectOneLine(await run('int32'), { exit: 2, code: 'RUN_OTHER_DEFINITION' });
    expect((await readOutput(join(folder, 'out')))[1]!['y']).toBe(-1n);
    expect((await run('int32', ['--new-run'])).code).toBe(0);
    expect((await readOutput(join(folder, 'out')))[1]!['y']).toBe(-1);
  });
});
