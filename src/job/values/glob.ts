/**
 * Globs over slash-separated keys: `*` and `?` within one segment, `**` as a whole segment for any number of segments,
 * `[abc]`, `[a-z]`, `[!abc]`. No braces (they are placeholders); a sign stands for itself in brackets (`[*]`, `[?]`, `[[]`). Matching
 * keeps a set of states and never goes back, so no pattern is slow.
 */
export interface Glob {
  /** What every match starts with: the prefix to list; the one key where it is no pattern. */
  readonly prefix: string;
  /** False when the pattern names exactly one key. */
  readonly isPattern: boolean;
  /** Whether a key is matched and not passed over (see `whyIgnored`). */
  matches(key: string): boolean;
}

type Token =
  | { readonly kind: 'char'; readonly char: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'class'; readonly negated: boolean; readonly ranges: readonly (readonly [string, string])[] }
  | { readonly kind: 'star' }
  /** Any number of whole segments, each with its slash. */
  | { readonly kind: 'folders' }
  /** Everything that is left, at least one character. */
  | { readonly kind: 'rest' };

/** What is wrong with a glob, as a short sentence; null when nothing is. */
export function globProblem(pattern: string): string | null {
  if (pattern.split('/').some((segment) => segment.includes('**') && segment !== '**')) {
    return 'has ** beside other characters; it must be a whole path segment';
  }
  return tokenize(pattern) === null ? 'has [ without ]' : null;
}

/** A path as a pattern that only matches itself. Errors: none. */
export function escapeGlob(path: string): string {
  return path.replace(/[*?[]/g, (sign) => `[${sign}]`);
}

/**
 * Compiles a pattern (or a URI with one); a closing slash means `/**`. A pattern that `globProblem` objects to matches
 * nothing. Errors: none.
 */
export function compileGlob(pattern: string): Glob {
  const source = pattern.endsWith('/') ? `${pattern}**` : pattern;
  const tokens = globProblem(source) === null ? tokenize(source) : null;
  if (tokens === null) return { prefix: literalStart(source), isPattern: true, matches: () => false };
  const first = tokens.findIndex((token) => token.kind !== 'char');
  const prefix = (first === -1 ? tokens : tokens.slice(0, first))
    .map((t) => (t.kind === 'char' ? t.char : ''))
    .join('');
  if (first === -1) return { prefix, isPattern: false, matches: (key) => key === prefix };
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  const rest = tokens.slice(first);
  return {
    prefix,
    isPattern: true,
    matches: (key) =>
      key.startsWith(prefix) &&
      whyIgnored(key.slice(folder.length)) === null &&
      runTokens(rest, key.slice(prefix.length)),
  };
}

function literalStart(pattern: string): string {
  const at = pattern.search(/[*?[]/);
  return at === -1 ? pattern : pattern.slice(0, at);
}

/** Folders and files that writers of tables leave beside their data. */
const BOOKKEEPING =
  /^(_SUCCESS|_metadata|_common_metadata|_committed_.*|_started_.*|_spark_metadata|_delta_log|_temporary|_prescore|_manifest\.json|_manifests)$/;

/**
 * Why a pattern passes over a name, as a short text; null when it does not. Names are counted from where listing starts, so a
 * folder that the pattern names in full is not asked. A segment `_key=value` is data, whatever it starts with.
 */
export function whyIgnored(relativeKey: string): string | null {
  if (relativeKey === '' || relativeKey.endsWith('/') || relativeKey.endsWith('_$folder$')) return 'a folder marker';
  if (relativeKey.endsWith('.crc')) return 'a checksum file';
  for (const segment of relativeKey.split('/')) {
    if (segment.startsWith('.')) return 'a hidden name';
    if (!segment.startsWith('_') || segment.includes('=')) continue;
    return BOOKKEEPING.test(segment) ? 'bookkeeping of a table' : 'a name that begins with _';
  }
  return null;
}

function tokenize(pattern: string): readonly Token[] | null {
  const tokens: Token[] = [];
  const chars = [...pattern];
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i] ?? '';
    if (char === '*' && chars[i + 1] === '*') {
      const isLast = i + 2 >= chars.length;
      tokens.push({ kind: isLast ? 'rest' : 'folders' });
      i += isLast ? 1 : 2;
    } else if (char === '*') {
      tokens.push({ kind: 'star' });
    } else if (char === '?') {
      tokens.push({ kind: 'any' });
    } else if (char === '[') {
      // A bracket right after the opening one (or its !) is a member.
      const first = chars[i + 1] === '!' ? i + 2 : i + 1;
      const end = chars.indexOf(']', first + 1);
      if (end === -1) return null;
      const [only] = chars.slice(first, end);
      // A class of one sign is how that sign is written for itself: `[*]`, `[[]`.
      if (first === i + 1 && end === first + 1 && only !== undefined) tokens.push({ kind: 'char', char: only });
      else tokens.push({ kind: 'class', negated: first === i + 2, ranges: rangesOf(chars.slice(first, end)) });
      i = end;
    } else {
      tokens.push({ kind: 'char', char });
    }
  }
  return tokens;
}

function rangesOf(members: readonly string[]): readonly (readonly [string, string])[] {
  const ranges: (readonly [string, string])[] = [];
  for (let i = 0; i < members.length; i++) {
    const from = members[i] ?? '';
    const isRange = members[i + 1] === '-' && i + 2 < members.length;
    ranges.push([from, isRange ? (members[i + 2] ?? from) : from]);
    if (isRange) i += 2;
  }
  return ranges;
}

/** States are positions in `tokens`; each character of the text moves the whole set once. */
function runTokens(tokens: readonly Token[], text: string): boolean {
  let states = new Set<number>();
  reach(tokens, states, 0);
  for (const char of text) {
    const next = new Set<number>();
    for (const state of states) {
      const token = tokens[state >> 1];
      if (token === undefined) continue;
      if (token.kind === 'folders') {
        // Odd states are inside a segment; only its slash leads on.
        next.add((state & ~1) | 1);
        if (char === '/') reach(tokens, next, state >> 1);
      } else if (token.kind === 'rest') {
        next.add((state & ~1) | 1);
      } else if (token.kind === 'star') {
        if (char !== '/') reach(tokens, next, state >> 1);
      } else if (isOne(token, char)) {
        reach(tokens, next, (state >> 1) + 1);
      }
    }
    if (next.size === 0) return false;
    states = next;
  }
  const rest = tokens.at(-1)?.kind === 'rest' ? ((tokens.length - 1) << 1) | 1 : -1;
  return states.has(tokens.length << 1) || states.has(rest);
}

/** Adds a state and those that follow it without a character. */
function reach(tokens: readonly Token[], states: Set<number>, index: number): void {
  states.add(index << 1);
  const kind = tokens[index]?.kind;
  if (kind === 'star' || kind === 'folders') reach(tokens, states, index + 1);
}

function isOne(token: Token, char: string): boolean {
  if (token.kind === 'char') return token.char === char;
  if (char === '/') return false;
  if (token.kind === 'class') return token.ranges.some(([from, to]) => from <= char && char <= to) !== token.negated;
  return token.kind === 'any';
}
