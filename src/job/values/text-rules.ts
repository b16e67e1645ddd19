import { parseModelRef } from '../../base/contract/model-ref.ts';
import { DUCKDB_TYPES, duckdbType } from './column-types.ts';
import { CRON_PATTERN, readCron } from './cron.ts';
import { endpointProblem, webhookProblem } from './endpoint.ts';
import { parseInstant } from './instant.ts';
import { strptimeProblem } from './strptime-format.ts';
import { timeFormatProblem } from './time-format.ts';

/** A named rule for texts: `pattern` is the part that JSON Schema can express, `problem` is the whole rule. */
export interface TextRule {
  /** The words after "expected". */
  readonly says: string;
  readonly pattern: string;
  /** A short sentence, or null when the text is fine. It is only asked about texts that match the pattern. */
  readonly problem: (text: string) => string | null;
}

const fine = (): null => null;

const pattern = (source: string, says: string, problem: TextRule['problem'] = fine): TextRule => ({
  says,
  pattern: source,
  problem,
});

/** The rule of names that become parts of paths, run ids and keys. */
export const NAME_PATTERN = '^[a-z0-9][a-z0-9._-]{0,63}$';

const MAX_NAME_LENGTH = 1024;
const MAX_EXPRESSION_LENGTH = 10_000;

function nameProblem(text: string): string | null {
  if (text.length > MAX_NAME_LENGTH) return `is longer than ${MAX_NAME_LENGTH} characters`;
  return text.includes('\0') ? 'holds a NUL character' : null;
}

/** Encoded, a value becomes one folder name; file systems end at 255 bytes. */
const MAX_ENCODED_PARTITION = 200;

function partitionProblem(text: string): string | null {
  if (text.split('/').some((segment) => segment === '' || segment === '.' || segment === '..')) {
    return 'has an empty, . or .. path segment';
  }
  return encodeURIComponent(text).length > MAX_ENCODED_PARTITION ? 'is too long for a folder name' : null;
}

function instantProblem(text: string): string | null {
  return parseInstant(text) === null ? 'is not a date that exists' : null;
}

function cronProblem(text: string): string | null {
  const times = readCron(text);
  return typeof times === 'string' ? times : null;
}

function timezoneProblem(text: string): string | null {
  try {
    // Offsets such as +01:00 are taken by Intl as well; they are no zones.
    new Intl.DateTimeFormat('en', { timeZone: text });
    return null;
  } catch {
    return 'is not a time zone that this Node knows';
  }
}

const TYPE_WORDS = Object.keys(DUCKDB_TYPES).join(', ');
const PATH_TYPES = 'bool|u?int(8|16|32|64)|float|double|string|date';

export const TEXT_RULES = {
  name: pattern(
    NAME_PATTERN,
    'a name of a-z, 0-9, dot, underscore and dash, at most 64 long, starting with a-z or 0-9',
  ),
  text: pattern('[\\s\\S]', `a text of 1 to ${MAX_NAME_LENGTH} characters`, nameProblem),
  column: pattern('[\\s\\S]', 'the name of a column', nameProblem),
  expression: pattern('[\\s\\S]', `an SQL expression of at most ${MAX_EXPRESSION_LENGTH} characters`, (text) => {
    if (text.length > MAX_EXPRESSION_LENGTH) return `is longer than ${MAX_EXPRESSION_LENGTH} characters`;
    if (text.trim() === '') return 'is empty';
    return text.includes('\0') ? 'holds a NUL character' : null;
  }),
  tensor: pattern('[\\s\\S]', 'the name of a tensor', nameProblem),
  sha256: pattern('^[0-9a-f]{64}$', '64 lower-case hexadecimal digits'),
  device: pattern('^(auto|cpu|webgpu|cuda(:(0|[1-9][0-9]?))?)$', 'auto | cpu | cuda | cuda:N | webgpu'),
  endpoint: pattern(
    '^[Hh][Tt][Tt][Pp][Ss]?://',
    'a URL such as https://storage.example.org:9000, without path or user',
    endpointProblem,
  ),
  region: pattern('^[A-Za-z0-9-]{1,63}$', 'a region such as us-east-1'),
  bucket: pattern('^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$', 'the name of a bucket: 3 to 63 of a-z, 0-9, dot and dash'),
  columnType: pattern(
    '^[a-z0-9(), ]+(\\[\\])?$',
    `a type: ${TYPE_WORDS}, decimal(P,S), or one of these with [] for a list`,
    (text) => (duckdbType(text) === null ? 'is not a type' : null),
  ),
  pathType: pattern(`^(${PATH_TYPES})$`, 'bool, int8 … int64, uint8 … uint64, float, double, string or date'),
  partition: pattern(
    '^[^\\u0000-\\u001f\\u007f*?\\[\\]{}\\\\%#]{1,}$',
    'a partition value: a text without control characters and without * ? [ ] { } \\ % #',
    partitionProblem,
  ),
  timeFormat: pattern('%', 'a format of %Y, %m, %d, %H and plain text, such as %Y-%m-%d', timeFormatProblem),
  delimiter: pattern(
    '^(tab|[\\t !#$%&()*+,./:;<=>?@^_`|~-])$',
    'one character that is no letter, digit or quote, or the word tab',
  ),
  csvQuote: pattern('^(none|["\'`|~^$%])$', 'one of " \' ` | ~ ^ $ %, or none'),
  csvEscape: pattern('^[\\\\"\'^~]$', 'one of \\ " \' ^ ~'),
  csvNull: pattern('^[^\\r\\n]{1,64}$', 'a text of 1 to 64 characters, without line breaks'),
  dateFormat: pattern('%', 'a format of %Y, %m, %d and plain text, such as %d.%m.%Y', (text) =>
    strptimeProblem(text, 'Ymd', ''),
  ),
  timestampFormat: pattern('%', 'a format of %Y, %m, %d, %H, %M, %S, %f and plain text', (text) =>
    strptimeProblem(text, 'YmdH', 'MSf'),
  ),
  instant: pattern(
    '^[0-9]{4}-[0-9]{2}-[0-9]{2}',
    'a date such as 2013-01-01 or a time such as 2013-01-01T06:00:00Z, in UTC',
    instantProblem,
  ),
  cron: pattern(
    CRON_PATTERN,
    'five fields of cron, such as 0 2 * * * (02:00 each day) or */15 6-20 * * MON-FRI',
    cronProblem,
  ),
  timezone: pattern(
    '^[A-Za-z][A-Za-z0-9_+/-]{0,63}$',
    'a time zone such as UTC, Europe/Berlin or America/New_York',
    timezoneProblem,
  ),
  fileName: pattern('^[A-Za-z0-9_.][A-Za-z0-9_.=-]{0,127}$', 'the name of a file, such as _SUCCESS', (text) =>
    /^\.\.?$/.test(text) ? 'is not the name of a file' : null,
  ),
  webhook: pattern(
    '^[Hh][Tt][Tt][Pp][Ss]?://',
    'a URL such as https://hooks.example.org/path, without user',
    webhookProblem,
  ),
  host: pattern('^([A-Za-z0-9._-]{1,253}|\\[?[0-9A-Fa-f:.]{2,45}\\]?)$', 'a host name or an address, without port'),
  modelRef: pattern(
    '^[A-Za-z0-9_][A-Za-z0-9._+-]{0,127}[@/].',
    'a model of a registry: name@label, name/version or name@sha256:<64 hex digits>',
    (text) => {
      const ref = parseModelRef(text);
      return typeof ref === 'string' ? ref : null;
    },
  ),
  variable: pattern('^[A-Za-z_][A-Za-z0-9_]{0,127}$', 'the name of an environment variable, such as HOOK_SECRET'),
} as const satisfies Record<string, TextRule>;

export type RuleName = keyof typeof TEXT_RULES;

/** What is wrong with a text under a rule, as a short sentence; null when nothing is. Errors: none. */
export function textProblem(rule: RuleName, text: string): string | null {
  // A lone surrogate would become U+FFFD on its way to disk, and two names would fall together.
  if (!text.isWellFormed()) return 'is not valid Unicode';
  if (text === '') return 'is empty';
  const { pattern: source, problem }: TextRule = TEXT_RULES[rule];
  if (!new RegExp(source, 'u').test(text)) return 'does not have the right form';
  return problem(text);
}
