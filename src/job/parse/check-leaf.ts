import type { ConstantValue, NullPolicy, RejectLimit } from '../../base/contract/job.ts';
import { isPrescoreError } from '../../base/errors/prescore-error.ts';
import type { ListShape, MapShape, ObjectShape, Shape } from '../fields/field.ts';
import { sayShape } from '../fields/say-shape.ts';
import { sayNode } from '../tree/issues.ts';
import { addSecretIssue, holdsSecret } from '../tree/secrets.ts';
import type { SpecNode, SpecPath } from '../tree/tree.ts';
import { escapeGlob, globProblem } from '../values/glob.ts';
import { parseDuration, parsePercent, parseSize } from '../values/quantities.ts';
import { lmdbFolder, storeUrlProblem } from '../values/store-url.ts';
import { literalTemplate, templateProblem } from '../values/template.ts';
import { type RuleName, textProblem } from '../values/text-rules.ts';
import type { CheckContext } from './check-context.ts';

export type LeafShape = Exclude<Shape, ListShape | MapShape | ObjectShape>;
type PlaceShape = LeafShape & { readonly kind: 'uri' | 'storeUrl' };

/** A compiled value, or the sentence that says what is wrong with it. */
type Checked<T> = { readonly value: T } | { readonly problem: string };

/** Checks and compiles a single value; undefined when it is wrong, with the reason in `context.issues`. */
export function checkLeaf(shape: LeafShape, node: SpecNode, path: SpecPath, context: CheckContext): unknown {
  if (shape.kind === 'uri' || shape.kind === 'storeUrl') return checkPlace(shape, node, path, context);
  if (shape.kind === 'text' && (shape.rule === 'endpoint' || shape.rule === 'webhook') && isSecretText(node)) {
    addSecretIssue(context.issues, node.at, path, node);
    return undefined;
  }
  const checked = compileLeaf(shape, node);
  if ('value' in checked) return checked.value;
  context.issues.add(node.at, path, { what: checked.problem, expected: sayShape(shape), got: sayNode(node) });
  return undefined;
}

function compileLeaf(shape: Exclude<LeafShape, PlaceShape>, node: SpecNode): Checked<unknown> {
  switch (shape.kind) {
    case 'text':
      return compileText(shape.rule, node);
    case 'word':
      return isText(node) && shape.values.includes(node.value)
        ? { value: node.value }
        : { problem: 'is not one of the known words' };
    case 'flag':
      return node.kind === 'scalar' && typeof node.value === 'boolean'
        ? { value: node.value }
        : { problem: 'is not true or false' };
    case 'integer':
      return compileInteger(node, shape.min, shape.max);
    case 'integerOrAuto':
      return isText(node) && node.value === 'auto' ? { value: 'auto' } : compileInteger(node, shape.min, shape.max);
    case 'duration':
      return compileQuantity(
        node,
        isText(node) ? parseDuration(node.value) : null,
        shape.minMs,
        shape.maxMs,
        'is not a duration',
      );
    case 'size':
      return compileSize(node, shape.min, shape.max);
    case 'sizeOrAuto':
      return isText(node) && node.value === 'auto' ? { value: 'auto' } : compileSize(node, shape.min, shape.max);
    case 'rejectLimit':
      return compileRejectLimit(node);
    case 'label':
      return node.kind === 'scalar' && typeof node.value !== 'boolean'
        ? compileScalar(node)
        : { problem: 'is not a text or a number' };
    case 'constant':
      return compileConstant(node);
    case 'nulls':
      return compileNulls(node);
  }
}

function isText(node: SpecNode): node is SpecNode & { readonly kind: 'scalar'; readonly value: string } {
  return node.kind === 'scalar' && typeof node.value === 'string';
}

function isNumber(node: SpecNode): node is SpecNode & { readonly kind: 'scalar'; readonly value: number } {
  return node.kind === 'scalar' && typeof node.value === 'number';
}

function isSecretText(node: SpecNode): boolean {
  return isText(node) && holdsSecret(node.value);
}

function compileText(rule: RuleName, node: SpecNode): Checked<string> {
  if (!isText(node)) {
    const isScalar = node.kind === 'scalar' && node.value !== null;
    return { problem: isScalar ? `is not a text; put it in quotes: "${node.raw.slice(0, 40)}"` : 'is not a text' };
  }
  const problem = textProblem(rule, node.value);
  return problem === null ? { value: node.value } : { problem };
}

function compileInteger(node: SpecNode, min: number, max: number): Checked<number> {
  if (node.kind === 'scalar' && typeof node.value === 'bigint') return { problem: 'is out of range' };
  if (!isNumber(node)) {
    const isQuoted = isText(node) && /^[-+]?[0-9]+$/.test(node.value);
    return { problem: isQuoted ? 'is a text, not a number; write it without quotes' : 'is not a number' };
  }
  if (Number.isFinite(node.value) && !Number.isInteger(node.value)) return { problem: 'is not a whole number' };
  if (!Number.isFinite(node.value)) return { problem: 'is not a number that can be counted to' };
  return node.value >= min && node.value <= max ? { value: node.value } : { problem: 'is out of range' };
}

function compileSize(node: SpecNode, min: number, max: number): Checked<number> {
  const isWhole = isNumber(node) && Number.isInteger(node.value);
  const bytes = isText(node) ? parseSize(node.value) : isWhole ? node.value : null;
  return compileQuantity(node, bytes, min, max, 'is not a size');
}

function compileQuantity(
  node: SpecNode,
  value: number | null,
  min: number,
  max: number,
  problem: string,
): Checked<number> {
  if (value === null) return { problem: isNumber(node) ? `${problem}; write the unit` : problem };
  return value >= min && value <= max ? { value } : { problem: 'is out of range' };
}

function compileRejectLimit(node: SpecNode): Checked<RejectLimit> {
  if (isText(node)) {
    const percent = parsePercent(node.value);
    return percent === null ? { problem: 'is not a share from 0% to 100%' } : { value: { percent } };
  }
  const rows = compileInteger(node, 0, Number.MAX_SAFE_INTEGER);
  return 'value' in rows ? { value: { rows: rows.value } } : rows;
}

/** Plans are JSON with doubles: a number that would come back as another one is refused. */
function compileScalar(node: SpecNode): Checked<string | number | boolean> {
  if (node.kind !== 'scalar' || node.value === null) return { problem: 'is not a single value' };
  if (typeof node.value === 'bigint') return { problem: 'has too many digits to be kept exactly' };
  if (typeof node.value === 'number' && !Number.isFinite(node.value)) return { problem: 'is not a finite number' };
  if (typeof node.value === 'string' && !node.value.isWellFormed()) return { problem: 'is not valid Unicode' };
  return { value: node.value };
}

function compileConstant(node: SpecNode): Checked<ConstantValue> {
  if (node.kind !== 'list') return compileScalar(node);
  const values: ConstantValue[] = [];
  for (const item of node.items) {
    const checked = compileConstant(item);
    if ('problem' in checked) return checked;
    values.push(checked.value);
  }
  return values.length === 0 ? { problem: 'is an empty list' } : { value: values };
}

function compileNulls(node: SpecNode): Checked<NullPolicy> {
  if (isText(node) && (node.value === 'nan' || node.value === 'reject')) return { value: node.value };
  const fill = node.kind === 'map' && node.entries.size === 1 ? node.entries.get('fill') : undefined;
  if (fill === undefined) {
    const isNan = isNumber(node) && Number.isNaN(node.value);
    return { problem: isNan ? 'is a number; write nan without the dot' : 'is not a null policy' };
  }
  const checked = compileScalar(fill.value);
  return 'value' in checked ? { value: { fill: checked.value } } : { problem: `has a fill that ${checked.problem}` };
}

function checkPlace(
  shape: PlaceShape,
  node: SpecNode,
  path: SpecPath,
  { issues, resolveUri }: CheckContext,
): string | undefined {
  if (isText(node) && holdsSecret(node.value)) {
    addSecretIssue(issues, node.at, path, node);
    return undefined;
  }
  const checked = compileText('text', node);
  const problem = 'problem' in checked ? checked.problem : placeProblem(shape, checked.value);
  if (problem !== null || 'problem' in checked) {
    issues.add(node.at, path, { what: problem ?? 'is not a text', expected: sayShape(shape), got: sayNode(node) });
    return undefined;
  }
  try {
    const folder = shape.kind === 'storeUrl' ? lmdbFolder(checked.value) : null;
    if (shape.kind === 'uri')
      return resolveUri(writtenSigns(shape, checked.value), (folder) => literally(shape, folder));
    return folder === null ? checked.value : `lmdb:${resolveUri(folder)}`;
  } catch (error) {
    if (!isPrescoreError(error)) throw error;
    const { what, expected, got, fix } = error.details;
    issues.add(node.at, path, {
      code: error.code,
      what,
      expected: expected ?? sayShape(shape),
      got: got ?? sayNode(node),
      ...(fix === undefined ? {} : { fix }),
    });
    return undefined;
  }
}

function placeProblem(shape: PlaceShape, text: string): string | null {
  if (shape.kind === 'storeUrl') return storeUrlProblem(text);
  const { placeholder, glob } = shape;
  const problem = templateProblem(text, placeholder);
  if (problem !== null) return problem;
  if (glob) return globProblem(text);
  return /[*?]/.test(text) ? 'names one place and must not hold * or ?' : null;
}

type UriShape = PlaceShape & { readonly kind: 'uri' };

/** Only what a file says is a pattern or has a placeholder: the folder it lies in may be called anything. */
function literally({ placeholder, glob }: UriShape, folder: string): string {
  const escaped = glob ? escapeGlob(folder) : folder;
  return placeholder ? literalTemplate(escaped) : escaped;
}

/** An escape of a `file:` URI stands for the character itself, which is then no sign of a pattern. */
function writtenSigns({ glob }: UriShape, text: string): string {
  if (!glob || !/^file:/i.test(text)) return text;
  return text.replace(/%(2a|3f|5b)/gi, (sign) => escapeGlob(decodeURIComponent(sign)));
}
