import { parseInstant } from './instant.ts';

/** The strftime subset, each of fixed width, so that a value can be read back. Always UTC. */
const DIRECTIVES: Readonly<Record<string, { readonly from: number; readonly to: number }>> = {
  // Positions within YYYY-MM-DDTHH.
  Y: { from: 0, to: 4 },
  m: { from: 5, to: 7 },
  d: { from: 8, to: 10 },
  H: { from: 11, to: 13 },
};

const UNIT_NEEDS = { hour: 'YmdH', day: 'Ymd', month: 'Ym' } as const;

/** What is wrong with a format, as a short sentence; null when nothing is. */
export function timeFormatProblem(format: string): string | null {
  const directives = [...format.matchAll(/%(.?)/gsu)].map((match) => match[1] ?? '');
  const unknown = directives.find((letter) => !Object.hasOwn(DIRECTIVES, letter));
  if (unknown !== undefined) return `holds %${unknown}; only %Y %m %d %H are known`;
  if (!/^[^\u0000-\u001f\u007f*?[\]{}\\#]+$/.test(format))
    return 'holds a character that a partition value must not have';
  const segments = format.split('/');
  return segments.some((segment) => segment === '' || /^\.\.?$/.test(segment))
    ? 'has an empty, . or .. path segment'
    : null;
}

/** The directives that a format lacks to tell one partition from the next, such as `%d`; empty when it is enough. */
export function missingDirectives(every: 'hour' | 'day' | 'month', format: string): readonly string[] {
  return [...UNIT_NEEDS[every]].map((letter) => `%${letter}`).filter((directive) => !format.includes(directive));
}

/** Renders an instant in UTC. Units: milliseconds since the epoch in. */
export function formatTime(format: string, ms: number): string {
  const iso = new Date(ms).toISOString();
  return format.replace(/%([YmdH])/g, (_, letter: string) => {
    const { from, to } = DIRECTIVES[letter] ?? { from: 0, to: 0 };
    return iso.slice(from, to);
  });
}

/** The inverse of `formatTime`: milliseconds since the epoch, or null when the text does not come from this format. */
export function parseTime(format: string, text: string): number | null {
  const digits = [...'0000-01-01T00'];
  let at = 0;
  for (const part of format.split(/(%[YmdH])/)) {
    const directive = part.length === 2 && part.startsWith('%') ? DIRECTIVES[part[1] ?? ''] : undefined;
    const length = directive === undefined ? part.length : directive.to - directive.from;
    const piece = text.slice(at, at + length);
    if (directive === undefined ? piece !== part : !/^[0-9]+$/.test(piece)) return null;
    if (directive !== undefined) digits.splice(directive.from, length, ...piece);
    at += length;
  }
  const ms = parseInstant(`${digits.join('')}:00:00Z`);
  // A repeated directive must agree with itself, and nothing may be left over.
  return ms !== null && formatTime(format, ms) === text ? ms : null;
}
