/** Values of a long list that are shown. */
const SHOWN = 4;
/** Lists up to this length are shown whole. */
const WHOLE = 8;

/**
 * A value of a table for people: floats in the fewest digits that give the same value in the column's type (`FLOAT` is 32 bits),
 * long lists by their first values and their length, texts with control characters as JSON.
 */
export function sayValue(value: unknown, type: string): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) {
    const element = type.replace(/\[\d*\]$/, '');
    const shown = value.length > WHOLE ? value.slice(0, SHOWN) : value;
    const rest = value.length > WHOLE ? `, … ${value.length} values` : '';
    return `[${shown.map((each) => sayValue(each, element)).join(', ')}${rest}]`;
  }
  if (typeof value === 'number') return type === 'FLOAT' ? shortFloat(value) : sayNumber(value);
  if (typeof value === 'object') return JSON.stringify(value);
  // A line break in a text would tear the table apart, other control characters the terminal.
  return /[\u0000-\u001f\u007f-\u009f]/.test(String(value)) ? JSON.stringify(value) : String(value);
}

function sayNumber(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** The shortest decimal that rounds to the same 32-bit float. */
export function shortFloat(value: number): string {
  if (!Number.isFinite(value) || value === 0) return sayNumber(value);
  const float = Math.fround(value);
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(float.toPrecision(digits));
    if (Math.fround(short) === float) return String(short);
  }
  return String(Number(float.toPrecision(9)));
}
