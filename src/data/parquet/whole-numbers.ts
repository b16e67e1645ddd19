/** Writes `count` whole numbers, one after another from `first` on, two words each from number `at` on: a BigInt each would cost far more. */
export function writeNumbers(words: Int32Array, at: number, first: number, count: number): void {
  let low = first | 0;
  let high = Math.floor(first / 4294967296);
  for (let i = at * 2; i < (at + count) * 2; i += 2) {
    words[i] = low;
    words[i + 1] = high;
    low = (low + 1) | 0;
    if (low === 0) high++;
  }
}
