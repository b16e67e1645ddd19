/* What is made here survives, round after round: with --trace-pretenuring-statistics V8 tells what it makes old from the start. */
import { keepGarbageYoung } from '../../../../src/base/heap/young-garbage.ts';

if (process.argv[2] === 'young') keepGarbageYoung();
let sum = 0;
for (let round = 0; round < 20; round++) {
  const pile = Array.from({ length: 200_000 }, (_, i) => ({ i, values: [i, round] }));
  sum += pile.length;
}
process.stdout.write(String(sum));
