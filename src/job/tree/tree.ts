/** A file after reading: plain nodes with their places, and no objects that user keys could reach into. */
export type SpecNode = SpecMap | SpecList | SpecScalar;

/** Counted from 1, as editors do. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface SpecMap {
  readonly kind: 'map';
  readonly at: Position;
  readonly entries: ReadonlyMap<string, SpecEntry>;
}

export interface SpecEntry {
  readonly keyAt: Position;
  readonly value: SpecNode;
  /** Of a question (see `isQuestion`): what stands behind the # on its line. */
  readonly comment?: string;
}

/** Whether a key is a question of a draft: a known key with a `?`, which whoever answers it takes off. Errors: none. */
export function isQuestion(key: string): boolean {
  return key.length > 1 && key.endsWith('?');
}

export interface SpecList {
  readonly kind: 'list';
  readonly at: Position;
  readonly items: readonly SpecNode[];
}

export interface SpecScalar {
  readonly kind: 'scalar';
  readonly at: Position;
  /** bigint only where a number would lose digits. */
  readonly value: string | number | bigint | boolean | null;
  /** As it stands in the file. */
  readonly raw: string;
}

export type SpecPath = readonly (string | number)[];

/** The node at a path, or the nearest one above it: the place to point at. Errors: none. */
export function nearestPosition(root: SpecNode, path: SpecPath): Position {
  let node = root;
  for (const key of path) {
    const next =
      node.kind === 'map'
        ? node.entries.get(String(key))?.value
        : node.kind === 'list'
          ? node.items[Number(key)]
          : undefined;
    if (next === undefined) return node.at;
    node = next;
  }
  return node.at;
}

/** `features.input.columns[2]`; a key that is no plain word stands in quotes. */
export function formatPath(path: SpecPath): string {
  let text = '';
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else if (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(key)) text += text === '' ? key : `.${key}`;
    else text += `[${JSON.stringify(key)}]`;
  }
  return text === '' ? 'the file' : text;
}

/** A tree without places, for defaults. Errors: none. */
export function treeOf(value: unknown, at: Position): SpecNode {
  if (Array.isArray(value)) return { kind: 'list', at, items: value.map((item) => treeOf(item, at)) };
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, item]) => [key, { keyAt: at, value: treeOf(item, at) }] as const);
    return { kind: 'map', at, entries: new Map(entries) };
  }
  const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return { kind: 'scalar', at, value: isPlain ? value : null, raw: String(value) };
}
