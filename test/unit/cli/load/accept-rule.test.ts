import { expect, test } from 'vitest';
import { isMet, parseAccept } from '../../../../src/cli/load/accept-rule.ts';
import { failureOf } from '../../../harness/failure-of.ts';

test('conditions between commas; shares with %', () => {
  expect(parseAccept('flips<0.5%, max <= 1e-3 ,speedup>=1.2,auc_drop<.01')).toEqual([
    { text: 'flips<0.5%', name: 'flips', sign: '<', limit: 0.005 },
    { text: 'max <= 1e-3', name: 'max', sign: '<=', limit: 0.001 },
    { text: 'speedup>=1.2', name: 'speedup', sign: '>=', limit: 1.2 },
    { text: 'auc_drop<.01', name: 'auc_drop', sign: '<', limit: 0.01 },
  ]);
});

test.each([
  ['', 'is no condition'],
  ['flips', 'is no condition'],
  ['flips<0.5%,', 'is no condition'],
  ['flops<1', 'is no condition'],
  ['max<1%', 'no share'],
  ['flips>0.5%', 'asked to be large'],
  ['speedup<2', 'asked to be small'],
  ['flips<-1', 'is no condition'],
  ['flips==0', 'is no condition'],
])('%s is refused', async (text, says) => {
  const { code, message } = await failureOf(async () => parseAccept(text));
  expect(code).toBe('USAGE');
  expect(message).toContain(says);
});

test('what is not known or not finite never holds', () => {
  const [below] = parseAccept('max<1');
  const [equal] = parseAccept('flips<=0');
  const [fast] = parseAccept('speedup>1');
  expect([0, 0.99, 1, null, Number.NaN, Number.POSITIVE_INFINITY].map((one) => isMet(below!, one))).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
  expect([isMet(equal!, 0), isMet(equal!, 1e-9)]).toEqual([true, false]);
  expect([isMet(fast!, 1), isMet(fast!, 1.01), isMet(fast!, Number.POSITIVE_INFINITY)]).toEqual([false, true, false]);
});
