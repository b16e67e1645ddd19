import { isAlias, isMap, isScalar, type ParsedNode } from 'yaml';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { IssueList } from './issues.ts';
import { isQuestion, type Position, type SpecEntry, type SpecNode, type SpecPath } from './tree.ts';

/** Levels of maps and lists. */
export const MAX_DEPTH = 32;

/** Nodes that a reader of the tree can walk over, aliases counted as often as they are used. */
export const MAX_NODES = 100_000;

/** Keys that would reach into an object's machinery in careless code downstream. */
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

const CORE_TAGS: ReadonlySet<string> = new Set(
  ['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map((t) => `tag:yaml.org,2002:${t}`),
);

interface Built {
  readonly node: SpecNode;
  readonly weight: number;
  readonly height: number;
}

/**
 * Turns composed YAML into a tree, adding duplicate, forbidden and non-text keys and custom tags to `issues`.
 *
 * Errors: SPEC_TOO_LARGE when aliases unfold into too much.
 */
export function buildTree(
  contents: ParsedNode,
  at: (offset: number) => Position,
  file: string,
  issues: IssueList,
): SpecNode {
  const anchors = new Map<string, Built>();

  function build(node: ParsedNode | null, offset: number, path: SpecPath): Built {
    const place = at(node?.range?.[0] ?? offset);
    if (node === null) return leaf(place, null, '');
    if (isAlias(node)) return resolveAlias(node.source, place, path);
    if (node.tag !== undefined && !CORE_TAGS.has(node.tag)) {
      issues.add(place, path, { what: 'has a custom tag; tags are not read', got: node.tag });
    }
    const built = isScalar(node) ? scalar(node.value, node.source, place) : compound(node, place, path);
    if (built.weight > MAX_NODES) throw tooLarge(file, place, `unfolds into more than ${MAX_NODES} values`);
    if (built.height > MAX_DEPTH) throw tooLarge(file, place, `nests deeper than ${MAX_DEPTH} levels`);
    if (node.anchor !== undefined) anchors.set(node.anchor, built);
    return built;
  }

  function compound(node: Exclude<ParsedNode, { source: string }>, place: Position, path: SpecPath): Built {
    const children: Built[] = [];
    if (isMap(node)) {
      const entries = new Map<string, SpecEntry>();
      for (const pair of node.items as readonly { key: ParsedNode | null; value: ParsedNode | null }[]) {
        const keyOffset = pair.key?.range?.[0] ?? node.range?.[0] ?? 0;
        const key = textKey(pair.key, at(keyOffset), path);
        const value = build(pair.value, keyOffset, key === null ? path : [...path, key]);
        children.push(value);
        if (key === null) continue;
        if (entries.has(key)) issues.add(at(keyOffset), [...path, key], { what: 'is written twice' });
        else entries.set(key, { keyAt: at(keyOffset), value: value.node, ...commentOf(key, pair.value) });
      }
      return sum({ kind: 'map', at: place, entries }, children);
    }
    for (const [i, item] of (node.items as readonly (ParsedNode | null)[]).entries()) {
      children.push(build(item, node.range?.[0] ?? 0, [...path, i]));
    }
    return sum({ kind: 'list', at: place, items: children.map((child) => child.node) }, children);
  }

  function textKey(key: ParsedNode | null, place: Position, path: SpecPath): string | null {
    const text = isScalar(key) && typeof key.value === 'string' ? key.value : null;
    if (text === null) {
      const got = isScalar(key) ? (key.source ?? 'nothing') : 'something else';
      issues.add(place, path, { what: 'has a key that is no text; put it in quotes', got });
    } else if (text === '<<') {
      issues.add(place, path, { what: 'has a YAML merge key (<<); write the keys out' });
      return null;
    } else if (FORBIDDEN_KEYS.has(text)) {
      issues.add(place, path, { what: `has the key ${text}, which is never allowed` });
      return null;
    }
    return text;
  }

  function resolveAlias(name: string, place: Position, path: SpecPath): Built {
    const built = anchors.get(name);
    if (built !== undefined) return built;
    issues.add(place, path, { what: 'is an alias of something that contains it' });
    return leaf(place, null, '');
  }

  return build(contents, 0, []).node;
}

function scalar(value: unknown, source: string | undefined, at: Position): Built {
  const raw = source ?? String(value);
  if (typeof value === 'bigint') return leaf(at, exactNumber(value, raw), raw);
  const isKnown = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return leaf(at, isKnown ? value : null, raw);
}

/** The double that a whole number means; the number itself when no double, written out again, would be the same. */
function exactNumber(value: bigint, raw: string): number | bigint {
  const number = Number(value);
  if (number === 0) return raw.startsWith('-') ? -0 : 0;
  const isSame = Number.isFinite(number) && (BigInt(number) === value || String(number) === String(value));
  return isSame ? number : value;
}

function leaf(at: Position, value: string | number | bigint | boolean | null, raw: string): Built {
  return { node: { kind: 'scalar', at, value, raw }, weight: 1, height: 0 };
}

function sum(node: SpecNode, children: readonly Built[]): Built {
  const weight = children.reduce((total, child) => total + child.weight, 1);
  return { node, weight, height: 1 + children.reduce((most, child) => Math.max(most, child.height), 0) };
}

function tooLarge(file: string, { line, column }: Position, what: string): PrescoreError {
  return new PrescoreError('SPEC_TOO_LARGE', { what: `the job file ${what}`, where: `${file}:${line}:${column}` });
}

// Behind the key of a block, or behind the value of a line.
function commentOf(key: string, value: ParsedNode | null): { readonly comment?: string } {
  if (!isQuestion(key)) return {};
  const text = (value?.commentBefore ?? value?.comment ?? '').trim();
  return text === '' ? {} : { comment: text };
}
