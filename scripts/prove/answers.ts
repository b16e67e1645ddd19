/** How far floats may be off, beside their size: kernels choose by the size of a batch and round differently. */
export const OFF = 2e-6;

/** How far an answer is off: 0 for the same, infinite for another text, another whole number or another length. */
export function offBy(wanted: unknown, got: unknown): number {
  const [a, b] = [flat(wanted), flat(got)];
  if (a.length !== b.length || a.length === 0) return Number.POSITIVE_INFINITY;
  return a.reduce<number>((most, value, i) => Math.max(most, offByOne(value, b[i])), 0);
}

function offByOne(wanted: unknown, got: unknown): number {
  if (typeof wanted !== 'number') return String(wanted) === String(got) ? 0 : Number.POSITIVE_INFINITY;
  const number = Number(got);
  if (Number.isInteger(wanted) && Number.isInteger(number)) return wanted === number ? 0 : Number.POSITIVE_INFINITY;
  if (!Number.isFinite(number)) return Number.POSITIVE_INFINITY;
  if (Math.fround(number) === Math.fround(wanted)) return 0;
  return Math.abs(number - wanted) / Math.max(1, Math.abs(wanted));
}

/** What [N, 1] gives is one value a row, in Python a list of one. */
function flat(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value.flatMap((item: unknown) => flat(item)) : [value];
}
