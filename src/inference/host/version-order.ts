/**
 * Orders versions, lowest first: dotted parts by number where both are numbers (`9` < `10`, `1.2` < `1.2.1`), a leading `v` and
 * build data after `+` do not count, and what stands after a `-` comes before the same without it (`1.0.0-rc1` < `1.0.0`). No
 * version at all is lowest.
 */
export function compareVersions(a: string | null, b: string | null): number {
  if (a === null || b === null) return (a === null ? 0 : 1) - (b === null ? 0 : 1);
  const [mainA, extraA] = split(a);
  const [mainB, extraB] = split(b);
  const order = compareParts(mainA, mainB);
  if (order !== 0) return order;
  if (extraA === null || extraB === null) {
    const byExtra = (extraA === null ? 1 : 0) - (extraB === null ? 1 : 0);
    if (byExtra !== 0) return byExtra;
  } else {
    const byExtra = compareParts(extraA, extraB);
    if (byExtra !== 0) return byExtra;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

function split(version: string): [main: string, extra: string | null] {
  const text = version.replace(/^v(?=\d)/, '').replace(/\+.*$/, '');
  const dash = text.indexOf('-');
  return dash === -1 ? [text, null] : [text.slice(0, dash), text.slice(dash + 1)];
}

function compareParts(a: string, b: string): number {
  // Runs of digits are numbers, wherever they stand: rc9 < rc10.
  const partsA = a.match(/\d+|[^\d.\-_]+/g) ?? [];
  const partsB = b.match(/\d+|[^\d.\-_]+/g) ?? [];
  for (let i = 0; i < Math.max(partsA.length, partsB.length); i++) {
    const order = comparePart(partsA[i], partsB[i]);
    if (order !== 0) return order;
  }
  return 0;
}

function comparePart(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return (a === undefined ? 0 : 1) - (b === undefined ? 0 : 1);
  const isNumberA = /^\d/.test(a);
  const isNumberB = /^\d/.test(b);
  if (isNumberA !== isNumberB) return isNumberA ? -1 : 1;
  if (!isNumberA) return a < b ? -1 : a > b ? 1 : 0;
  const [x, y] = [BigInt(a), BigInt(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}
