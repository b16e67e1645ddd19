/** The known key that a wrong one was probably meant to be; undefined when none is near. Errors: none. */
export function nearestKey(wrong: string, known: readonly string[]): string | undefined {
  if (wrong.length > 64) return undefined;
  const plain = fold(wrong);
  let best: { key: string; distance: number } | undefined;
  for (const key of known) {
    const distance = editDistance(plain, fold(key));
    // A third of the letters may be wrong: enough for slips, too few to turn one word into another.
    const isNear = distance <= Math.max(1, Math.floor(Math.max(plain.length, key.length) / 3));
    if (isNear && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) best = { key, distance };
  }
  return best?.key;
}

function fold(key: string): string {
  return key.toLowerCase().replace(/[_-]/g, '');
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one text into the other. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (isSame ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
