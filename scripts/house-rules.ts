/**
 * Holds the sources to the plan of the house: arrows between wings go down, walls between rooms, who may import a package that
 * does I/O, and how files are kept. Pure: takes the sources, gives the faults, so that a planted fault can be tried in a test.
 */
import { PACKAGES, WINGS, type Wing } from './house-plan.ts';

export interface SourceFile {
  /** Relative to src/, such as `run/ledger/lease.ts`. */
  readonly path: string;
  readonly text: string;
}

const MAX_LINES = 300;
/** One table is one concept, however many rows it has. */
const TABLES = new Set(['base/errors/error-codes.ts']);
const FEWEST_FILES = 60;
const MOST_FILES = 30;
const MOST_ROOMS = 9;
const BANNED_NAMES = /(^|[-/])(utils?|helpers?|common|misc|manager|v\d+)(?=[-./]|$)/;
const BANNED_TEXT: readonly (readonly [RegExp, string])[] = [
  [/\bas any\b|: any\b|<any>/, 'any'],
  [/\bas unknown as\b/, 'a cast through unknown'],
  [/\bthrow new Error\(/, 'a plain Error; use PrescoreError'],
  [/@ts-(ignore|expect-error|nocheck)/, 'a switched-off type check'],
  [/biome-ignore/, 'a switched-off lint rule'],
];

/** All faults, one line each; empty when the house is in order. */
export function findFaults(
  files: readonly SourceFile[],
  {
    fewestFiles = FEWEST_FILES,
    wings = WINGS,
  }: { readonly fewestFiles?: number; readonly wings?: readonly Wing[] } = {},
): string[] {
  const faults = [...planFaults(wings), ...crowdFaults(files)];
  if (files.length < fewestFiles) faults.push(`only ${files.length} files seen: the check itself is broken`);
  const rooms = new Map(wings.flatMap((wing) => wing.rooms.map((room) => [room.path, room.may] as const)));
  const graph = new Map<string, string[]>();
  for (const file of files) {
    const room = roomOf(file.path);
    const may = room === '' ? null : rooms.get(room);
    if (may === undefined) faults.push(`${file.path}: room ${room} is not in the plan`);
    if (BANNED_NAMES.test(file.path)) faults.push(`${file.path}: a name that says nothing`);
    const lines = file.text.split('\n').length;
    if (lines > MAX_LINES && !TABLES.has(file.path)) faults.push(`${file.path}: ${lines} lines, over ${MAX_LINES}`);
    for (const [pattern, what] of BANNED_TEXT)
      if (pattern.test(withoutComments(file.text))) faults.push(`${file.path}: ${what}`);
    const targets: string[] = [];
    for (const name of imports(file.text)) {
      if (!name.startsWith('.')) faults.push(...packageFaults(file.path, name));
      else {
        const target = resolvePath(file.path, name);
        targets.push(target);
        const to = roomOf(target);
        if (may !== null && to !== room && !may?.includes(to))
          faults.push(`${file.path}: ${room} may not import ${to} (${target})`);
      }
    }
    graph.set(file.path, targets);
  }
  return [...faults, ...findCycles(graph, 'cycle')];
}

/** The folder that a file lies in; the doors, directly in src/, are in none. */
function roomOf(path: string): string {
  return path.split('/').slice(0, -1).join('/');
}

/** The plan itself may be wrong: an arrow that points up, a circle of rooms, a room of another wing. */
function planFaults(wings: readonly Wing[]): string[] {
  const floorOf = new Map(wings.flatMap((wing, floor) => wing.rooms.map((room) => [room.path, floor] as const)));
  const faults: string[] = [];
  for (const [floor, wing] of wings.entries()) {
    for (const { path, may } of wing.rooms) {
      if (path.split('/')[0] !== wing.name) faults.push(`plan: ${path} is not in wing ${wing.name}`);
      for (const to of may) {
        const target = floorOf.get(to);
        if (target === undefined) faults.push(`plan: ${path} may import ${to}, which is no room`);
        else if (target > floor) faults.push(`plan: ${path} may import ${to}, which is above it`);
      }
    }
  }
  const rooms = new Map(wings.flatMap((wing) => wing.rooms.map((room) => [room.path, room.may] as const)));
  return [...faults, ...findCycles(rooms, 'plan: circle of rooms')];
}

/** Folders and wings that hold more than one can take in. */
function crowdFaults(files: readonly SourceFile[]): string[] {
  const inRoom = new Map<string, number>();
  for (const { path } of files) inRoom.set(roomOf(path), (inRoom.get(roomOf(path)) ?? 0) + 1);
  const inWing = new Map<string, number>();
  for (const room of inRoom.keys()) {
    const [wing, name] = room.split('/');
    if (wing !== undefined && name !== undefined) inWing.set(wing, (inWing.get(wing) ?? 0) + 1);
  }
  return [
    ...[...inRoom].flatMap(([room, count]) =>
      count > MOST_FILES ? [`${room}: ${count} files, over ${MOST_FILES}`] : [],
    ),
    ...[...inWing].flatMap(([wing, count]) =>
      count > MOST_ROOMS ? [`${wing}: ${count} rooms, over ${MOST_ROOMS}`] : [],
    ),
  ];
}

/** Module names of import and export lines, dynamic imports and types included. */
export function imports(text: string): string[] {
  const code = withoutComments(text);
  const names = [...code.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((m) => m[1]!);
  return [...new Set(names)].filter((name) => name.startsWith('.') || /^[@\w]/.test(name));
}

function packageFaults(path: string, name: string): string[] {
  const known = Object.keys(PACKAGES).find((p) => name === p || name.startsWith(`${p}/`));
  if (known === undefined) {
    if (name.startsWith('node:')) return [];
    return [`${path}: package ${name} is not in the table`];
  }
  const allowed = PACKAGES[known]!;
  if (allowed.some((place) => (place.endsWith('/') ? path.startsWith(place) : path === place))) return [];
  return [`${path}: only ${allowed.join(', ')} may import ${known}`];
}

function resolvePath(from: string, to: string): string {
  const parts = from.split('/').slice(0, -1);
  for (const part of to.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

function findCycles(graph: ReadonlyMap<string, readonly string[]>, what: string): string[] {
  const state = new Map<string, 'open' | 'done'>();
  const faults: string[] = [];
  const visit = (node: string, path: readonly string[]): void => {
    if (state.get(node) === 'done') return;
    if (state.get(node) === 'open') {
      faults.push(`${what}: ${[...path.slice(path.indexOf(node)), node].join(' -> ')}`);
      return;
    }
    state.set(node, 'open');
    for (const next of graph.get(node) ?? []) visit(next, [...path, node]);
    state.set(node, 'done');
  };
  for (const node of graph.keys()) visit(node, []);
  return faults;
}
