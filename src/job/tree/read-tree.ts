import { Composer, type Document, Lexer, LineCounter, Parser, type YAMLParseError } from 'yaml';
import { isPrescoreError, oneLine, PrescoreError } from '../../base/errors/prescore-error.ts';
import { buildTree, MAX_DEPTH } from './build-tree.ts';
import type { IssueList } from './issues.ts';
import type { Position, SpecNode } from './tree.ts';

/** Bytes. Larger files are refused before anything looks at them. */
export const MAX_SPEC_BYTES = 2 ** 20;

/** Besides the open maps and lists, the parser's stack holds the document and the value at hand. */
const STACK_SLACK = 4;
const MAX_LISTED = 20;

/** Words and marks, line ends among them: what reading time grows with. Far more than a list of 20,000 partitions has. */
const MAX_LEXEMES = 150_000;

/**
 * Reads YAML 1.2 or JSON text into a tree. Nothing is expanded, merged or revived; aliases are shared, within limits.
 *
 * Errors: SPEC_TOO_LARGE (bytes, depth, nodes after aliases), SPEC_SYNTAX with line and column. Duplicate keys, merge
 * keys, custom tags and keys that are no text are added to `issues`.
 */
export function readTree(text: string, file: string, issues: IssueList): SpecNode {
  if (text.length > MAX_SPEC_BYTES || Buffer.byteLength(text) > MAX_SPEC_BYTES) {
    throw new PrescoreError('SPEC_TOO_LARGE', { what: 'the job file is larger than 1 MiB', where: file });
  }
  const lines = new LineCounter();
  const document = compose(text, file, lines);
  const at = (offset: number): Position => positionAt(lines, offset);
  if (document.contents === null) throw syntaxError(file, [{ at: at(0), what: 'the file is empty' }]);
  return buildTree(document.contents, at, file, issues);
}

function compose(text: string, file: string, lines: LineCounter): Document.Parsed {
  let documents: Document.Parsed[];
  let endOfFirst = 0;
  try {
    const composer = new Composer({
      lineCounter: lines,
      prettyErrors: false,
      intAsBigInt: true,
      uniqueKeys: false,
      logLevel: 'silent',
    });
    documents = [...composer.compose(tokens(text, file, lines), true, text.length)];
    endOfFirst = documents[0]?.range[2] ?? 0;
  } catch (error) {
    if (isPrescoreError(error)) throw error;
    throw new PrescoreError('SPEC_SYNTAX', { what: 'the file cannot be read as YAML', where: file, cause: error });
  }
  const [document, second] = documents;
  const errors: readonly YAMLParseError[] = document?.errors ?? [];
  if (document === undefined || errors.length > 0) {
    throw syntaxError(
      file,
      errors.map((error) => ({ at: positionAt(lines, error.pos[0]), what: error.message })),
    );
  }
  if (second !== undefined) {
    throw syntaxError(file, [{ at: positionAt(lines, endOfFirst), what: 'the file holds more than one document' }]);
  }
  // YAML 1.1 would read `no` as false and 010 as 8.
  if (document.directives.yaml.explicit && document.directives.yaml.version !== '1.2') {
    throw syntaxError(file, [{ at: positionAt(lines, 0), what: 'the file asks for another version of YAML than 1.2' }]);
  }
  return document;
}

/** The library composes nodes by recursion, so depth is measured before, on the stack of its (iterative) parser. */
function* tokens(text: string, file: string, lines: LineCounter): Generator<NonNullable<Parser['stack'][number]>> {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  let count = 0;
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    count++;
    const isDeep = parser.stack.length > MAX_DEPTH + STACK_SLACK;
    if (!isDeep && count <= MAX_LEXEMES) continue;
    const { line, col } = lines.linePos(parser.offset);
    throw new PrescoreError('SPEC_TOO_LARGE', {
      what: `the job file ${isDeep ? `nests deeper than ${MAX_DEPTH} levels` : `has more than ${MAX_LEXEMES} words and marks`}`,
      where: `${file}:${line}:${col}`,
    });
  }
  yield* parser.end();
}

function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function syntaxError(
  file: string,
  problems: readonly { readonly at: Position; readonly what: string }[],
): PrescoreError {
  const listed = problems.slice(0, MAX_LISTED);
  const { line, column } = listed[0]?.at ?? { line: 1, column: 1 };
  return new PrescoreError('SPEC_SYNTAX', {
    what: `line ${line}, column ${column}: ${listed[0]?.what ?? 'the file cannot be read as YAML'}`,
    where: `${file}:${line}:${column}`,
    detail: listed.map((p) => `${oneLine(file)}:${p.at.line}:${p.at.column}: ${oneLine(p.what)}`).join('\n'),
    data: { line, column },
  });
}
