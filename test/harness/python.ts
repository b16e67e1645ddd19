import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const requirements = join(root, 'test/python/requirements.txt');

let prepared: Promise<string> | null = null;

/**
 * The folder of the pinned Python packages, for PYTHONPATH. Installed on first use into `.servers/python-<hash>`, where the
 * hash covers the pins and the Python version; built beside it and renamed, so that a half-made folder is never used and
 * test processes may race for it. Needs `python3` with pip, and the network once.
 */
export function pythonPath(): Promise<string> {
  prepared ??= prepare();
  return prepared;
}

/** Runs a script of `test/python` with the pinned packages; answers with what it printed. Rejects when it fails. */
export async function runPython(script: string, args: readonly string[] = []): Promise<string> {
  const env = { ...process.env, PYTHONPATH: await pythonPath(), PYTHONDONTWRITEBYTECODE: '1', PYTHONHASHSEED: '0' };
  const { stdout } = await run('python3', [join(root, 'test/python', script), ...args], {
    env,
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}

async function prepare(): Promise<string> {
  const { stdout: version } = await run('python3', ['--version']);
  const hash = createHash('sha256')
    .update(await readFile(requirements))
    .update(`${version} ${process.platform} ${process.arch}`)
    .digest('hex');
  const home = join(root, '.servers');
  const folder = join(home, `python-${hash.slice(0, 16)}`);
  if (await exists(folder)) return folder;
  await mkdir(home, { recursive: true });
  const building = await mkdtemp(join(home, 'tmp-python-'));
  try {
    const flags = ['--quiet', '--disable-pip-version-check', '--no-input', '--no-deps', '--only-binary', ':all:'];
    await run('python3', ['-m', 'pip', 'install', ...flags, '--target', building, '-r', requirements], {
      maxBuffer: 16 * 1024 * 1024,
    });
    await rename(building, folder);
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    // Another process was faster: a folder that is there is whole.
    if (!(await exists(folder))) throw error;
  }
  return folder;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
