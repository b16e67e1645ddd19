const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

export const DURATION_PATTERN = '^[0-9]{1,9}(ms|s|m|h|d)$';
export const SIZE_PATTERN = '^[0-9]{1,15}(\\.[0-9]{1,9})? ?(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$';
export const PERCENT_PATTERN = '^[0-9]{1,3}(\\.[0-9]{1,9})?%$';

/** Milliseconds of `60s`, `10m`, `72h`, `7d`, `500ms`; null for any other text. */
export function parseDuration(text: string): number | null {
  if (!new RegExp(DURATION_PATTERN).test(text)) return null;
  const unit = text.replace(/^[0-9]+/, '');
  return Number.parseInt(text, 10) * (DURATION_UNITS[unit] ?? Number.NaN);
}

/** Bytes of `1GiB`, `64MB`, `1.5GiB`; null for any other text, and where the result is no whole number of bytes. */
export function parseSize(text: string): number | null {
  if (!new RegExp(SIZE_PATTERN).test(text)) return null;
  const unit = text.replace(/^[0-9.]+ ?/, '');
  const bytes = Number.parseFloat(text) * (SIZE_UNITS[unit] ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** The number before the sign, 0 to 100; null for any other text. */
export function parsePercent(text: string): number | null {
  if (!new RegExp(PERCENT_PATTERN).test(text)) return null;
  const percent = Number.parseFloat(text);
  return percent <= 100 ? percent : null;
}

/** The shortest exact spelling, for messages. Units: milliseconds in. */
export function sayDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's']) {
    const length = DURATION_UNITS[unit] ?? 1;
    if (ms !== 0 && ms % length === 0) return `${ms / length}${unit}`;
  }
  return ms === 0 ? '0s' : `${ms}ms`;
}

/** The shortest exact spelling, for messages. Units: bytes in. */
export function saySize(bytes: number): string {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB']) {
    const length = SIZE_UNITS[unit] ?? 1;
    if (bytes !== 0 && bytes % length === 0) return `${bytes / length}${unit}`;
  }
  return `${bytes}B`;
}
