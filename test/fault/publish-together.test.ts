import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { PredictionStore } from '../../src/base/contract/prediction-set.ts';
import { PredictionReader } from '../../src/sets/reader/prediction-reader.ts';
import { type CliRun, prescore, startPrescore } from '../harness/cli.ts';
import { commitRows, setJob } from '../harness/committed-run.ts';
import { openPredictionStore, PREDICTION_STORES, type StorePlace } from '../harness/prediction-stores.ts';
import { childrenOf, processState } from '../harness/processes.ts';
import { pageDigests, publishHere } from '../harness/publish-here.ts';
import { tempFolder } from '../harness/temp-job.ts';

const rows = (y: number, count = 20_000): { readonly parts: readonly string[] } => ({
  parts: [`select 'k' || i as id, ${y}::float as y from range(${count}) t(i)`],
});

/** The publisher of a command, once it has stopped itself at the named point. */
async function stoppedPublisher(run: CliRun): Promise<number> {
  for (let i = 0; i < 1000; i++) {
    const stopped = childrenOf(run.child.pid!).find((pid) => processState(pid) === 'T');
    if (stopped !== undefined) return stopped;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('no publisher stopped');
}

describe.each(PREDICTION_STORES.filter((s) => s.name !== 'redis cluster'))(
  'at the same time, in $name',
  ({ start }) => {
    let place: StorePlace;
    let store: PredictionStore;
    let sets = 0;
    const answer = async (set: string): Promise<unknown> =>
      (await new PredictionReader(store, set).get('k7'))?.values['y'];
    const stopAt = (point: string, job: string): CliRun =>
      startPrescore(['publish', job, '--json'], { env: { PRESCORE_FAULT: `SIGSTOP:${point}` } });

    beforeAll(async () => {
      place = await start();
      store = await openPredictionStore(place.url);
    });
    afterAll(async () => {
      await store?.close();
      await place?.stop();
    });

    it('two publish: one hands over, the other looks again, and the newest is served', async () => {
      const set = `set-${++sets}`;
      const job = setJob(tempFolder(), { store: place.url, set, keep: 3 });
      await commitRows(job, rows(1));
      const first = stopAt('before-flip', job);
      const publisher = await stoppedPublisher(first);
      await commitRows(job, rows(2));
      const second = await prescore(['publish', job, '--json']);
      expect([second.code, second.events]).toMatchObject([0, [{ outcome: 'handed-over' }]]);
      expect((await store.readPointer(set))?.generation ?? 0).toBe(0);
      process.kill(publisher, 'SIGCONT');
      // Its second publisher stops at the same point.
      process.kill(await stoppedPublisher(first), 'SIGCONT');
      const { code, events } = await first.result;
      expect([code, events]).toMatchObject([0, [{ outcome: 'published', generation: 2 }]]);
      expect(await answer(set)).toBe(2);
      expect(await store.readState(set)).toMatchObject({ lease: null, isAgainAsked: false });
    });

    it('a rollback while something newer is published: the newer one is served in the end', async () => {
      const set = `set-${++sets}`;
      const job = setJob(tempFolder(), { store: place.url, set, keep: 3 });
      for (const y of [1, 2]) {
        await commitRows(job, rows(y));
        await publishHere(job);
      }
      await commitRows(job, rows(3));
      const going = stopAt('before-flip', job);
      const publisher = await stoppedPublisher(going);
      expect((await prescore(['sets', 'rollback', set, '--store', place.url])).code).toBe(0);
      expect(await answer(set)).toBe(1);
      process.kill(publisher, 'SIGCONT');
      expect((await going.result).code).toBe(0);
      expect(await answer(set)).toBe(3);
      // But a rebuild of what was rolled back meanwhile does not undo the rollback.
      const rebuild = stopAt('before-flip', job);
      const rebuilder = await stoppedPublisher(rebuild);
      await prescore(['sets', 'rollback', set, '--store', place.url, '--to', '2']);
      process.kill(rebuilder, 'SIGCONT');
      const refused = await rebuild.result;
      expect([refused.code, refused.stderr]).toEqual([7, expect.stringContaining('SET_NOT_NEWER')]);
      expect(await answer(set)).toBe(2);
    });
  },
);

describe('publishers of one folder', () => {
  it('four publish the same table: one generation or rebuilds of it, and nothing is broken', async () => {
    const folder = tempFolder();
    const url = `lmdb:${folder}/sets`;
    const job = setJob(folder, { store: url, set: 'same' });
    const store = await openPredictionStore(url);
    onTestFinished(() => store.close());
    await commitRows(job, rows(1));
    const results = await Promise.all([1, 2, 3, 4].map(() => prescore(['publish', job, '--json'])));
    expect(results.map((r) => [r.code, r.stderr.replace(/^warning: .*\n/, '')])).toEqual(Array(4).fill([0, '']));
    const generation = (await store.readPointer('same'))!.generation;
    expect(await pageDigests(store, 'same', generation)).not.toContain('missing');
    expect((await new PredictionReader(store, 'same').get('k7'))?.values['y']).toBe(1);
    expect(await store.readState('same')).toMatchObject({ lease: null });
  });

  it('one that fails looks again when something newer was committed meanwhile', async () => {
    const folder = tempFolder();
    const url = `lmdb:${folder}/sets`;
    const job = setJob(folder, { store: url, set: 'twins', onDuplicateKey: 'error' });
    await commitRows(job, { parts: [`${rows(1).parts[0]} union all select 'k3', 5`] });
    const env = { PRESCORE_FAULT: 'SIGSTOP:after-lease' };
    const first = startPrescore(['publish', job, '--json'], { env });
    const publisher = await stoppedPublisher(first);
    await commitRows(job, rows(2));
    expect((await prescore(['publish', job, '--json'])).events).toMatchObject([{ outcome: 'handed-over' }]);
    process.kill(publisher, 'SIGCONT');
    process.kill(await stoppedPublisher(first), 'SIGCONT');
    expect((await first.result).code).toBe(0);
    const looked = await prescore(['lookup', 'k3', '--store', url, '--set', 'twins', '--json']);
    expect(looked.events).toMatchObject([{ values: { y: 2 } }]);
  });
});
