import type { Field, ListShape, MapShape, ObjectShape, Shape, Value } from '../fields/field.ts';
import { sayShape } from '../fields/say-shape.ts';
import { sayNode } from '../tree/issues.ts';
import { addSecretIssue, addSecretsBelow, isSecretKey } from '../tree/secrets.ts';
import { isQuestion, type SpecMap, type SpecNode, type SpecPath, treeOf } from '../tree/tree.ts';
import { nearestKey } from '../values/nearest-key.ts';
import { textProblem } from '../values/text-rules.ts';
import type { CheckContext } from './check-context.ts';
import { checkLeaf } from './check-leaf.ts';

/** Stands for a value that cannot be used; the reason is in the issues. */
export const BAD: unique symbol = Symbol('bad');
export type Bad = typeof BAD;

/**
 * Checks a node against a shape and compiles it: defaults filled in, units resolved, URIs absolute. Everything that is
 * wrong goes to `context.issues`; BAD comes back only where nothing can stand in (a wrong key with a default gets it, so
 * that later rules still run and all problems are told at once).
 *
 * Errors: whatever resolveUri throws besides a PrescoreError.
 */
export function checkShape<S extends Shape>(
  shape: S,
  node: SpecNode,
  path: SpecPath,
  context: CheckContext,
): Value<S> | Bad {
  // The one place where data meets its derived type: `Value` mirrors, kind by kind, what the functions below build.
  return check(shape, node, path, context) as Value<S> | Bad;
}

function check(shape: Shape, node: SpecNode, path: SpecPath, context: CheckContext): unknown {
  switch (shape.kind) {
    case 'object':
      return checkObject(shape, node, path, context);
    case 'map':
      return checkMap(shape, node, path, context);
    case 'list':
      return checkList(shape, node, path, context);
    default: {
      const value = checkLeaf(shape, node, path, context);
      return value === undefined ? BAD : value;
    }
  }
}

function checkList(shape: ListShape, node: SpecNode, path: SpecPath, context: CheckContext): unknown {
  const isOne = node.kind !== 'list';
  if (isOne && !shape.oneAllowed) return wrongKind(shape, node, path, context, 'must be a list');
  const items = isOne ? [node] : node.items;
  if (items.length < shape.min || items.length > shape.max) {
    const expected = items.length < shape.min ? `at least ${shape.min}` : `at most ${shape.max}`;
    context.issues.add(node.at, path, { what: 'has the wrong length', expected, got: sayNode(node) });
    return BAD;
  }
  const seen = new Set<unknown>();
  const values: unknown[] = [];
  for (const [i, item] of items.entries()) {
    const itemPath = isOne ? path : [...path, i];
    const value = check(shape.of, item, itemPath, context);
    if (shape.unique && value !== BAD && seen.has(value)) {
      context.issues.add(item.at, itemPath, { what: 'stands in the list twice', got: sayNode(item) });
    }
    seen.add(value);
    values.push(value);
  }
  return values.includes(BAD) ? BAD : values;
}

function checkMap(shape: MapShape, node: SpecNode, path: SpecPath, context: CheckContext): unknown {
  if (node.kind !== 'map') return wrongKind(shape, node, path, context, 'must be a map');
  if (node.entries.size < shape.min) {
    // A key that reading dropped has been told already.
    if (!context.issues.isBroken(...path))
      context.issues.add(node.at, path, { what: 'is empty; leave the key out instead' });
    return BAD;
  }
  const values: Record<string, unknown> = Object.create(null);
  for (const [key, entry] of node.entries) {
    const keyPath = [...path, key];
    const problem = textProblem(shape.keys, key);
    if (problem !== null) {
      const expected = sayShape({ kind: 'text', rule: shape.keys });
      context.issues.add(entry.keyAt, keyPath, { what: `has a key that ${problem}`, expected });
    }
    const value = check(shape.of, entry.value, keyPath, context);
    if (value !== BAD) values[key] = value;
  }
  return values;
}

function checkObject(shape: ObjectShape, given: SpecNode, path: SpecPath, context: CheckContext): unknown {
  const unfolded = unfold(shape, given);
  if (unfolded.kind !== 'map') return wrongKind(shape, unfolded, path, context, 'must be a map');
  const node = withQuestions(shape, unfolded, path, context);
  // A misspelt key is told once, not a second time as missing.
  const meant = new Set<string | undefined>();
  for (const [key, { keyAt, value }] of node.entries) {
    if (!Object.hasOwn(shape.fields, key)) meant.add(addUnknownKey(shape, key, keyAt, value, path, context));
  }
  const isChosen = checkChoice(shape, node, path, context);
  const values: Record<string, unknown> = Object.create(null);
  let isUsable = isChosen;
  for (const [key, field] of Object.entries(shape.fields)) {
    const value = checkField(field, node, [...path, key], context, meant.has(key));
    if (value === BAD) isUsable = false;
    else values[key] = value;
  }
  return isUsable ? values : BAD;
}

function checkField(field: Field, node: SpecMap, path: SpecPath, context: CheckContext, isMisspelt: boolean): unknown {
  const entry = node.entries.get(String(path.at(-1)));
  if (entry !== undefined) {
    const value = check(field.type, entry.value, path, context);
    if (value !== BAD) return value;
  } else if (field.required && !isMisspelt) {
    context.issues.add(node.at, path, { what: 'is missing', expected: sayShape(field.type) });
  }
  if (field.required) return BAD;
  return field.default === undefined ? null : check(field.type, treeOf(field.default, node.at), path, context);
}

function checkChoice(shape: ObjectShape, node: SpecMap, path: SpecPath, { issues }: CheckContext): boolean {
  if (shape.choose === undefined) return true;
  const options = shape.choose.map(({ needs }) => needs.join(' + ')).join(', or ');
  const used = shape.choose.filter(({ needs }) => needs.some((key) => node.entries.has(key)));
  const [only, another] = used;
  if (only === undefined || another !== undefined) {
    const what = only === undefined ? 'lacks the key that says what it is' : 'has keys that exclude each other';
    issues.add(node.at, path, { what, expected: `exactly one of: ${options}` });
    return false;
  }
  const missing = only.needs.filter((key) => !node.entries.has(key));
  for (const key of missing)
    issues.add(node.at, [...path, key], { what: 'is missing', expected: sayShape(shape.fields[key]!.type) });
  const stray = shape.choose
    .filter((choice) => choice !== only)
    .flatMap(({ may }) => may)
    .filter((key) => node.entries.has(key) && !only.may.includes(key));
  for (const key of stray) {
    issues.add(node.entries.get(key)?.keyAt ?? node.at, [...path, key], {
      what: `has no meaning beside ${only.needs.join(' + ')}`,
    });
  }
  return missing.length === 0;
}

/** A key with a question mark is told, and its value is checked as if that was the answer: so all problems are told at once. */
function withQuestions(shape: ObjectShape, node: SpecMap, path: SpecPath, { issues }: CheckContext): SpecMap {
  const asked = [...node.entries].filter(([key]) => isQuestion(key) && Object.hasOwn(shape.fields, key.slice(0, -1)));
  if (asked.length === 0) return node;
  const entries = new Map(node.entries);
  for (const [question, entry] of asked) {
    const key = question.slice(0, -1);
    const text = entry.comment?.replace(/^question: */, '');
    issues.add(entry.keyAt, [...path, key], {
      code: 'SPEC_DRAFT',
      what: `is an open question${text === undefined ? '' : `: ${text}`}`,
      expected: `the answer, and the key ${key} without its question mark`,
    });
    entries.delete(question);
    if (!entries.has(key)) entries.set(key, entry);
  }
  return { ...node, entries };
}

/** Returns the known key that was probably meant. */
function addUnknownKey(
  shape: ObjectShape,
  key: string,
  at: SpecNode['at'],
  value: SpecNode,
  path: SpecPath,
  { issues }: CheckContext,
): string | undefined {
  const keyPath = [...path, key];
  if (isSecretKey(key)) {
    addSecretIssue(issues, at, keyPath, value);
    return undefined;
  }
  const known = Object.keys(shape.fields);
  const suggestion = nearestKey(key, known);
  issues.add(at, keyPath, {
    what: 'is not a known key',
    expected: `one of ${known.join(', ')}`,
    ...(suggestion === undefined ? {} : { suggestion }),
  });
  addSecretsBelow(issues, value, keyPath);
  return suggestion;
}

function unfold(shape: ObjectShape, node: SpecNode): SpecNode {
  const isText = node.kind === 'scalar' && typeof node.value === 'string';
  const key = isText ? shape.shorthand?.text : node.kind === 'list' ? shape.shorthand?.list : undefined;
  if (key === undefined) return node;
  return { kind: 'map', at: node.at, entries: new Map([[key, { keyAt: node.at, value: node }]]) };
}

function wrongKind(shape: Shape, node: SpecNode, path: SpecPath, { issues }: CheckContext, what: string): Bad {
  issues.add(node.at, path, { what, expected: sayShape(shape), got: sayNode(node) });
  return BAD;
}
