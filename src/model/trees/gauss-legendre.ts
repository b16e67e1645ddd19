/** Places and weights of a sum over [0, 1] that is the exact integral of every polynomial of a degree below `2 * places`. */
export interface Quadrature {
  readonly at: Float64Array;
  readonly weight: Float64Array;
}

const MOST_STEPS = 100;

/** Gauss-Legendre quadrature with `count` places: roots of the Legendre polynomial by Newton's method. */
export function gaussLegendre(count: number): Quadrature {
  const at = new Float64Array(count);
  const weight = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let x = Math.cos((Math.PI * (i + 0.75)) / (count + 0.5));
    let slope = 1;
    for (let step = 0; step < MOST_STEPS; step++) {
      let [before, value] = [1, x];
      for (let k = 2; k <= count; k++) [before, value] = [value, ((2 * k - 1) * x * value - (k - 1) * before) / k];
      slope = (count * (before - x * value)) / (1 - x * x);
      const next = x - value / slope;
      const isEnd = Math.abs(next - x) < 1e-16;
      x = next;
      if (isEnd) break;
    }
    at[i] = (1 - x) / 2;
    weight[i] = 1 / ((1 - x * x) * slope * slope);
  }
  return { at, weight };
}
