import { isBuiltin } from 'node:module';
import type { OutputChunk } from 'rolldown';

type ImportsOf = (id: string) => readonly string[];

/**
 * Names the file that each module of a run goes to, after the parts of a run that need it and the packages that it brings. Left
 * alone, a bundler makes a file for each set of all programs that share a module, and a run opened a hundred of them.
 *
 * `parts`: the module with which each part of a run begins. Null: left to the bundler.
 */
export function groupsOf(parts: Readonly<Record<string, string>>, importsOf: ImportsOf): (id: string) => string | null {
  const needs = new Map<string, string[]>();
  for (const [part, entry] of Object.entries(parts)) {
    for (const id of reached(entry, importsOf)) needs.set(id, [...(needs.get(id) ?? []), part]);
  }
  // A program that shares modules with another must not start it.
  for (const entry of Object.values(parts)) needs.delete(entry);
  return (id) => {
    const by = needs.get(id);
    if (by === undefined) return null;
    const packages = [...reached(id, importsOf)].filter(isPackage).map((name) => name.replace(/^@|\W+/g, ''));
    return [...by, ...packages.sort()].join('-');
  };
}

/** Files of the bundle that would load a package which the module behind them does not need: `file: package`. */
export function strayPackages(chunks: readonly OutputChunk[], importsOf: ImportsOf): string[] {
  const byName = new Map(chunks.map((chunk) => [chunk.fileName, chunk]));
  return chunks.flatMap(({ fileName, facadeModuleId }) => {
    if (facadeModuleId === null) return [];
    const wanted = reached(facadeModuleId, importsOf);
    const loaded = reached(fileName, (id) => byName.get(id)?.imports ?? []);
    return [...loaded]
      .filter((id) => isPackage(id) && !byName.has(id) && !wanted.has(id))
      .map((id) => `${fileName}: ${id}`);
  });
}

/** A module and all that it imports, as far as that is loaded with it. */
function reached(start: string, importsOf: ImportsOf): Set<string> {
  const seen = new Set<string>();
  const waiting = [start];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    waiting.push(...importsOf(id));
  }
  return seen;
}

/** What is no file and no part of Node. */
function isPackage(id: string): boolean {
  return /^[^./\0]/.test(id) && !isBuiltin(id);
}
