import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { madeOnce, note, PYTHON } from './paths.ts';

const run = promisify(execFile);

/** `base`: pyarrow, onnxruntime, onnx. `peers`: Daft and Ray Data with the pyarrow that both accept. `serve`: FastAPI. `lleaves`: what it says.
 * `forest`: scikit-learn, which trains the model of that case. */
export type PythonKind = 'base' | 'peers' | 'serve' | 'lleaves' | 'forest';

const REQUIREMENTS: Readonly<Record<PythonKind, string>> = {
  base: join(PYTHON, 'requirements.txt'),
  peers: join(PYTHON, 'requirements-peers.txt'),
  serve: join(PYTHON, 'requirements-serve.txt'),
  forest: join(PYTHON, 'requirements-forest.txt'),
  lleaves: join(PYTHON, 'requirements-lleaves.txt'),
};

const prepared = new Map<PythonKind, Promise<string>>();

/** Environment variables for a process of that kind; the packages are installed on first use (python3 with pip, network once). */
export async function pythonEnv(kind: PythonKind): Promise<Record<string, string>> {
  let folder = prepared.get(kind);
  if (folder === undefined) {
    folder = install(kind);
    prepared.set(kind, folder);
  }
  // No contender calls home while it is measured.
  const quiet = {
    DO_NOT_TRACK: '1',
    DAFT_ANALYTICS_ENABLED: '0',
    SCARF_NO_ANALYTICS: 'true',
    RAY_USAGE_STATS_ENABLED: '0',
  };
  // The scripts' own folder too: workers that Daft and Ray start import what the scripts share.
  return { PYTHONPATH: `${await folder}:${PYTHON}`, PYTHONDONTWRITEBYTECODE: '1', PYTHONHASHSEED: '0', ...quiet };
}

/** Runs a script of `bench/python`, untimed; answers with what it printed. */
export async function runPython(kind: PythonKind, script: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, ...(await pythonEnv(kind)) };
  const { stdout } = await run('python3', [join(PYTHON, script), ...args], { env, maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

/** Package -> version, from the pins. */
export function pinnedVersions(kind: PythonKind): Record<string, string> {
  const lines = readFileSync(REQUIREMENTS[kind], 'utf8').split('\n');
  return Object.fromEntries(lines.filter((l) => /^\w/.test(l)).map((l) => l.split('==') as [string, string]));
}

async function install(kind: PythonKind): Promise<string> {
  const file = REQUIREMENTS[kind];
  const { stdout: version } = await run('python3', ['--version']);
  const key = [readFileSync(file), `${version} ${process.platform} ${process.arch}`];
  return madeOnce(`python-${kind}`, key, async (folder) => {
    note(`installing ${file}`);
    const flags = ['--quiet', '--disable-pip-version-check', '--no-input', '--no-deps', '--only-binary', ':all:'];
    await run('python3', ['-m', 'pip', 'install', ...flags, '--target', folder, '-r', file], {
      env: { ...process.env, PIP_ROOT_USER_ACTION: 'ignore' },
      maxBuffer: 16 * 1024 * 1024,
    });
    // Compiled once, so that no contender compiles while it is measured.
    await run('python3', ['-m', 'compileall', '-q', '-j', '0', folder], { maxBuffer: 16 * 1024 * 1024 }).catch(
      () => {},
    );
  });
}
