import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXACT_POLICIES } from '../../../../src/base/contract/exact.ts';
import { certifySession } from '../../../../src/model/certify/certify-session.ts';
import { obeying } from '../../../../src/model/certify/policy-session.ts';
import { probesOf } from '../../../../src/model/certify/probe-inputs.ts';
import { probeOrders } from '../../../../src/model/certify/probe-sizes.ts';
import { TRIAL_STYLES, trialFeeds } from '../../../../src/model/certify/trial-rows.ts';
import { openModel } from '../../../harness/model-files.ts';
import { fixtures } from '../../../harness/temp-job.ts';

const SIZES = [1, 7, 8, 63, 64, 65, 200];

const textOf = (feeds: ReadonlyMap<string, { readonly data: ArrayLike<unknown> }>): string =>
  [...feeds.values()].map(({ data }) => Array.from(data, String).join()).join('\n');

describe('a policy', () => {
  it.each(['models/delay_mixed.onnx', 'certify/onehot_logistic.onnx', 'models/delay_mlp_fixed1024.onnx'])(
    '%s: as many rows come back as were given, and nearly the same',
    async (name) => {
      const session = await openModel(join(fixtures, name));
      const [probe] = probesOf(session, () => undefined);
      for (const rows of probe!.fixedBatch === null ? SIZES : [1024]) {
        const feeds = trialFeeds(probe!.inputs, rows, TRIAL_STYLES[0]!, rows, false);
        const given = textOf(feeds);
        const plain = await session.run(feeds, probe!.fetches);
        const kept = new Map([...plain].map(([output, { dims, data }]) => [output, { dims, data: Array.from(data) }]));
        for (const policy of EXACT_POLICIES) {
          for (const [output, { type, dims, data }] of await obeying(session, policy).run(feeds, probe!.fetches)) {
            expect([policy, output, dims]).toEqual([policy, output, kept.get(output)!.dims]);
            const far = Array.from(data).filter((value, i) => {
              const other = kept.get(output)!.data[i];
              return type === 'float32' ? !(Math.abs(Number(value) - Number(other)) < 1e-6) : value !== other;
            });
            expect(far).toEqual([]);
          }
        }
        expect(textOf(feeds)).toBe(given);
      }
      await session.close();
    },
  );

  it('is the session itself where nothing is to be done', async () => {
    const session = await openModel(join(fixtures, 'models/delay_mlp_fixed1024.onnx'));
    expect(obeying(session, 'tiles64')).toBe(session);
    const open = await openModel(join(fixtures, 'models/delay_mlp.onnx'));
    expect(obeying(open, 'plain')).toBe(open);
    await Promise.all([session.close(), open.close()]);
  });
});

describe('a trial', () => {
  it('finds the same twice, and the same answers', async () => {
    const session = await openModel(join(fixtures, 'certify/onehot_logistic.onnx'));
    const wish = { depth: 'quick', budgetMs: 5000, mostRows: 257 } as const;
    const find = () =>
      certifySession(
        probesOf(session, () => undefined),
        false,
        wish,
        null,
      );
    const [first, second] = [await find(), await find()];
    expect(first).toMatchObject({ policy: 'pad8', answers: second.answers, sizes: expect.arrayContaining([1, 257]) });
    expect(first.answers).toMatch(/^[0-9a-f]{64}$/);
    await session.close();
  });

  it('puts rows at several places among others', () => {
    const depth = {
      budgetMs: 0,
      madeRows: 0,
      rowsPerSize: 200,
      batches: 3,
      mostRows: 100,
      sizes: 'all',
      isTimed: false,
    } as const;
    const batches = [...probeOrders(50, 16, depth, false)];
    const places = new Set(batches.flatMap((order) => [...order].flatMap((row, at) => (row === 3 ? [at] : []))));
    expect(batches.every((order) => order.length === 16 && order.every((row) => row >= 0 && row < 50))).toBe(true);
    expect(places.size).toBeGreaterThan(1);
    expect(batches).toEqual([...probeOrders(50, 16, depth, false)]);
    // What the answers are compared with is in order: no batch of that size repeats it.
    const [shuffled] = [...probeOrders(50, 50, depth, true)];
    expect([...shuffled!]).not.toEqual([...shuffled!].sort((a, b) => a - b));
  });
});
