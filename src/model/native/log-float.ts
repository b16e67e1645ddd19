/**
 * `logf` of the C library: glibc's since 2.27, which is ARM's (optimized-routines, math/logf.c, MIT). XGBoost turns a base score that is
 * given as a probability into a margin with it, and its last bit is not the one that rounding `Math.log` gives.
 */
const STEPS = 16;
const OFFSET = 0x3f330000;
/** Of each sixteenth between two powers of two: its inverse, and the logarithm. */
const TABLE = [
  [1.398907162146528, -0.33569133332882284],
  [1.3403141896637998, -0.2929040563774074],
  [1.286432210124115, -0.2518726580937369],
  [1.2367150214269895, -0.21245868807117255],
  [1.1906977166711752, -0.17453945183745634],
  [1.1479821020556429, -0.1380057072319758],
  [1.1082251448272158, -0.10275976698545139],
  [1.0711297413057381, -0.06871392447020525],
  [1.036437278977283, -0.0357891387398228],
  [1, 0],
  [0.9492859795739057, 0.05204517742929496],
  [0.8951049428609004, 0.11081431298787942],
  [0.8476821620351103, 0.1652495223695143],
  [0.8050314851692001, 0.21687389031699977],
  [0.7664671008843108, 0.2659635028121397],
  [0.731428603316328, 0.3127556664073557],
] as const;
const POLYNOMIAL = [-0.25089342214237154, 0.333456765744066, -0.4999997485802103] as const;
const bits = new DataView(new ArrayBuffer(4));

/** The logarithm of a normal positive float32. */
export function logFloat(value: number): number {
  if (value === 1) return 0;
  bits.setFloat32(0, value);
  const whole = bits.getInt32(0);
  const moved = (whole - OFFSET) | 0;
  const [inverse, logarithm] = TABLE[(moved >> 19) & (STEPS - 1)]!;
  bits.setInt32(0, whole - (moved & 0xff800000));
  const rest = bits.getFloat32(0) * inverse - 1;
  const square = rest * rest;
  const high = POLYNOMIAL[0] * square + (POLYNOMIAL[1] * rest + POLYNOMIAL[2]);
  return Math.fround(high * square + (logarithm + (moved >> 23) * Math.LN2 + rest));
}
