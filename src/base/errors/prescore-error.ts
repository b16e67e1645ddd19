import { ERROR_CODES, type ErrorCode } from './error-codes.ts';

/** What an error says besides its code. Every text is one line; none may hold row values or credentials. */
export interface ErrorDetails {
  /** What went wrong, as a short sentence without the place. */
  readonly what: string;
  /** File, object key, job-file path, row group, row or column. */
  readonly where?: string;
  readonly expected?: string;
  readonly got?: string;
  /** What to do; the table's advice for the code when left out. */
  readonly fix?: string;
  /** Overrides the table's verdict for this one occurrence. */
  readonly retryable?: boolean;
  /** Further lines for people (a table of both sides, a list of problems); not part of the one-line message. */
  readonly detail?: string;
  /** Machine-readable facts for --json. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

const BRAND = Symbol.for('prescore.error');

/**
 * The only error type that leaves a room. Match on `code`, not on the class: the brand works across copies of the package.
 *
 * Errors: none. Repeat: safe.
 */
export class PrescoreError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
  readonly [BRAND] = true;

  constructor(code: ErrorCode, details: ErrorDetails) {
    super(formatLine(code, details), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'PrescoreError';
    this.code = code;
    this.details = details;
  }

  get exitCode(): number {
    return ERROR_CODES[this.code].exit;
  }

  get retryable(): boolean {
    return this.details.retryable ?? ERROR_CODES[this.code].retryable;
  }

  get fix(): string {
    return this.details.fix ?? ERROR_CODES[this.code].fix;
  }
}

/** True for a PrescoreError of this or another copy of the package. */
export function isPrescoreError(value: unknown): value is PrescoreError {
  return typeof value === 'object' && value !== null && BRAND in value;
}

/** Wraps anything that was thrown, once, at the edge of a room; a PrescoreError passes through unchanged. */
export function toPrescoreError(value: unknown, code: ErrorCode = 'INTERNAL', where?: string): PrescoreError {
  if (isPrescoreError(value)) return value;
  const what = oneLine(value instanceof Error ? value.message : String(value));
  return new PrescoreError(code, { what, cause: value, ...(where === undefined ? {} : { where }) });
}

/** The form that crosses a process boundary (messages of scorer children, run records, --json). */
export interface ErrorJson {
  readonly code: ErrorCode;
  readonly message: string;
  readonly what: string;
  readonly where?: string;
  readonly expected?: string;
  readonly got?: string;
  readonly fix: string;
  readonly detail?: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly stack?: string;
}

/** Plain data of an error; `fromErrorJson` gives the error back. */
export function toErrorJson(error: PrescoreError, withStack = false): ErrorJson {
  const { what, where, expected, got, detail, data } = error.details;
  const cause = error.cause instanceof Error ? `\ncaused by ${error.cause.stack ?? error.cause.message}` : '';
  return {
    code: error.code,
    message: error.message,
    what,
    ...(where === undefined ? {} : { where }),
    ...(expected === undefined ? {} : { expected }),
    ...(got === undefined ? {} : { got }),
    fix: error.fix,
    ...(detail === undefined ? {} : { detail }),
    ...(data === undefined ? {} : { data }),
    ...(withStack ? { stack: `${error.stack ?? error.message}${cause}` } : {}),
  };
}

/** Rebuilds an error that came from another process. An unknown code becomes INTERNAL. */
export function fromErrorJson(json: ErrorJson): PrescoreError {
  const { code, stack, message: _message, ...details } = json;
  const known = Object.hasOwn(ERROR_CODES, code) ? code : 'INTERNAL';
  const error = new PrescoreError(known, details);
  if (stack !== undefined) error.stack = stack;
  return error;
}

function formatLine(code: ErrorCode, d: ErrorDetails): string {
  const parts = [`${code}: ${oneLine(d.what)}`];
  if (d.where !== undefined) parts.push(`at ${oneLine(d.where)}`);
  if (d.expected !== undefined) parts.push(`expected ${oneLine(d.expected)}`);
  if (d.got !== undefined) parts.push(`got ${oneLine(d.got)}`);
  return `${parts.join('; ')}. ${d.fix ?? ERROR_CODES[code].fix}`;
}

/** Escapes control characters and bidirectional marks, so that a hostile name cannot forge a line of its own. */
export function oneLine(text: string, maxLength = 400): string {
  const escaped = text.replace(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200e\u200f]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return escaped.length <= maxLength ? escaped : `${escaped.slice(0, maxLength - 1)}…`;
}
