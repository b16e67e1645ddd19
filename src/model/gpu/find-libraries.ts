import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type ElfLibrary, readElf } from './elf.ts';

/** A library that the provider needs, directly or through another. */
export interface NeededLibrary {
  readonly name: string;
  /** The first library found to need it. */
  readonly neededBy: string;
  /** Where the loader finds it; null when it does not. */
  readonly path: string | null;
}

/** Where the loader looks besides the folders that a library names itself. */
export interface LoaderPlaces {
  /** LD_LIBRARY_PATH of the process, in order. */
  readonly libraryPath: readonly string[];
  /** What the cache of the system holds: paths by name. */
  readonly cached: ReadonlyMap<string, string>;
}

const DEFAULT_FOLDERS = [
  '/lib64',
  '/usr/lib64',
  '/lib/x86_64-linux-gnu',
  '/usr/lib/x86_64-linux-gnu',
  '/lib',
  '/usr/lib',
];
const LDCONFIG = ['/sbin/ldconfig', '/usr/sbin/ldconfig'];
const ENTRY = /^\s*(\S+) \(libc6,x86-64[^)]*\) => (\/.+)$/;

/** The places of a process that has `libraryPath` (joined as in PATH). Asks `ldconfig -p`; without it the usual folders remain. */
export function loaderPlaces(libraryPath: readonly string[]): LoaderPlaces {
  const cached = new Map<string, string>();
  const ldconfig = LDCONFIG.find((path) => existsSync(path));
  const told = ldconfig === undefined ? '' : spawnSync(ldconfig, ['-p'], { encoding: 'utf8', timeout: 10_000 }).stdout;
  for (const line of (told ?? '').split('\n')) {
    const [, name, path] = ENTRY.exec(line) ?? [];
    if (name !== undefined && path !== undefined && !cached.has(name)) cached.set(name, path);
  }
  return { libraryPath, cached };
}

/**
 * Walks what the libraries at `roots` need, as the loader would, breadth first: each name once, found or not. It reads headers and
 * loads nothing; versions of symbols are not compared, which only the loader itself can say.
 */
export function walkLibraries(roots: readonly string[], places: LoaderPlaces): readonly NeededLibrary[] {
  const found = new Map<string, NeededLibrary>();
  const waiting = [...roots];
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    const library = readElf(path);
    if (library === null) continue;
    for (const name of library.needed) {
      if (found.has(name)) continue;
      const at = locate(name, { path, library }, places);
      found.set(name, { name, neededBy: library.soname ?? basename(path), path: at });
      if (at !== null) waiting.push(at);
    }
  }
  return [...found.values()];
}

/** Where the loader finds a library that is asked for by name while the program runs; null when it does not. */
export function locateByName(name: string, places: LoaderPlaces): string | null {
  return locate(name, null, places);
}

function locate(
  name: string,
  by: { readonly path: string; readonly library: ElfLibrary } | null,
  places: LoaderPlaces,
): string | null {
  const own = (folders: readonly string[]): readonly string[] =>
    folders.map((folder) => folder.replace(/\$ORIGIN|\$\{ORIGIN\}/g, dirname(by?.path ?? '/')));
  const { rpath = [], runpath = [] } = by?.library ?? {};
  const cached = places.cached.get(name);
  const candidates = [
    // DT_RPATH counts only where there is no DT_RUNPATH, and then before everything else.
    ...(runpath.length === 0 ? own(rpath) : []).map((folder) => join(folder, name)),
    ...places.libraryPath.map((folder) => join(folder, name)),
    ...own(runpath).map((folder) => join(folder, name)),
    ...(cached === undefined ? [] : [cached]),
    ...DEFAULT_FOLDERS.map((folder) => join(folder, name)),
  ];
  const machine = by?.library.machine ?? 62;
  return candidates.find((path) => readElf(path)?.machine === machine) ?? null;
}
