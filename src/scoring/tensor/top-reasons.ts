/**
 * Finds in a row of contributions those that are farthest from zero, the farthest first and of equal ones the first; answers with their
 * places. `from` is the row's first contribution.
 *
 * Owns: `places` is the caller's and is overwritten; as many are found as it holds.
 */
export function topReasons(values: ArrayLike<number>, from: number, features: number, places: Int32Array): void {
  const count = places.length;
  let kept = 0;
  for (let i = 0; i < features; i++) {
    const size = Math.abs(values[from + i]!);
    if (kept === count && !(size > Math.abs(values[from + places[count - 1]!]!))) continue;
    let at = kept < count ? kept++ : count - 1;
    for (; at > 0 && size > Math.abs(values[from + places[at - 1]!]!); at--) places[at] = places[at - 1]!;
    places[at] = i;
  }
}
