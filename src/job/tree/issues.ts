import type { ErrorCode } from '../../base/errors/error-codes.ts';
import { oneLine, PrescoreError } from '../../base/errors/prescore-error.ts';
import { formatPath, type Position, type SpecNode, type SpecPath } from './tree.ts';

/** One problem of a file, as it stands in `error.details.data.issues`. */
export interface SpecIssue {
  readonly code: ErrorCode;
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
  readonly column: number;
  readonly what: string;
  readonly expected?: string;
  readonly got?: string;
  /** The nearest known key. */
  readonly suggestion?: string;
  /** What to do, where there is more to say than to mend the line. */
  readonly fix?: string;
}

export type IssueText = Pick<SpecIssue, 'what' | 'expected' | 'got' | 'suggestion' | 'fix'> & {
  readonly code?: ErrorCode;
};

/** Adds a problem at a path of the file. */
export type Report = (path: SpecPath, text: IssueText) => void;

const MAX_LISTED = 100;

/** Longer texts are cut in the line, and listed whole. */
const MAX_TOLD = 300;

/** Codes that tell more than SPEC_INVALID does, where all problems have them. */
const ALONE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['OUTPUT_OVERLAPS_INPUT', 'SPEC_DRAFT']);

/** Collects every problem of one file. */
export class IssueList {
  readonly issues: SpecIssue[] = [];
  private readonly brokenPaths: SpecPath[] = [];

  add(at: Position, path: SpecPath, { code = 'SPEC_INVALID', ...text }: IssueText): void {
    this.brokenPaths.push(path);
    this.issues.push({ code, path: formatPath(path), line: at.line, column: at.column, ...text });
  }

  /** Whether anything at or below a path is wrong, so that a rule about it would only repeat the noise. */
  isBroken(...path: SpecPath): boolean {
    return this.brokenPaths.some((broken) => path.every((key, i) => broken[i] === key));
  }

  /**
   * One error for all problems. A credential outranks the rest (SPEC_SECRET); OUTPUT_OVERLAPS_INPUT and SPEC_DRAFT are the
   * code when nothing else is wrong; else SPEC_INVALID.
   */
  toError(file: string): PrescoreError | null {
    const sorted = this.issues.toSorted((a, b) => a.line - b.line || a.column - b.column);
    const secret = sorted.find((issue) => issue.code === 'SPEC_SECRET');
    const first = secret ?? sorted[0];
    if (first === undefined) return null;
    const isOne = ALONE.has(first.code) && sorted.every((issue) => issue.code === first.code);
    const code = secret !== undefined || isOne ? first.code : 'SPEC_INVALID';
    const others = sorted.length - 1;
    const more = others === 0 ? '' : ` (and ${others} more problem${others === 1 ? '' : 's'})`;
    return new PrescoreError(code, {
      what: `${first.path}: ${first.what}${hint(first)}${more}`,
      where: `${file}:${first.line}:${first.column}`,
      ...(first.expected === undefined ? {} : { expected: first.expected }),
      ...(first.got === undefined ? {} : { got: first.got }),
      ...(first.fix === undefined ? {} : { fix: first.fix }),
      // One problem is told by the line itself.
      ...(others === 0 && first.what.length < MAX_TOLD ? {} : { detail: listing(file, sorted) }),
      data: { issues: sorted },
    });
  }
}

function listing(file: string, issues: readonly SpecIssue[]): string {
  const lines = issues.slice(0, MAX_LISTED).map((issue) => {
    const expected = issue.expected === undefined ? '' : `; expected ${issue.expected}`;
    const got = issue.got === undefined ? '' : `; got ${issue.got}`;
    const text = `${issue.path}: ${issue.what}${expected}${got}${hint(issue)}`;
    const line = `${oneLine(file)}:${issue.line}:${issue.column}: ${oneLine(text, 1000)}`;
    return issue.fix === undefined ? line : `${line}. ${issue.fix}`;
  });
  const rest = issues.length - lines.length;
  return [...lines, ...(rest === 0 ? [] : [`… and ${rest} more`])].join('\n');
}

function hint({ suggestion }: SpecIssue): string {
  return suggestion === undefined ? '' : `; did you mean ${JSON.stringify(suggestion)}?`;
}

const MAX_SHOWN = 80;

/** A node as the words after "got". User information of URLs is blotted out. */
export function sayNode(node: SpecNode): string {
  if (node.kind === 'list') return node.items.length === 0 ? 'an empty list' : `a list of ${node.items.length}`;
  if (node.kind === 'map') {
    const keys = [...node.entries.keys()].slice(0, 5).map((key) => oneLine(key, 20));
    return keys.length === 0 ? 'an empty map' : `a map with ${keys.join(', ')}`;
  }
  if (node.value === null) return 'nothing';
  if (typeof node.value === 'string') return `the text ${oneLine(JSON.stringify(blotUserInfo(node.value)), MAX_SHOWN)}`;
  return oneLine(node.raw, MAX_SHOWN);
}

function blotUserInfo(text: string): string {
  // The password of a Redis may hold a slash or an @.
  return text.replace(/^(rediss?(?:\+[a-z]+)?:\/\/).*@/i, '$1…@').replace(/(:\/\/)[^/?#@]*@/g, '$1…@');
}
