import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Plan } from '../../src/base/contract/plan.ts';
import { SCORER_ENTRY, scorerEnvironment } from '../../src/cli/processes/spare-scorer.ts';
import { Duck, quoteText } from '../../src/data/duckdb/duckdb.ts';
import { type PlanRecord, unpackPlan } from '../../src/run/ledger/plan-record.ts';
import { runContext } from '../../src/run/pipeline/score-run.ts';
import { filesOf, packFiles } from '../../src/scoring/child/file-table.ts';
import type { ChunkOutcome } from '../../src/scoring/child/messages.ts';
import { ScorerProcess } from '../../src/scoring/pool/scorer-process.ts';
import { prescore } from '../harness/cli.ts';
import { modelFolder, pinnedModel } from '../harness/model-files.ts';
import { writeJob } from '../harness/temp-job.ts';

const FILES = 9;
const WITH_NULL = 3;
const CHANGED = 5;

// Every kind of value that parts hold, nulls and repeated texts among them, and a column that lies elsewhere in some files.
const COLUMNS = `i::float as c0, (i * f)::float as c1, 'text ' || (i % 3) as t, i::decimal(9, 2) / 7 as d,
  timestamp '2026-01-01' + interval (i * f) minute as at, [i, null, f]::integer[] as l, encode('b' || i) as b,
  case when i % 2 = 0 then i end::smallint as n`;

describe('tiny chunks', () => {
  const folder = mkdtempSync(join(tmpdir(), 'prescore-tiny-'));
  let child: ScorerProcess;
  let plan: Plan;

  beforeAll(async () => {
    const input = join(folder, 'in');
    mkdirSync(input);
    const duck = await Duck.open({ memoryBytes: 2 ** 26, scratchDir: folder, scratchBytes: 2 ** 30 });
    for (let f = 0; f < FILES; f++) {
      const rows = `range(${5 + f}) r(i), (select ${f} as f)`;
      const c2 = f === WITH_NULL ? 'case when i <> 2 then i end::float as c2' : 'i::float as c2';
      const columns = f % 2 === 0 ? `${COLUMNS}, ${c2}, i as id` : `i as id, ${c2}, ${COLUMNS}`;
      await duck.run(`copy (select ${columns} from ${rows}) to ${quoteText(join(input, `${f}.parquet`))}`);
    }
    duck.close();
    const model = pinnedModel(join(await modelFolder(), 'sum.onnx'));
    const job = writeJob(folder, {
      prescore: 1,
      name: 'tiny',
      model,
      input: { uri: join(input, '*.parquet') },
      features: { x: { columns: ['c0', 'c1', 'c2'], nulls: 'reject' } },
      outputs: { y: 'y' },
      id: ['id'],
      passthrough: ['t', 'd', 'at', 'l', 'b', 'n'],
      output: { uri: join(folder, 'out'), lineage: true },
      execution: { chunkRows: 5 },
      rejects: { limit: 10 },
    });
    const run = await prescore(['run', job, '--json']);
    expect([run.code, run.stderr]).toEqual([3, expect.stringMatching(/^warning: execution\.chunkRows: 5 .*\n$/)]);
    const runs = join(folder, 'out/_prescore/runs');
    const path = join(runs, readdirSync(runs)[0]!, 'plan.json');
    plan = unpackPlan(JSON.parse(readFileSync(path, 'utf8')) as PlanRecord, path);
    expect(plan.chunks).toHaveLength(FILES);

    const options = {
      ...{
        stores: {},
        scratchDir: folder,
        scratchBytes: 2 ** 30,
        duckMemoryBytes: 2 ** 27,
        batchBytes: 2 ** 27,
        batchDivisor: 1,
      },
      ...{ threads: 1, slabs: 2, batchDeadlineMs: 60_000 },
    };
    child = new ScorerProcess(
      {
        ...{ entry: SCORER_ENTRY, env: scorerEnvironment(false), options, maxRssBytes: 2 ** 40, silenceMs: 60_000 },
        takeSpare: () => null,
      },
      { onHungry: () => {}, onProgress: () => {}, onHeartbeat: () => {}, onExit: () => {} },
    );
    const request = {
      path: model.uri,
      where: model.uri,
      sha256: model.sha256,
      intraOpThreads: 1,
      trees: 'auto' as const,
      device: 'cpu',
    };
    await child.request({ kind: 'load', model: request }).reply;
    await child.request({ kind: 'bind', run: { ...runContext(plan), outputUri: join(folder, 'again') } }).reply;
  });

  afterAll(() => {
    child?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const walk = (numbers: readonly number[]): Promise<readonly ChunkOutcome[]> => {
    const chunks = numbers.map((n) => plan.chunks[n]!);
    return child.request({ kind: 'chunks', runId: plan.runId, chunks, files: packFiles(plan.files, filesOf(chunks)) })
      .reply;
  };
  const all = Array.from({ length: FILES }, (_, n) => n);
  const partOf = (outcome: ChunkOutcome) => (outcome.ok ? outcome.result.part : null);
  const decodeMs = (outcome: ChunkOutcome) => (outcome.ok ? outcome.result.timings.decodeMs : null);

  it('give the same parts together and one by one, and one with a reject is walked alone', async () => {
    const alone = (await Promise.all(all.map((n) => walk([n])))).flat();
    const together = await walk(all);
    expect(together.map((o) => o.ok)).toEqual(all.map(() => true));
    expect(together.map((o) => partOf(o)?.sha256)).toEqual(alone.map((o) => partOf(o)?.sha256));
    expect(together.map((o) => partOf(o)?.rows)).toEqual(all.map((n) => (n === WITH_NULL ? 4 + n : 5 + n)));
    // What they did together is shared out among them.
    const shared = together.filter((_, n) => n !== WITH_NULL).map(decodeMs);
    expect(new Set(shared).size).toBe(1);
    expect(decodeMs(together[WITH_NULL]!)).not.toBe(shared[0]);
    const reject = together[WITH_NULL]!;
    expect(reject.ok && reject.result).toMatchObject({ rowsIn: 8, rowsRejected: 1, rejectsByRule: { null: 1 } });
    // Nothing lies about but the parts themselves: once alone, once together.
    const waiting = readdirSync(join(folder, `again/.prescore-${plan.runId}`));
    expect(waiting).toHaveLength(2 * FILES);
    expect(waiting.every((name) => name.endsWith('.waiting'))).toBe(true);
  });

  it('of which one changed: it alone fails', async () => {
    appendFileSync(join(folder, `in/${CHANGED}.parquet`), 'x');
    const outcomes = await walk(all);
    const codes = outcomes.map((o) => (o.ok ? 'ok' : o.error.code));
    expect(codes).toEqual(all.map((n) => (n === CHANGED ? 'INPUT_CHANGED' : 'ok')));
  });
});
