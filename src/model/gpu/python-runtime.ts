import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { CUDA_MAJOR } from './gpu-home.ts';
import { isFolder, names } from './quiet-reads.ts';

/** A folder counts as CUDA's of our version when it has one of these, which nothing else is called. */
const MARKS = [`libcublasLt.so.${CUDA_MAJOR}`, `libcudart.so.${CUDA_MAJOR}`];
const LIBRARY = /^lib(?:cu|nv)[\w-]*\.so\.\d+$/;

/** The Python to ask: that of the active environment, else the one on PATH. */
export function findPython(env: NodeJS.ProcessEnv): string {
  const active = env['VIRTUAL_ENV'] ?? env['CONDA_PREFIX'] ?? '';
  const own = join(active, 'bin', 'python');
  return active !== '' && existsSync(own) ? own : 'python3';
}

/**
 * Folders with libraries of NVIDIA's CUDA 13 in a Python installation, in the order in which they are to be searched: `place` is a
 * folder with such libraries, a site-packages folder, an environment (venv, conda) or its interpreter. Empty when there are none of CUDA 13.
 */
export function cudaFolders(place: string): readonly string[] {
  const root = resolve(place);
  const folders = new Set<string>();
  const look = (folder: string): void => {
    if (hasLibraries(folder)) folders.add(folder);
  };
  if (isFolder(root)) {
    look(root);
    for (const site of [root, ...sitePackages(root)]) for (const lib of nvidiaFolders(site)) look(lib);
    look(join(root, 'lib'));
  } else if (existsSync(root) && /^python[\d.]*$/.test(basename(root)))
    for (const site of pythonSites(root)) for (const lib of nvidiaFolders(site)) look(lib);
  const all = [...folders];
  return all.some((folder) => MARKS.some((mark) => existsSync(join(folder, mark)))) ? all : [];
}

/** The same for an interpreter, also one on PATH: its own site-packages, whatever they are called. */
export function cudaFoldersOf(python: string): readonly string[] {
  const folders = pythonSites(python).flatMap((site) => cudaFolders(site));
  return [...new Set(folders)];
}

function pythonSites(python: string): readonly string[] {
  const code = 'import json,site,sys;print(json.dumps(sys.path+site.getsitepackages()+[site.getusersitepackages()]))';
  const told = spawnSync(python, ['-c', code], { encoding: 'utf8', timeout: 20_000 });
  try {
    const paths = JSON.parse(told.stdout) as unknown[];
    return [...new Set(paths.filter((path): path is string => typeof path === 'string' && path.endsWith('-packages')))];
  } catch {
    // No Python, or one that does not answer: nothing to be found there.
    return [];
  }
}

function sitePackages(root: string): readonly string[] {
  const lib = join(root, 'lib');
  return names(lib)
    .filter((name) => /^python3\.\d+$/.test(name))
    .map((name) => join(lib, name, 'site-packages'));
}

function nvidiaFolders(site: string): readonly string[] {
  return names(join(site, 'nvidia')).flatMap((name) => ['lib', 'lib64'].map((lib) => join(site, 'nvidia', name, lib)));
}

function hasLibraries(folder: string): boolean {
  return names(folder).some((name) => LIBRARY.test(name));
}
